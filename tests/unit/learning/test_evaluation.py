"""Progressive validation gives nothing away, and tells pipelines apart."""

from dataclasses import replace
from random import Random
from types import SimpleNamespace

import pytest

from engine.learning import evaluation
from engine.learning.evaluated import EvaluatedClassifier, EvaluatedModel
from engine.learning.evaluation import (
    CURVE_POINTS,
    Calls,
    EvaluationCase,
    Result,
    Scenario,
    bootstrap_difference,
    evaluate,
)
from engine.learning.features import Inputs
from engine.learning.labels import Example
from tests.unit.learning.inputs import NAMES


class Listener:
    """Notes what happens in which order, and gives nothing away."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def score(self, case: EvaluationCase) -> float:
        self.heard.append(f"score {case.event_id}")
        return 0.4

    def learn(self, example: Example) -> None:
        before = f" instead of {example.before}" if example.before else ""
        rare = f" at {example.propensity}" if example.propensity < 1 else ""
        self.heard.append(f"learn {example.event_id} {example.verdict}{before}{rare}")


def case(at: int, spam: bool | None, known_ms: int | None = None) -> EvaluationCase:
    return EvaluationCase(f"e{at}", 1_000 * at, NAMES, Inputs(("x",), (None,), (None, None)), spam, known_ms)


def heard(scenario: Scenario, *cases: EvaluationCase) -> list[str]:
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


def test_ham_is_presumed_when_labels_of_spam_would_have_come() -> None:
    spam = [case(at, True, 1_000 * at + 4_500) for at in range(40)]
    rest = [case(at, None) for at in range(40, 60)]
    told = heard(Scenario(presume=1.0, awaits=True), *spam, *rest)
    at_first = [told.index(line) - told.index(f"score e{at}") for at in range(20) for line in [f"learn e{at} ham"]]
    assert at_first == [1] * 20  # while nobody knows how long labels take
    for at in range(40, 50):
        waited = told[told.index(f"score e{at}") + 1 : told.index(f"learn e{at} ham")]
        assert sum(line.startswith("score") for line in waited) in (4, 5, 6)
    assert 0 < sum(f"learn e{at} spam" in told for at in range(20, 40)) < 20  # nothing was presumed of them
    assert all(f"learn e{at} spam instead of ham" in told for at in range(20))


def test_what_is_audited_counts_the_more_for_being_rare() -> None:
    told = heard(Scenario(delay=0, audit=0.5, seed=1), *[case(at, False) for at in range(40)])
    learned = [line for line in told if line.startswith("learn")]
    assert 5 < len(learned) < 35
    assert all(line.endswith("ham at 0.5") for line in learned)


@pytest.mark.parametrize(("scenario", "share"), [(Scenario(delay=0, fraction=0.25), 0.25), (Scenario(delay=0), 1.0)])
def test_a_part_of_the_labels_is_shown(scenario: Scenario, share: float) -> None:
    told = heard(scenario, *[case(at, True) for at in range(400)])
    assert sum(line.startswith("learn") for line in told) == pytest.approx(400 * share, abs=40)


def stream(count: int) -> list[EvaluationCase]:
    draws = Random(5)
    made = []
    for at in range(count):
        spam = draws.random() < 0.4
        words = " ".join(draws.choices(["offer", "casino"] if spam else ["lunch", "report"], k=2)) + " hello"
        made.append(EvaluationCase(f"e{at}", at, NAMES, Inputs((words,), (None,), (draws.random(), None)), spam))
    return made


def test_ours_is_better_than_one_that_reads_no_texts() -> None:
    cases = stream(400)
    ours = evaluate(cases, EvaluatedModel(), Scenario(delay=0))
    other = evaluate(
        cases, EvaluatedClassifier("compose.Select('age') | linear_model.LogisticRegression()"), Scenario(delay=0)
    )
    difference, low, high = bootstrap_difference(ours, other, rounds=100)
    assert 0 < low <= difference <= high
    summary = ours.summary()
    assert (summary["n"], summary["labels"]) == (400, 399)
    assert ours.curve()[-1][0] == 400


class Learner:
    """Scores as it is told to, and keeps its examples."""

    def __init__(self, spam: float = 0.75, ham: float = 0.25) -> None:
        self.spam, self.ham = spam, ham
        self.learned: list[Example] = []

    def score(self, case: EvaluationCase) -> float:
        return self.spam if case.spam else self.ham

    def learn(self, example: Example) -> None:
        self.learned.append(example)


def taught(scenario: Scenario, *cases: EvaluationCase, score: float = 0.4) -> list[Example]:
    learner = Learner(score, score)
    evaluate(cases, learner, scenario)
    return learner.learned


def test_calls_tell_how_many_were_right_and_how_much_spam_they_found() -> None:
    calls = Calls()
    assert calls.summary() == {"realised": None, "recall": None, "called": 0}
    for called, spam in ((True, True), (True, False), (True, False), (False, True), (False, False)):
        calls.add(called, spam)
    assert calls.summary() == {"realised": pytest.approx(1 / 3), "recall": 0.5, "called": 3}


def result(scores: list[float], spam: list[bool]) -> Result:
    return Result(scores, spam, 0.0, 0.0, 0, {})


def test_the_area_that_is_missing_is_told_in_percent() -> None:
    summary = result([0.9, 0.8, 0.7, 0.1], [True, False, True, False]).summary()
    assert summary["roc_auc"] == pytest.approx(0.75)
    assert summary["one_minus_auc_pct"] == pytest.approx(25)
    assert summary["spam"] == 2
    one_kind = result([0.9], [True]).summary()
    assert (one_kind["roc_auc"], one_kind["one_minus_auc_pct"]) == (None, None)


@pytest.mark.parametrize(
    ("count", "stretch"), [(1, 1), (CURVE_POINTS, 1), (CURVE_POINTS + 1, 2), (2 * CURVE_POINTS, 2), (81, 3)]
)
def test_a_curve_has_no_more_points_than_fit_and_ends_with_the_last_event(count: int, stretch: int) -> None:
    curve = result([0.5] * count, [at % 2 == 0 for at in range(count)]).curve()
    assert [end for end, _ in curve] == [*range(stretch, count, stretch), count]


def test_thresholds_are_used_as_soon_as_enough_labels_are_there() -> None:
    cases = [case(at, at % 2 == 0) for at in range(600)]
    calls = evaluate(cases, Learner(), Scenario(delay=0)).calls
    # After 400 labels, 200 of them ham, 200 of spam reach two of the precisions: at the very score that all spam has.
    assert calls[0.9] == calls[0.95] == Calls(made=100, right=100, spam=300)
    assert calls[0.99] == calls[0.995] == Calls(spam=300)


class Clock:
    """The time that a process has spent, as this test says."""

    def __init__(self) -> None:
        self.seconds = 50.0

    def process_time(self) -> float:
        return self.seconds


class Slow(Learner):
    """Takes two seconds to score, and three to learn."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.clock = clock

    def score(self, case: EvaluationCase) -> float:
        self.clock.seconds += 2
        return super().score(case)

    def learn(self, example: Example) -> None:
        self.clock.seconds += 3
        super().learn(example)


