"""Recorded events are found as the engine scored them, with pseudonyms and without."""

import msgspec
import orjson
import pytest

from engine.learning.evaluation import Scenario
from engine.rulebook.compiler import load_rulebook
from engine.security import PrivacySettings
from engine.settings import Settings
from engine.stream.offline import recorded
from engine.stream.offline.recorded import Truth, cases, cases_in, event_documents, flat_lines, truths
from tests.events import START_MS

RULES = """
version: 1
models: {spam: {texts: [text]}}
rules: {likely: {event: post, when: [score.spam > 0.9], then: {flag: x}}}
"""
HIDDEN = msgspec.structs.replace(Settings(), privacy=PrivacySettings(key="k" * 40))


@pytest.mark.parametrize("settings", [Settings(), HIDDEN], ids=["open", "hidden"])
def test_each_scored_event_is_a_case_with_its_truth(settings: Settings) -> None:
    lines = [
        orjson.dumps({"event_id": f"e{place}", "type": kind, "user_id": "ann", "ts": START_MS + place, "text": "hello"})
        for place, kind in enumerate(("post", "login", "post"))
    ]
    truth = {"e0": Truth(True, START_MS + 9), "e1": Truth(True, START_MS + 9)}
    found = list(cases(load_rulebook({"rules.yaml": RULES}), "spam", [*lines, b"no event"], truth, settings))
    assert [(one.event_id, one.ts_ms, one.spam, one.known_ms) for one in found] == [
        ("e0", START_MS, True, START_MS + 9), ("e2", START_MS + 2, None, None)
    ]  # fmt: skip


def line(event_id: str | None, verdict: str, ts_ms: int, **fields: str) -> bytes:
    return orjson.dumps({"event_id": event_id, "label": verdict, "ts": ts_ms, **fields})


@pytest.mark.parametrize(
    ("verdicts", "known"),
    [
        (["spam"], Truth(True, START_MS)),
        (["spam", "spam"], Truth(True, START_MS)),  # said before
        (["spam", "ham"], Truth(False, START_MS + 1)),
        (["ham", "ham", "spam"], Truth(True, START_MS + 2)),
        (["spam", "retracted"], None),
        (["spam", "retracted", "spam"], Truth(True, START_MS + 2)),
        (["retracted"], None),
    ],
    ids=str,
)
def test_the_last_verdict_counts_from_when_it_was_first_given(verdicts: list[str], known: Truth | None) -> None:
    lines = [line("e", verdict, START_MS + at) for at, verdict in enumerate(verdicts)]
    assert truths([b"no label", *lines, b"{}"]) == ({} if known is None else {"e": known})


def test_events_have_verdicts_of_their_own_and_actions_none() -> None:
    lines = [line("e", "spam", START_MS), line("f", "ham", START_MS), line(None, "spam", START_MS, action_id="a")]
    assert truths(lines) == {"e": Truth(True, START_MS), "f": Truth(False, START_MS)}


def test_events_are_scored_chunk_by_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorded, "CHUNK", 3)
    lines = [
        orjson.dumps({"event_id": f"e{n}", "type": "post", "user_id": "ann", "ts": START_MS + n, "text": "hello"})
        for n in range(7)
    ]
    done: list[int] = []
    found = cases(load_rulebook({"rules.yaml": RULES}), "spam", lines, {}, Settings(), lambda: done.append(1))
    assert [(one.event_id, len(done)) for one in found] == [
        *((f"e{n}", 3) for n in range(3)), *((f"e{n}", 6) for n in range(3, 6)), ("e6", 7)
    ]  # fmt: skip


def test_a_case_is_what_the_model_that_is_asked_about_has_read() -> None:
    rules = RULES.replace("{spam: {texts: [text]}}", "{spam: {texts: [text]}, fraud: {texts: [event.title]}}")
    rules = rules.replace("score.spam > 0.9", "score.spam > 2 or score.fraud > 2")
    event = {"event_id": "e", "type": "post", "user_id": "ann", "ts": START_MS, "text": "hello", "title": "money"}
    for model, read in (("spam", "hello"), ("fraud", "money")):
        (found,) = cases(load_rulebook({"rules.yaml": rules}), model, [orjson.dumps(event)], {}, Settings())
        assert found.inputs.texts == (read,)


@pytest.mark.parametrize("limit", [0, 1, 2, 3])
def test_no_more_events_are_read_than_are_asked_for(limit: int) -> None:
    lines = [b'{"n":0}', b'{"n":1}']
    assert event_documents(lines, limit) == [{"n": n} for n in range(min(limit, 2))]


def test_inner_fields_become_plain_ones_and_what_is_no_event_is_left_out() -> None:
    lines = [orjson.dumps({"a": {"b": "x"}, "c": ["y", "z"]}), b"no event", b"[]"]
    assert [orjson.loads(one) for one in flat_lines(lines)] == [{"a_b": "x", "c": "y z"}]


REPUTATION = """
version: 1
counters:
  spam_1d: {count: label.spam, by: user_id, over: 1d}
  ham_1d: {count: label.ham, by: target_id, over: 1d}
models: {spam: {numbers: [spam_1d, ham_1d]}}
rules: {likely: {event: post, when: [score.spam > 0.9], then: {flag: x}}}
"""


@pytest.mark.parametrize("settings", [Settings(), HIDDEN], ids=["open", "hidden"])
def test_counters_of_labels_have_those_that_a_scenario_shows_when_it_does(settings: Settings) -> None:
    lines = [
        orjson.dumps({"event_id": f"e{n}", "type": "post", "user_id": "ann", "ts": START_MS + n, "target_id": "t"})
        for n in range(6)
    ]
    truth = {f"e{n}": Truth(n % 2 == 0, START_MS + n) for n in range(6)}
    rulebook = load_rulebook({"rules.yaml": REPUTATION})
    late = cases_in(rulebook, "spam", lambda: lines, truth, settings, Scenario(delay=2))
    assert [one.inputs.numbers for one in late] == [(0, 0), (0, 0), (0, 0), (1, 0), (1, 1), (2, 1)]
    none = cases_in(rulebook, "spam", lambda: lines, truth, settings, Scenario(delay=0, fraction=0.0, presume=1.0))
    assert {one.inputs.numbers for one in none} == {(0, 0)}


def test_a_rulebook_without_such_counters_is_read_once() -> None:
    begun: list[int] = []

    def read() -> list[bytes]:
        begun.append(1)
        return [orjson.dumps({"event_id": "e", "type": "post", "user_id": "ann", "ts": START_MS, "text": "hello"})]

    assert len(cases_in(load_rulebook({"rules.yaml": RULES}), "spam", read, {}, Settings(), Scenario())) == 1
    assert len(begun) == 1
