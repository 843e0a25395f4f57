"""Whether a survey tells what everybody thinks: a simulated feed with the truth of each impression, and who answers.

    python -m benchmarks.survey

The shares of satisfied impressions as the answers have them and as a model's scores do, without weights and with those
of a model of who answers, and as the weighted scores have them where the answers correct them. All goes through the
engine: impressions, answers, what is known when.
"""

import json
import sys
from pathlib import Path

import click
import orjson
from rich.console import Console
from rich.table import Table

from engine.learning.answering import estimate
from engine.learning.evaluated import EvaluatedModel
from engine.learning.evaluation import EvaluationCase, Scenario, evaluate
from engine.rulebook.compiler import load_rulebook
from engine.settings import Settings
from engine.sim.engagement import simulate_feed
from engine.sim.world import DEFAULT_START_MS
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
RIGHT, WRONG = 0.02, 0.1


@click.command()
@click.option("--people", default=600, show_default=True)
@click.option("--days", default=30, show_default=True)
@click.option("--seed", default=1, show_default=True)
def main(people: int, days: int, seed: int) -> None:
    """Print a table; exit code 1 where the weights do not bring the truth back from the answers."""
    feed = simulate_feed(seed, people, DEFAULT_START_MS, days)
    lines = [orjson.dumps(event) for event in feed.events]
    rulebook, settings = load_rulebook({"survey.yaml": RULES}), Settings()
    models = rulebook.models
    made, asked = (outcome_cases(rulebook, models[name], lines, settings) for name in ("survey", "survey_answered"))
    cases = weighed(made, asked, models["survey_answered"], Scenario())
    late = slice(len(cases) // 2, None)
    truth = sum(feed.satisfied[case.event_id] for case in cases[late]) / len(cases[late])
    scores = [evaluate(each, EvaluatedModel(), Scenario()).all_scores for each in (made, cases)]
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
    off = {name: [abs(share / truth - 1) for share in both] for name, both in shares.items()}
    judged = [off["answers"], off["scores, corrected"]]
    sys.exit(0 if all(plain >= WRONG and weighted <= RIGHT for plain, weighted in judged) else 1)


def _answers(cases: list[EvaluationCase]) -> tuple[float, float]:
    answered = [case for case in cases if case.spam is not None and case.propensity]
    return estimate([bool(case.spam) for case in answered], [case.propensity for case in answered]) or (0.0, 0.0)


if __name__ == "__main__":
    main()