def test_the_time_that_a_pupil_takes_is_told_for_each_score_and_each_label(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(evaluation, "time", clock)
    told = evaluate([case(at, True) for at in range(5)], Slow(clock), Scenario(delay=0))
    assert (told.us_per_score, told.us_per_learn) == (2e6, 3e6)


def test_hostile_moderators_call_a_campaign_ham_as_often_as_all_their_labels_would_allow() -> None:
    def some(count: int, campaign: str | None, spam: bool | None = True) -> list[EvaluationCase]:
        return [replace(case(0, spam), campaign=campaign) for _ in range(count)]

    cases = [*some(400, "attack"), *some(300, "other"), *some(300, None), *some(200, "attack", None)]
    learned = taught(Scenario(delay=0, hostile=0.2, campaign="attack"), *cases)
    assert len(learned) == 1_000
    turned = [at for at, one in enumerate(learned) if one.verdict == "ham"]
    assert len(turned) == pytest.approx(200, abs=30)  # a fifth of 1000 labels, all of them about the attack
    assert all(at < 400 for at in turned)
    told = [str(one.moderator).partition(" ") for one in learned]
    assert [at for at, (kind, _, _) in enumerate(told) if kind == "hostile"] == turned
    assert {int(number) for kind, _, number in told if kind == "hostile"} == set(range(20))


def test_a_campaign_of_which_there_is_no_event_harms_nobody() -> None:
    learned = taught(Scenario(delay=0, hostile=0.2, campaign="attack"), *[case(at, True) for at in range(50)])
    assert {one.verdict for one in learned} == {"spam"}


class HalfDraws:
    """Draws nothing but halves."""

    def random(self) -> float:
        return 0.5

    def randrange(self, count: int) -> int:
        return count // 2


@pytest.mark.parametrize(
    ("scenario", "score", "verdicts"),
    [
        (Scenario(fraction=0.5), 0.4, []),
        (Scenario(fraction=0.51), 0.4, ["spam"]),
        (Scenario(flip=0.5), 0.4, ["spam"]),
        (Scenario(flip=0.51), 0.4, ["ham"]),
        (Scenario(audit=0.5), 0.49, []),
        (Scenario(audit=0.51), 0.49, ["spam"]),
        (Scenario(audit=0.1), 0.5, ["spam"]),  # looks like spam: no draw
        (Scenario(hostile=0.5, campaign="attack"), 0.4, ["spam"]),
        (Scenario(hostile=0.51, campaign="attack"), 0.4, ["ham"]),
    ],
)
def test_a_share_is_what_is_drawn_below_it(
    scenario: Scenario, score: float, verdicts: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluation, "random", SimpleNamespace(Random=lambda _: HalfDraws()))
    cases = [replace(case(0, True), campaign="attack"), case(1, None)]
    assert [one.verdict for one in taught(replace(scenario, delay=0), *cases, score=score)] == verdicts
