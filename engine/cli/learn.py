"""`floodgate learn`: what the models have learned, and what they would learn from recorded events and labels."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import msgspec
import orjson
from rich.progress import Progress
from rich.table import Table

from engine.cli.options import FILE, PATH, WITHOUT, with_settings
from engine.cli.output import Console, echo
from engine.cli.recordings import read_label_lines, read_lines, tell_unusable
from engine.core.domain.rules import ModelSpec, Rulebook
from engine.errors import RecordingError, SnapshotError
from engine.learning.evaluated import EvaluatedClassifier, EvaluatedModel
from engine.learning.evaluation import Evaluated, EvaluationCase, Result, Scenario, bootstrap_difference, evaluate
from engine.learning.ngrams import RATES
from engine.learning.snapshots import read_whole, whole
from engine.rulebook.compiler import load_rulebook
from engine.rulebook.tools.discovery import MODEL, SAMPLE, discover
from engine.settings import Settings
from engine.stream.admin.given import counting
from engine.stream.admin.publishing import publish_model_command, publish_seed, read_models
from engine.stream.handlers.label_messages import Pin, Quarantine
from engine.stream.offline.recorded import cases_in, event_documents, flat_lines, truths

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
    models = read_models(settings)
    if model not in models:
        raise SnapshotError(f"there is no model `{model}`; published are: {', '.join(models) or 'none'}")
    out.write_bytes(msgspec.msgpack.encode(whole(models[model])))
    echo(f"written: {models[model].version}, {out.stat().st_size:,} bytes")


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
    publish_model_command(settings, Pin(model, pinned=not lift))
    echo(f"{model} {'learns again' if lift else 'stays as it is'}")


@command.command("evaluate")
@click.option("--events", "events_path", required=True, type=FILE, help="Events, JSON Lines (.gz too), in order.")
@click.option("--labels", "labels_path", required=True, type=FILE, help="Their labels.")
@click.option("--rules", type=PATH, help="The rulebook with the model.  [default: one that reads all that is there]")
@click.option("--model", help="Which model of the rulebook.  [default: the only one]")
@click.option("--delay", type=click.IntRange(min=0), help="Labels come so many events late.  [default: at their times]")
@click.option("--fraction", type=click.FloatRange(0, 1), default=1.0, help="The share of labels that it is shown.")
@click.option("--flip", type=click.FloatRange(0, 1), default=0.0, help="The share of those that are wrong.")
@click.option(
    "--presume", is_flag=True, help="Take every event for ham until a label says spam.  [default: as the model]"
)
@click.option(
    "--audit", type=click.FloatRange(0, 1, min_open=True),
    help="Labels only for what looks like spam, and for this share of the rest.",
)  # fmt: skip
@click.option("--seed", default=0, help="Chooses the labels.")
@WITHOUT
@click.option("--against", multiple=True, help="Another learner, as an expression of River's. May be given often.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of a table.")
@with_settings
def evaluate_command(
    settings: Settings, events_path: Path, labels_path: Path, rules: Path | None, model: str | None,
    against: tuple[str, ...], as_json: bool, presume: bool, without: tuple[str, ...], **scenario: Any,
) -> None:  # fmt: skip
    """Score recorded events one by one, learn their labels when they come, and tell how good the scores were.

    Nothing is learned before it could have been known: an event is scored first, with the counters of its time.
    """
    console = Console(stderr=True)
    rivals: dict[str, Evaluated] = {text: EvaluatedClassifier(text) for text in against}
    with Progress(console=console, disable=not console.is_terminal) as progress:
        shown = Scenario(**scenario)
        recorded_cases, spec = _cases(settings, events_path, labels_path, without, rules, model, shown, progress)
        shown = replace(shown, presume=1.0 if presume else spec.presume)
        results: dict[str, Result] = {}
        for name, learner in {_OWN: EvaluatedModel(spec.river), **rivals}.items():
            task = progress.add_task(f"teaching {name[:40]}", total=len(recorded_cases))
            results[name] = evaluate(recorded_cases, learner, shown, _advance(progress, task))
    if as_json:
        echo(orjson.dumps(_document(results)).decode())
    else:
        _show(results)


def _cases(
    settings: Settings, events_path: Path, labels_path: Path, without: tuple[str, ...], rules: Path | None,
    model: str | None, scenario: Scenario, progress: Progress,
) -> tuple[list[EvaluationCase], ModelSpec]:  # fmt: skip
    """What the model would have read, and its declaration."""
    task = progress.add_task("reading events", total=None)
    mapping = settings.labels.mapping()
    tell_unusable(read_label_lines(labels_path, mapping))
    truth = truths(counting(read_label_lines(labels_path, mapping), without))
    if rules is None:
        documents = event_documents(flat_lines(read_lines(events_path)), SAMPLE)
        rulebook, model = load_rulebook({"discovered.yaml": discover(documents)}), MODEL
    else:
        rulebook = load_rulebook(rules)
        model = _only(rulebook, model)
    if scenario.audit is not None and rulebook.follow_ups.of_labels:
        raise click.UsageError("--audit goes by scores, which counters of labels change: leave one of them out")

    def read() -> Iterator[bytes]:
        return flat_lines(read_lines(events_path)) if rules is None else read_lines(events_path)

    recorded_cases = cases_in(rulebook, model, read, truth, settings, scenario, _advance(progress, task))
    if not any(case.spam is not None for case in recorded_cases):
        raise RecordingError(f"no label of {labels_path} is about an event of {events_path} that `{model}` scores")
    return recorded_cases, rulebook.models[model]


def _only(rulebook: Rulebook, model: str | None) -> str:
    if model in rulebook.models or (model is None and len(rulebook.models) == 1):
        return model or next(iter(rulebook.models))
    known = ", ".join(rulebook.models) or "none"
    raise click.UsageError(f"choose one of the rulebook's models with --model: {known}")


def _advance(progress: Progress, task: Any) -> Callable[[], None]:
    return lambda: progress.advance(task)


def _document(results: dict[str, Result]) -> dict[str, Any]:
    own = results[_OWN]
    calls = {str(target): made.summary() for target, made in own.calls.items()}
    document: dict[str, Any] = {**own.summary(), "precision": calls, "curve": own.curve()}
    for name, result in results.items():
        if name != _OWN:
            difference, low, high = bootstrap_difference(own, result)
            versus = {"one_minus_auc_pct_lower_by": difference, "from": low, "to": high}
            document.setdefault("against", {})[name] = {**result.summary(), **versus}
    return document


def _show(results: dict[str, Result]) -> None:
    console = Console()
    table = Table("", *results, title=f"{len(results[_OWN].scores):,} events with labels")
    for name in results[_OWN].summary():
        table.add_row(name, *(_number(result.summary()[name]) for result in results.values()))
    table.add_row("learning curve", *(_curve(result) for result in results.values()))
    console.print(table)
    console.print(_calls(results[_OWN]))
    for name, result in results.items():
        if name != _OWN:
            difference, low, high = bootstrap_difference(results[_OWN], result)
            verdict = "better" if low > 0 else "worse" if high < 0 else "no different"
            console.print(
                f"{_OWN} against {name}: {verdict}: (1 - AUC) is lower by {difference:.4f} points, "
                f"95 % between {low:.4f} and {high:.4f}"
            )


def _calls(result: Result) -> Table:
    """What acting on scores alone would have come to."""
    table = Table("wanted precision", "realised", "recall", "called", title="thresholds chosen from the labels so far")
    for column in table.columns:
        column.justify = "right"
    for target, made in result.calls.items():
        summary = made.summary()
        if not made.made:
            table.add_row(f"{target:.1%}", "not known: never called", "", "0")
        else:
            shares = ("-" if summary[name] is None else f"{summary[name]:.1%}" for name in ("realised", "recall"))
            table.add_row(f"{target:.1%}", *shares, f"{made.made:,}")
    return table


def _number(value: float | int | None) -> str:
    return "-" if value is None else f"{value:,}" if isinstance(value, int) else f"{value:.4f}"


def _curve(result: Result) -> str:
    """ROC AUC over time, from a half (blank) to one (full)."""
    heights = [max(0.0, 2 * area - 1) for _, area in result.curve() if area is not None]
    return "".join(_SPARKS[round(height * (len(_SPARKS) - 1))] for height in heights)
