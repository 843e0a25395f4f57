"""`floodgate learn`: what the models have learned. What they would learn is in `learn_evaluate.py`."""

import sys
from pathlib import Path

import click
import msgspec
from rich.table import Table

from engine.cli.learn_compare import compare, promote
from engine.cli.learn_evaluate import command as evaluate_command
from engine.cli.learn_evaluate import slices_table
from engine.cli.learn_seed import command as seed_command
from engine.cli.options import FILE, with_settings
from engine.cli.output import Console, echo
from engine.errors import SnapshotError
from engine.learning.delay_curve import delay_curve
from engine.learning.ngrams import RATES
from engine.learning.snapshots import read_whole, whole
from engine.settings import Settings
from engine.stream.admin.publishing import publish_model_command, publish_seed, read_model, read_models
from engine.stream.handlers.label_messages import Pin, Quarantine
from engine.stream.kafka.records import require_topics

_SPARKS = " ▁▂▃▄▅▆▇█"
_OWN = "default"


@click.group("learn")
def command() -> None:
    """See what models learn from labels, and undo what they should not have learned."""


@command.command("status")
@with_settings
def status(settings: Settings) -> None:
    """What each model has learned, and how much its moderators' labels count."""
    models = read_models(settings)
    if not models:
        echo("no model has been published: none has seen a label yet")
    for name, model in sorted(models.items()):
        pinned = ", pinned" if model.pinned else ""
        title = f"{model.version}: {model.spam:,} of them spam{pinned}"
        table = Table("moderator", "labels (faded)", "trust", title=title)
        for moderator, record in sorted(model.moderator_trust.moderators.items()):
            table.add_row(moderator, f"{record.labels:,.0f}", f"{model.moderator_trust.trust(moderator):.2f}")
        for moderator in sorted(model.quarantined):
            table.add_row(moderator, "", "quarantined")
        learner = f"{name}: {model.expression}"
        if model.expression is None:
            shares = sorted(zip(RATES, model.ngrams.shares(), strict=True), reverse=True)
            weights = ", ".join(f"{share:.0%} at {rate:g}" for rate, share in shares)
            learner = f"{name}: what it has learned fast and slowly counts {weights} (learning rates)"
        Console().print(table)
        echo(learner)
        if model.delays.is_known:
            echo(f"{name}: labels of spam come after {delay_curve(model.delays)}")
        if slices := model.sliced.slices():
            Console().print(slices_table(slices))
        if model.compared.promoted:
            echo(f"{name}: its scores are those of {model.compared.challenger}, which was promoted")


@command.command("quarantine")
@click.argument("moderator")
@click.option("--lift", is_flag=True, help="Let the moderator's labels count again.")
@click.option("--yes", is_flag=True, help="Also for somebody from whom no model has learned.")
@with_settings
def quarantine(settings: Settings, moderator: str, lift: bool, yes: bool) -> None:
    """Undo all that MODERATOR has taught: the models learn anew from everybody else's labels.

    Until that is done, which takes a second for some thousand labels, the models stay in use as they are. Nothing is
    done about a moderator from whom no model has learned, without `--yes`; the exit code is 1 then.
    """
    if not yes and not _is_concerned(settings, moderator, lift):
        problem = f"{moderator} is not quarantined" if lift else f"no model has learned from {moderator}"
        echo(f"floodgate: {problem}: is the name right? `--yes` does it all the same", err=True)
        sys.exit(1)
    require_topics(settings, settings.topics.examples)
    publish_model_command(settings, Quarantine(moderator, quarantined=not lift))
    done = "count again" if lift else "do not count any more"
    echo(f"{moderator}'s labels {done}; the trainer learns anew, see `floodgate learn status`")


def _is_concerned(settings: Settings, moderator: str, lift: bool) -> bool:
    models = read_models(settings).values()
    return any(moderator in (model.quarantined if lift else model.moderator_trust.moderators) for model in models)


@command.command("export")
@click.argument("model")
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The file to write.")
@with_settings
def export(settings: Settings, model: str, out: Path) -> None:
    """Write MODEL, as it was published last, to a file: for history, for rollback, for another system."""
    found = read_model(settings, model)
    out.write_bytes(msgspec.msgpack.encode(whole(found)))
    echo(f"written: {found.version}, {out.stat().st_size:,} bytes")


@command.command("restore")
@click.argument("model")
@click.argument("file", type=FILE)
@click.option("--pin", is_flag=True, help="It stays as it is, until `learn pin --lift`.")
@with_settings
def restore(settings: Settings, model: str, file: Path, pin: bool) -> None:
    """Let MODEL go on from what `export` wrote: a rollback, or a start with what was learned elsewhere.

    Labels that come from now on are learned on top of it, unless it is pinned.
    """
    try:
        messages = msgspec.msgpack.decode(file.read_bytes(), type=list[tuple[str, bytes]])
    except (msgspec.MsgspecError, ValueError) as error:
        raise SnapshotError(f"{file} was not written by `floodgate learn export`: {error}") from error
    seed = read_whole(messages)
    version = seed.version
    publish_seed(settings, model, seed, pin)
    echo(f"{model} goes on from {version}{', pinned' if pin else ''}; see `floodgate learn status`")


@command.command("pin")
@click.argument("model")
@click.option("--lift", is_flag=True, help="Let it learn again.")
@with_settings
def pin_command(settings: Settings, model: str, lift: bool) -> None:
    """Keep MODEL as it is: labels do not change it."""
    read_model(settings, model)  # a wrong name would pin nothing, and nobody would hear of it
    publish_model_command(settings, Pin(model, pinned=not lift))
    echo(f"{model} {'learns again' if lift else 'stays as it is'}")


command.add_command(evaluate_command)
command.add_command(compare)
command.add_command(promote)
command.add_command(seed_command)
