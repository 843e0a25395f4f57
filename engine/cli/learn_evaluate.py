"""`floodgate learn evaluate`: what the models would learn from recorded events, and labels or outcomes."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import orjson
from rich.progress import Progress
from rich.table import Table

from engine.cli.options import FILE, PATH, WITHOUT, with_settings
from engine.cli.output import Console, echo
from engine.cli.recordings import read_label_lines, read_lines, tell_unusable
from engine.core.domain.rules import ModelSpec, Rulebook
from engine.errors import RecordingError
from engine.learning.answering import estimate
from engine.learning.delay_curve import delay_curve
from engine.learning.evaluated import EvaluatedClassifier, EvaluatedModel
from engine.learning.evaluation import Evaluated, EvaluationCase, Result, Scenario, bootstrap_difference, evaluate
from engine.learning.slices import Slice
from engine.rulebook.compiler import load_rulebook
from engine.rulebook.tools.discovery import MODEL, SAMPLE, discover
from engine.settings import Settings
from engine.stream.admin.given import counting
from engine.stream.offline.decided import corrected_share, outcome_cases, weighed
from engine.stream.offline.recorded import cases_in, event_documents, flat_lines, truths

_SPARKS = " ▁▂▃▄▅▆▇█"
_OWN = "default"


@click.command("evaluate")
@click.option("--events", "events_path", required=True, type=FILE, help="Events, JSON Lines (.gz too), in order.")
@click.option("--labels", "labels_path", type=FILE, help="Their labels.  [default: the model's outcome]")
@click.option("--rules", type=PATH, help="The rulebook with the model.  [default: one that reads all that is there]")
@click.option("--model", help="Which model of the rulebook.  [default: the only one]")
@click.option("--delay", type=click.IntRange(min=0), help="Labels come so many events late.  [default: at their times]")
@click.option("--fraction", type=click.FloatRange(0, 1), default=1.0, help="The share of labels that it is shown.")
@click.option("--flip", type=click.FloatRange(0, 1), default=0.0, help="The share of those that are wrong.")
@click.option(
    "--presume", is_flag=True, help="Take every event for ham until a label says spam.  [default: as the model]"
)
@click.option(
    "--presume-after", type=click.Choice(["learned"]), help="With --presume: only when a label would have come."
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
def command(
    settings: Settings, events_path: Path, labels_path: Path | None, rules: Path | None, model: str | None,
    against: tuple[str, ...], as_json: bool, presume: bool, presume_after: str | None, without: tuple[str, ...],
    **scenario: Any,
) -> None:  # fmt: skip
    """Score recorded events one by one, learn their labels when they come, and tell how good the scores were.

    Nothing is learned before it could have been known: an event is scored first, with the counters of its time.
    """
    if presume_after is not None and not presume:
        raise click.UsageError("--presume-after goes with --presume: when events are taken for ham")
    if model is not None and rules is None:
        raise click.UsageError("--model goes with --rules: which model of the rulebook is meant")
    console = Console(stderr=True)
    rivals: dict[str, Evaluated] = {text: EvaluatedClassifier(text) for text in against}
    with Progress(console=console, disable=not console.is_terminal) as progress:
        shown = Scenario(**scenario)
        if labels_path is None:
            recorded_cases, spec = _outcomes(settings, events_path, rules, model, shown, progress)
        else:
            recorded_cases, spec = _cases(settings, events_path, labels_path, without, rules, model, shown, progress)
        shown = replace(shown, presume=1.0 if presume else spec.presume)
        shown = replace(shown, awaits=presume_after is not None if presume else spec.awaits)
        results: dict[str, Result] = {}
        own = EvaluatedModel(spec.river, spec.answer_model is not None)
        for name, learner in {_OWN: own, **rivals}.items():
            task = progress.add_task(f"teaching {name[:40]}", total=len(recorded_cases))
            results[name] = evaluate(recorded_cases, learner, shown, _advance(progress, task))
        plain = None
        if spec.answer_model is not None:
            unweighed = [replace(case, propensity=1.0) for case in recorded_cases]
            task = progress.add_task("teaching without weights", total=len(unweighed))
            plain = evaluate(unweighed, EvaluatedModel(spec.river), shown, _advance(progress, task))
    document = _document(results)
    if plain is not None:
        document["estimate"] = _estimate(recorded_cases, results[_OWN], plain)
    if as_json:
        echo(orjson.dumps(document).decode())
    else:
        _show(results, document)
        if shown.awaits:
            echo(f"labels of spam come after {delay_curve(results[_OWN].delays)}")


def _outcomes(
    settings: Settings, events_path: Path, rules: Path | None, model: str | None, scenario: Scenario, progress: Progress
) -> tuple[list[EvaluationCase], ModelSpec]:
    """The same of a model that learns an outcome: what has come of the events themselves."""
    if rules is None:
        raise click.UsageError("without --labels, --rules names a rulebook with a model that learns an outcome")
    rulebook = load_rulebook(rules)
    spec = rulebook.models[_only(rulebook, model)]
    if spec.outcome is None:
        raise click.UsageError(f"model `{spec.name}` learns labels, no outcome: give them with --labels")
    task = progress.add_task("reading events", total=None)
    cases = outcome_cases(rulebook, spec, read_lines(events_path), settings, _advance(progress, task))
    if not any(case.spam is not None and case.counts for case in cases):
        raise RecordingError(f"nothing is known by the end of {events_path} of what came of its events")
    if spec.answer_model is not None:
        teacher = rulebook.models[spec.answer_model]
        asked = outcome_cases(rulebook, teacher, read_lines(events_path), settings, _advance(progress, task))
        cases = weighed(cases, asked, teacher, scenario)
    return cases, spec


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
    document: dict[str, Any] = {**own.summary(), "precision": calls, "curve": own.curve(), "deciles": own.deciles()}
    if own.slices:
        document["slices"] = [{**one._asdict(), "gap": one.gap} for one in own.slices]
    for name, result in results.items():
        if name != _OWN:
            difference, low, high = bootstrap_difference(own, result)
            versus = {"one_minus_auc_pct_lower_by": difference, "from": low, "to": high}
            document.setdefault("against", {})[name] = {**result.summary(), **versus}
    return document


def _estimate(cases: list[EvaluationCase], weighed_result: Result, plain: Result) -> dict[str, float | None]:
    """How large the share of yes is among all events: as the answers have it, and as the scores do, each without
    weights and with them, and as the scores do with what the answers correct. Scores of the second half, when the model
    has learned."""
    answered = [case for case in cases if case.spam is not None and case.counts and case.propensity]
    shares = estimate([bool(case.spam) for case in answered], [case.propensity for case in answered])
    return {
        "answers_unweighted": shares[0] if shares is not None else None,
        "answers_weighted": shares[1] if shares is not None else None,
        "scores_unweighted": plain.mean_score(),
        "scores_weighted": weighed_result.mean_score(),
        "scores_corrected": corrected_share(cases, weighed_result.all_scores),
    }


def _show(results: dict[str, Result], document: dict[str, Any]) -> None:
    console = Console()
    table = Table("", *results, title=f"{len(results[_OWN].scores):,} events with labels")
    for name in results[_OWN].summary():
        table.add_row(name, *(_number(result.summary()[name]) for result in results.values()))
    table.add_row("learning curve", *(_curve(result) for result in results.values()))
    console.print(table)
    console.print(_calls(results[_OWN]))
    console.print(_deciles(results[_OWN]))
    if results[_OWN].slices:
        console.print(slices_table(results[_OWN].slices))
    if "estimate" in document:
        console.print(_shares(document["estimate"]))
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


def _deciles(result: Result) -> Table:
    """How scores and what was true go together, a tenth of the events at a time."""
    table = Table("tenth", "events", "scores from", "to", "mean score", "yes", "lift", title="by score, highest first")
    for column in table.columns:
        column.justify = "right"
    for number, tenth in enumerate(result.deciles(), 1):
        shares = (_number(tenth[name]) for name in ("from", "to", "mean_score", "share"))
        lift = "-" if tenth["lift"] is None else f"{tenth['lift']:.2f}"
        table.add_row(str(number), f"{tenth['n']:,}", *shares, lift)
    return table


def slices_table(slices: list[Slice]) -> Table:
    """How right the scores are, slice by slice."""
    table = Table("slice", "labels", "mean score", "share of spam", "calibration error", "", title="by slice")
    for one in slices:
        said = f"{one.name} = {one.value or 'missing'}"
        off = f"off: spam is {'more' if one.gap > 0 else 'less'} frequent than the scores say" if one.is_off else ""
        table.add_row(said, f"{one.n:,}", _number(one.mean_score), _number(one.share), _number(one.ece), off)
    return table


def _shares(shares: dict[str, float | None]) -> Table:
    table = Table(
        "share of yes", "without weights", "with weights", title="of all events: who answers is not everybody"
    )
    for what in ("answers", "scores"):
        table.add_row(f"by the {what}", *(_number(shares[f"{what}_{kind}"]) for kind in ("unweighted", "weighted")))
    table.add_row("by the scores, corrected by the answers", "", _number(shares["scores_corrected"]))
    return table


def _number(value: float | int | None) -> str:
    return "-" if value is None else f"{value:,}" if isinstance(value, int) else f"{value:.4f}"


def _curve(result: Result) -> str:
    """ROC AUC over time, from a half (blank) to one (full)."""
    heights = [max(0.0, 2 * area - 1) for _, area in result.curve() if area is not None]
    return "".join(_SPARKS[round(height * (len(_SPARKS) - 1))] for height in heights)
