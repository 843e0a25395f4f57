"""What comes of recorded events, as cases to examine a model by."""

import orjson
import pytest

from engine.learning import answering
from engine.learning.evaluation import EvaluationCase, Scenario
from engine.learning.features import Inputs, Names
from engine.rulebook.compiler import load_rulebook
from engine.settings import Settings
from engine.stream.handlers.messages import Message
from engine.stream.offline.arrivals import Arrival
from engine.stream.offline.decided import corrected_share, outcome_cases, weighed
from engine.stream.offline.engine import OfflineEngine

START_MS, MINUTE_MS = 1_760_000_000_000, 60_000
RULES = """
version: 1
outcomes:
  hidden:    {after: seen, is: hide, by: user_id, within: 10m}
  answered:  {after: seen, is: answer, by: user_id, within: 10m}
  satisfied: {after: seen, is: answer, by: user_id, within: 10m, value: event.stars > 3, otherwise: unknown}
models:
  negative: {outcome: hidden, min_labels: 1, numbers: [event.n]}
  teacher:  {outcome: answered, min_labels: 1, numbers: [event.n]}
  survey:   {outcome: satisfied, answer_model: teacher, min_labels: 1, numbers: [event.n]}
"""


def lines(*sent: tuple[str, str, float]) -> list[bytes]:
    return [
        orjson.dumps({"event_id": f"{kind}-{user}-{minute}", "type": kind, "user_id": user, "n": at % 10, "stars": 5,
                      "ts": START_MS + round(minute * MINUTE_MS)})
        for at, (kind, user, minute) in enumerate(sent)
    ]  # fmt: skip


def test_what_is_not_over_does_not_count_and_absence_is_known_when_nothing_can_come() -> None:
    rulebook = load_rulebook({"r.yaml": RULES})
    events = lines(("seen", "ann", 0), ("seen", "bob", 1), ("hide", "bob", 2), ("seen", "carl", 8), ("hide", "carl", 9),
                   ("seen", "dan", 9), ("other", "eve", 11))  # fmt: skip
    cases = {
        case.event_id[5:8]: case for case in outcome_cases(rulebook, rulebook.models["negative"], events, Settings())
    }
    assert {name: (case.spam, case.counts) for name, case in cases.items()} == {
        "ann": (False, True), "bob": (True, True), "car": (True, False), "dan": (None, False),
    }  # fmt: skip
    assert cases["ann"].known_ms == START_MS + 14 * MINUTE_MS
    assert cases["bob"].known_ms == START_MS + 2 * MINUTE_MS


def test_answers_are_weighed_as_the_model_of_who_answers_has_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answering, "_EARLY", 400)
    rulebook = load_rulebook({"r.yaml": RULES})
    sent = [("seen", f"u{at}", 0.1 * at) for at in range(900)]
    sent += [("answer", f"u{at}", 0.1 * at + 1) for at in range(0, 900, 3)]
    events = lines(*sorted(sent, key=lambda one: one[2]))
    cases, asked = (
        outcome_cases(rulebook, rulebook.models[name], events, Settings()) for name in ("survey", "teacher")
    )
    propensities = [case.propensity for case in weighed(cases, asked, rulebook.models["teacher"], Scenario())]
    assert not any(propensities[:400])  # it is not known yet
    assert len(set(propensities)) > 10
    assert all(0.1 <= propensity <= 10 for propensity in propensities if propensity)


def test_answers_of_the_second_half_set_its_scores_right() -> None:
    def case(answer: bool | None, propensity: float = 1.0, counts: bool = True) -> EvaluationCase:
        return EvaluationCase("e", 0, Names((), (), ()), Inputs((), (), ()), answer, None, None, propensity, counts)

    early = [case(True), case(True), case(None), case(None)]
    late = [case(True, 0.5), case(False), case(None), case(True, 1.0, counts=False)]
    # On average .5; the answers are 2 of 3 by weight, and were expected to be (2 * .8 + .2) / 3.
    found = corrected_share([*early, *late], [0.0] * 4 + [0.8, 0.2, 0.6, 0.4])
    assert found == pytest.approx(0.5 + 2 / 3 - 0.6)
    assert corrected_share([*late, *early[2:], *early[2:]], [0.5] * 8) is None


def told(rulebook: str, events: list[bytes], settings: Settings) -> list[Message]:
    engine = OfflineEngine(load_rulebook({"r.yaml": rulebook}), settings)
    return list(engine.run(Arrival("event", 0, line) for line in events))


def test_scores_are_told_without_a_rule_where_that_is_wanted() -> None:
    sent = [("seen", f"u{at}", at) for at in range(60)] + [("hide", f"u{at}", at + 1) for at in range(0, 60, 2)]
    events = lines(*sorted(sent, key=lambda one: one[2]))
    assert not [one for one in told(RULES, events, Settings()) if one.topic == "scores"]
    settings = Settings(publish_scores=True, review_share=1.0)
    # One at a time: in one batch nothing is learned before the last event is scored.
    engine = OfflineEngine(load_rulebook({"r.yaml": RULES}), settings)
    messages = [one for line in events for one in engine.run([Arrival("event", 0, line)])]
    scores = [orjson.loads(one.value) for one in messages if one.topic == "scores"]
    last = [score for score in scores if score["model"] == "negative"][-1]
    assert last["event_id"] == "seen-u59-59"
    assert last["version"].startswith("negative-")
    assert 0 < last["score"] < 1
    assert set(last["calibration"]) == {"labels", "share", "ece"}
    assert not [one for one in messages if one.topic == "review"]  # moderators are not asked about outcomes
