"""With whom each moderator disagrees."""

from dataclasses import replace

from engine.learning.features import Inputs
from engine.learning.labels import Example
from engine.learning.moderators import review_moderators
from engine.learning.verdicts import Verdict
from tests.unit.learning.inputs import HAM, SPAM, example


def said(
    moderator: str | None, verdict: Verdict, event_id: str, score: float | None = None, at: int = 0,
    inputs: Inputs = SPAM,
) -> Example:  # fmt: skip
    return replace(example(inputs, verdict, at, moderator=moderator, score=score), event_id=event_id)


def text(words: str) -> Inputs:
    return SPAM._replace(texts=(words,))


def test_scores_are_held_against_a_half() -> None:
    given = [("e1", "spam", 0.5), ("e2", "spam", 0.49), ("e3", "ham", 0.49), ("e4", "ham", 0.5), ("e5", "ham", None)]
    found = review_moderators([said("mia", verdict, name, score) for name, verdict, score in given], {})["mia"]  # type: ignore[arg-type]  # verdicts
    assert (found.judged["model"], found.opposed["model"]) == (4, 2)
    assert {one.event_id for one in found.disputed} == {"e2", "e4"}


def test_of_rules_those_that_acted_or_allowed_have_said_something() -> None:
    outcomes = {"e1": "act", "e2": "allow", "e3": "shadow", "e4": "none", "e5": "act"}
    given = [said("mia", "ham", f"e{at}", inputs=text(f"words of event {at} alone")) for at in range(1, 5)]
    found = review_moderators([*given, said("mia", "spam", "e5")], outcomes)["mia"]
    assert (found.judged["rules"], found.opposed["rules"]) == (3, 1)


def test_the_majority_of_colleagues_counts_each_once_on_the_same_event_or_a_look_alike() -> None:
    given = [
        said("mia", "spam", "e1"), said("tom", "spam", "e2", inputs=text("FREE crypto now")),
        said("eve", "ham", "e1"), said("eve", "ham", "e3", inputs=text("free Crypto now")),
        said("ann", "ham", "e9", inputs=HAM),
    ]  # fmt: skip
    found = review_moderators(given, {})
    assert (found["eve"].judged["colleagues"], found["eve"].opposed["colleagues"]) == (2, 2)
    assert found["mia"].judged["colleagues"] == found["tom"].judged["colleagues"] == 0  # one on either side
    assert found["ann"].judged["colleagues"] == 0


def test_who_is_quarantined_speaks_against_nobody() -> None:
    given = [said("mia", "spam", "e1"), said("eve", "ham", "e1")]
    found = review_moderators(given, {}, {"eve"})
    assert (found["mia"].judged["colleagues"], found["eve"].opposed["colleagues"]) == (0, 1)


def test_the_last_verdict_on_an_event_counts_and_what_is_taken_back_does_not() -> None:
    given = [
        said("mia", "ham", "e1", 0.9, 1), said("mia", "spam", "e1", 0.9, 2), said("mia", "ham", "e2", 0.9, 3),
        said("mia", "retracted", "e2", 0.9, 4), said(None, "ham", "e3", 0.9, 5),
    ]  # fmt: skip
    found = review_moderators(given, {})
    assert list(found) == ["mia"]
    assert [(one.event_id, one.spam) for one in found["mia"].verdicts] == [("e1", True)]
    assert found["mia"].disputed == []


def test_what_is_most_contradicted_comes_first() -> None:
    given = [said("mia", "ham", "e1", 0.9, 1), said("mia", "ham", "e2", 0.9, 2), said("mia", "ham", "e3", 0.9, 3)]
    disputed = review_moderators(given, {"e1": "act"})["mia"].disputed
    assert [(one.event_id, one.against) for one in disputed] == [
        ("e1", ["model", "rules"]), ("e3", ["model"]), ("e2", ["model"]),
    ]  # fmt: skip


def test_of_several_models_the_surest_is_heard() -> None:
    given = [replace(said("mia", "ham", "e1", score), model=name) for name, score in (("a", 0.6), ("b", 0.1))]
    found = review_moderators(given, {})["mia"]
    assert (found.judged["model"], found.opposed["model"]) == (1, 0)
