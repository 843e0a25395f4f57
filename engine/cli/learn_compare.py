"""`floodgate learn compare` and `promote`: a model and its challenger on the same labels, and which of them stands."""

import sys
from collections.abc import Mapping
from pathlib import Path

import click
import orjson
from rich.table import Table

from engine.cli.options import FILE, PATH, with_settings
from engine.cli.output import Console, echo
from engine.cli.recordings import read_events, read_labels
from engine.learning.comparison import FEWEST, FEWEST_OF_A_KIND, Comparison
from engine.learning.models import LearnedModel
from engine.rulebook.compiler import load_rulebook
from engine.settings import Settings
from engine.stream.admin.publishing import publish_model_command, read_model, read_models
from engine.stream.handlers.label_messages import Promote
from engine.stream.offline.arrivals import merge
from engine.stream.offline.engine import OfflineEngine


@click.command("compare")
@click.option("--model", "only", help="This model alone.")
@click.option("--rules", type=PATH, help="With --events: what this rulebook's models would have come to.")
@click.option("--events", "events_path", type=FILE, help="Recorded events in place of what is live.")
@click.option("--labels", "labels_path", type=FILE, help="Their labels.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of tables.")
@with_settings
def compare(
    settings: Settings, only: str | None, rules: Path | None, events_path: Path | None, labels_path: Path | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Tell how each model and its challenger compare on the labels that both have scored before.

    With --rules and --events, recorded ones are scored and learned as they would have been live.
    """
    if (rules is None) != (events_path is None):
        raise click.UsageError("--rules and --events go together")
    models = read_models(settings) if rules is None else _replayed(settings, rules, Path(str(events_path)), labels_path)
    compared = {
        name: model.compared
        for name, model in sorted(models.items())
        if model.compared.challenger is not None and only in (None, name)
    }
    if as_json:
        echo(orjson.dumps({name: one.describe() for name, one in compared.items()}).decode())
    elif not compared:
        echo("no label has met a model that has a challenger, and both scores of its event")
    else:
        for name, one in compared.items():
            _show(name, one)


def _replayed(
    settings: Settings, rules: Path, events_path: Path, labels_path: Path | None
) -> Mapping[str, LearnedModel]:
    engine = OfflineEngine(load_rulebook(rules), settings)
    labels = read_labels(labels_path, settings.labels.mapping()) if labels_path is not None else ()
    for _ in engine.run(merge(read_events(events_path, settings.events.mapping()), labels)):
        pass
    return engine.learned()


def _show(name: str, compared: Comparison) -> None:
    table = Table("", name, str(compared.challenger), title=f"the last {len(compared):,} labels that both had scored")
    own, rival = compared.standings()
    for what in own._fields:
        table.add_row(what, *("-" if (value := getattr(one, what)) is None else f"{value:.4f}" for one in (own, rival)))
    Console().print(table)
    gain = compared.gain()
    if gain is None:
        echo(f"too few labels to tell: {FEWEST} are needed, {FEWEST_OF_A_KIND} of them spam and as many ham")
    else:
        verdict = "better" if gain.low > 0 else "worse" if gain.high < 0 else "no different, as far as the labels tell"
        echo(
            f"{compared.challenger} is {verdict}: its log loss is lower by {gain.mean:.4f}, "
            f"between {gain.low:.4f} and {gain.high:.4f}"
        )
    standing = compared.challenger if compared.promoted else name
    echo(f"score.{name} is what {standing} says")


@click.command("promote")
@click.argument("model")
@click.option("--lift", is_flag=True, help="Let MODEL stand for itself again.")
@click.option("--anyway", is_flag=True, help="Also where the labels do not tell that it is better.")
@with_settings
def promote(settings: Settings, model: str, lift: bool, anyway: bool) -> None:
    """Let MODEL's challenger stand in its place: rules that read MODEL's score get the challenger's.

    Both go on scoring and learning, so that it can be lifted at any time. Without `--anyway`, nothing is done where the
    labels do not tell for certain that the challenger is better; the exit code is 1 then.
    """
    gain = read_model(settings, model).compared.gain()
    if not lift and not anyway and (gain is None or gain.low <= 0):
        problem = "too few labels tell" if gain is None else "it may be chance that it looks better, if it does"
        echo(f"floodgate: {problem}: see `floodgate learn compare`; `--anyway` promotes it all the same", err=True)
        sys.exit(1)
    publish_model_command(settings, Promote(model, promoted=not lift))
    echo(f"{model} {'stands for itself again' if lift else 'is answered by its challenger'}: the trainer is told")
