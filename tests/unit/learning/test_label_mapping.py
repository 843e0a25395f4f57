"""Labels of other tools in our terms, and which are in them already."""

from typing import Any

import pytest

from engine.learning.label_mapping import LabelMapping

TS = 1_772_449_200_000
MAPPING = LabelMapping(
    {"event_id": "decision.event", "label": "verdict", "moderator": "reviewer.name", "ts": "decided_at"},
    {"removed": "spam", "kept": "ham", "undone": "retracted"},
    "s",
)
FOREIGN = {
    "decision": {"event": "p-77"}, "verdict": "removed", "reviewer": {"name": "mia"}, "decided_at": TS // 1000, "n": 1,
}  # fmt: skip
OURS = {"event_id": "p-77", "label": "spam", "ts": TS, "moderator": "mia"}


def test_a_tools_label_is_told_in_our_terms_and_in_no_others() -> None:
    assert MAPPING.translate(FOREIGN) == OURS


@pytest.mark.parametrize(
    "document",
    [OURS, {"action_id": "a", "label": "ham", "ts": "2026-03-02T11:00:00Z"}, {**OURS, "score": 0.5, "type": "post"},
     {"revokes": "a", "user_id": "u", "ts": TS}, {**FOREIGN, "revokes": "a"}],
)  # fmt: skip
def test_what_is_in_our_terms_stays_as_it_is(document: dict[str, Any]) -> None:
    assert MAPPING.translate(document) is document


def test_a_tools_label_is_none_of_ours_for_all_names_that_it_has() -> None:
    envelope = {**OURS, "event_id": "bus-1", "type": "verdict", **FOREIGN}
    assert MAPPING.translate(envelope) == {**OURS, "type": "verdict"}
    assert LabelMapping({"moderator": "by"}).translate({**OURS, "by": "eve"}) == {**OURS, "moderator": "eve"}


@pytest.mark.parametrize(
    "mapping",
    [MAPPING, LabelMapping({"label": "type"}, {"post": "spam"}), LabelMapping({}, {"removed": "spam"}, "s")],
)
@pytest.mark.parametrize("document", [FOREIGN, OURS, {}, {"event_id": "e", "label": "removed", "ts": TS // 1000}])
def test_what_is_translated_stays_as_it_is(mapping: LabelMapping, document: dict[str, Any]) -> None:
    once = mapping.translate(document)
    assert mapping.translate(once) == once


@pytest.mark.parametrize(
    ("said", "label"),
    [("removed", "spam"), ("kept", "ham"), ("undone", "retracted"), ("ham", "ham"), ("escalated", "escalated"),
     (["removed"], ["removed"]), (5, 5)],
)  # fmt: skip
def test_verdicts_are_those_that_the_tool_means(said: object, label: object) -> None:
    assert MAPPING.translate({**FOREIGN, "verdict": said})["label"] == label


def test_verdicts_may_be_no_texts() -> None:
    mapping = LabelMapping({"label": "is_spam"}, {"true": "spam", "0": "ham"})
    assert [mapping.translate({"is_spam": said})["label"] for said in (True, 0)] == ["spam", "ham"]


@pytest.mark.parametrize(
    ("name", "path"), [("event_id", "decision"), ("label", "verdict"), ("moderator", "reviewer"), ("ts", "decided_at")]
)
def test_what_is_missing_stays_missing(name: str, path: str) -> None:
    found = MAPPING.translate({**FOREIGN, name: OURS[name], path: None})
    assert found == {key: value for key, value in OURS.items() if key != name}


@pytest.mark.parametrize("ts", ["then", 1e30, [], True])
def test_a_time_that_is_none_is_left_to_be_refused(ts: object) -> None:
    assert MAPPING.translate({**FOREIGN, "decided_at": ts})["ts"] == ts


def test_numbers_become_ids_where_the_settings_say_so() -> None:
    mapping = LabelMapping({"event_id": "post.id"}, as_string=frozenset({"event_id"}))
    assert mapping.translate({"post": {"id": 7}, "label": "ham", "ts": TS})["event_id"] == "7"
    same = LabelMapping(as_string=frozenset({"event_id", "user_id"}))
    assert same.translate({**OURS, "event_id": 7})["event_id"] == "7"
    assert same.translate({**OURS, "user_id": 7})["user_id"] == "7"


def test_a_mapping_of_nothing_changes_nothing() -> None:
    assert not LabelMapping()
    assert LabelMapping().translate(FOREIGN) is FOREIGN
