"""Progressive validation gives nothing away, and tells pipelines apart."""

from random import Random

import pytest

from engine.learning.evaluation import Case, Scenario, bootstrap_difference, evaluate
from engine.learning.features import Inputs
from engine.learning.labels import Example
from engine.learning.pupils import ModelPupil, RiverPupil
from tests.unit.learning.inputs import NAMES


class Listener:
    """Notes what happens in which order, and gives nothing away."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def score(self, case: Case) -> float:
        self.heard.append(f"score {case.event_id}")
        return 0.4

    def learn(self, example: Example) -> None:
        before = f" instead of {example.before}" if example.before else ""
        rare = f" at {example.propensity}" if example.propensity < 1 else ""
        self.heard.append(f"learn {example.event_id} {example.verdict}{before}{rare}")


def case(at: int, spam: bool | None, known_ms: int | None = None) -> Case:
    return Case(f"e{at}", 1_000 * at, NAMES, Inputs(("x",), (None,), (None, None)), spam, known_ms)


def heard(scenario: Scenario, *cases: Case) -> list[str]:
    listener = Listener()
    evaluate(cases, listener, scenario)
    return listener.heard


def test_labels_at_once_come_after_the_score_and_before_the_next() -> None:
    told = heard(Scenario(delay=0), case(0, True), case(1, False), case(2, None))
    assert told == ["score e0", "learn e0 spam", "score e1", "learn e1 ham", "score e2"]


def test_late_labels_come_so_many_events_later() -> None:
    told = heard(Scenario(delay=1), *[case(at, True) for at in range(3)])
    assert told == ["score e0", "score e1", "learn e0 spam", "score e2"]


def test_labels_come_at_their_own_times() -> None:
    told = heard(Scenario(), case(0, True, 2_500), case(1, False), case(2, False), case(3, True))
    assert told == [
        "score e0", "score e1", "learn e1 ham", "score e2", "learn e2 ham", "learn e0 spam", "score e3",
    ]  # fmt: skip


def test_presumed_ham_is_corrected_when_the_label_comes() -> None:
    told = heard(Scenario(delay=0, presume=True), case(0, True), case(1, False), case(2, None))
    assert told == [
        "score e0", "learn e0 ham", "learn e0 spam instead of ham", "score e1", "learn e1 ham", "score e2",
        "learn e2 ham",
    ]  # fmt: skip


def test_what_is_audited_counts_the_more_for_being_rare() -> None:
    told = heard(Scenario(delay=0, audit=0.5, seed=1), *[case(at, False) for at in range(40)])
    learned = [line for line in told if line.startswith("learn")]
    assert 5 < len(learned) < 35
    assert all(line.endswith("ham at 0.5") for line in learned)


@pytest.mark.parametrize(("scenario", "share"), [(Scenario(delay=0, fraction=0.25), 0.25), (Scenario(delay=0), 1.0)])
def test_a_part_of_the_labels_is_shown(scenario: Scenario, share: float) -> None:
    told = heard(scenario, *[case(at, True) for at in range(400)])
    assert sum(line.startswith("learn") for line in told) == pytest.approx(400 * share, abs=40)


def stream(count: int) -> list[Case]:
    draws = Random(5)
    made = []
    for at in range(count):
        spam = draws.random() < 0.4
        words = " ".join(draws.choices(["offer", "casino"] if spam else ["lunch", "report"], k=2)) + " hello"
        made.append(Case(f"e{at}", at, NAMES, Inputs((words,), (None,), (draws.random(), None)), spam))
    return made


def test_ours_is_better_than_one_that_reads_no_texts() -> None:
    cases = stream(400)
    ours = evaluate(cases, ModelPupil(), Scenario(delay=0))
    other = evaluate(cases, RiverPupil("compose.Select('age') | linear_model.LogisticRegression()"), Scenario(delay=0))
    difference, low, high = bootstrap_difference(ours, other, rounds=100)
    assert 0 < low <= difference <= high
    summary = ours.summary()
    assert (summary["n"], summary["labels"]) == (400, 399)
    assert ours.curve()[-1][0] == 400
