"""Whether a survey tells what everybody thinks: a simulated feed with the truth of each impression, and who answers.

    python -m benchmarks.survey
    python -m benchmarks.survey --people 5000 --direct

The shares of satisfied impressions as the answers have them and as a model's scores do, without weights and with those
of a model of who answers, and as the weighted scores have them where the answers correct them. All goes through the
engine: impressions, answers, what is known when. With `--direct`, what the engine would make of the feed is made of it
directly, in a tenth of the time: a feed of 600 people is too small to show an error of 2 %.
"""

import json
import sys
from dataclasses import replace
from pathlib import Path

import click
import orjson
from rich.console import Console
from rich.table import Table

from engine.core.domain.rules import Rulebook
from engine.core.kernel import hash64
from engine.learning.answering import estimate
from engine.learning.evaluated import EvaluatedModel
from engine.learning.evaluation import EvaluationCase, Scenario, evaluate
from engine.learning.features import Inputs, names_of
from engine.rulebook.compiler import load_rulebook
from engine.settings import Settings
from engine.sim.engagement import DAY_MS, SimulatedFeed, simulate_feed
from engine.sim.world import DEFAULT_START_MS
from engine.stream.handlers.absences import allowance_ms
from engine.stream.offline.decided import corrected_share, outcome_cases, weighed

OUT = Path(__file__).parent / "out"
RULES = """
version: 1
outcomes:
  answered:  {after: impression, is: survey_answer, by: [user_id, target_id], within: 1d}
  satisfied: {after: impression, is: survey_answer, by: [user_id, target_id], within: 1d, value: event.stars >= 4, otherwise: unknown}
models:
  survey_answered: {outcome: answered, categories: [event.tenths]}
  survey:          {outcome: satisfied, answer_model: survey_answered, categories: [event.topic]}
"""  # noqa: E501
_SURVEY, _ANSWERED = "survey", "survey_answered"
RIGHT, WRONG = 0.02, 0.1


@click.command()
@click.option("--people", default=600, show_default=True)
@click.option("--days", default=30, show_default=True)
@click.option("--seed", default=1, show_default=True)
@click.option("--direct", is_flag=True, help="Without the engine: large feeds take minutes.")
def main(people: int, days: int, seed: int, direct: bool) -> None:
    """Print a table; exit code 1 where the weights do not bring the mean score back to the truth."""
    feed = simulate_feed(seed, people, DEFAULT_START_MS, days)
    rulebook = load_rulebook({"survey.yaml": RULES})
    models = rulebook.models
    made, asked = (direct_cases if direct else engine_cases)(rulebook, feed)
    cases = weighed(made, asked, models["survey_answered"], Scenario())
    late = slice(len(cases) // 2, None)
    truth = sum(feed.satisfied[case.event_id] for case in cases[late]) / len(cases[late])
    learners = EvaluatedModel(), EvaluatedModel(surveys=True)
    scores = [
        evaluate(each, learner, Scenario(), targets=()).all_scores
        for each, learner in zip((made, cases), learners, strict=True)
    ]
    means = [sum(each[late]) / len(each[late]) for each in scores]
    right = corrected_share(cases, scores[1]) or 0.0
    shares = {
        "answers": _answers(cases[late]), "scores": (means[0], means[1]), "scores, corrected": (means[0], right),
    }  # fmt: skip
    table = Table("share of satisfied", "without weights", "with weights", title=f"the truth is {truth:.4f}")
    for name, (plain, weighted) in shares.items():
        table.add_row(f"by the {name}", *(f"{share:.4f} ({share / truth - 1:+.1%})" for share in (plain, weighted)))
    Console().print(table)
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "survey.json").write_text(json.dumps({"truth": truth, **shares}, indent=2))
    plain, weighted = (abs(mean / truth - 1) for mean in means)
    sys.exit(0 if plain >= WRONG and weighted <= RIGHT else 1)


Both = tuple[list[EvaluationCase], list[EvaluationCase]]
"""What the survey's model reads and learns, and the same of the model of who answers."""


def engine_cases(rulebook: Rulebook, feed: SimulatedFeed) -> Both:
    """As the engine has them: it reads all events, and finds out what has come of each."""
    lines, models, settings = [orjson.dumps(event) for event in feed.events], rulebook.models, Settings()
    satisfied, answered = (outcome_cases(rulebook, models[name], lines, settings) for name in (_SURVEY, _ANSWERED))
    return satisfied, answered


def direct_cases(rulebook: Rulebook, feed: SimulatedFeed) -> Both:
    """The same, made of the feed alone."""
    given = {str(event["event_id"])[:-2]: event for event in feed.events if event["type"] == "survey_answer"}
    reads = {name: names_of(rulebook.models[name]) for name in (_SURVEY, _ANSWERED)}
    last_ms, waits_ms = int(str(feed.events[-1]["ts"])), allowance_ms(Settings())
    found: Both = ([], [])
    for event in feed.events:
        if event["type"] != "impression":
            continue
        event_id, ts_ms = str(event["event_id"]), int(str(event["ts"]))
        answer, end_ms = given.get(event_id), ts_ms + DAY_MS
        case = EvaluationCase(
            event_id, ts_ms, reads[_SURVEY], Inputs((), (str(event["topic"]),), ()),
            spam=int(str(answer["stars"])) >= 4 if answer else None,
            known_ms=int(str(answer["ts"])) if answer else None,
            counts=end_ms <= last_ms, identity=hash64(event_id),
        )  # fmt: skip
        inputs = Inputs((), (str(event["tenths"]),), ())
        found[0].append(case)
        asked = replace(case, names=reads[_ANSWERED], inputs=inputs, spam=True if answer else None)
        is_silent = answer is None and end_ms <= last_ms
        found[1].append(replace(asked, spam=False, known_ms=end_ms + waits_ms) if is_silent else asked)
    return found


def _answers(cases: list[EvaluationCase]) -> tuple[float, float]:
    answered = [case for case in cases if case.spam is not None and case.propensity]
    return estimate([bool(case.spam) for case in answered], [case.propensity for case in answered]) or (0.0, 0.0)


if __name__ == "__main__":
    main()
