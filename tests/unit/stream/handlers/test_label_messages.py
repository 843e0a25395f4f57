"""Which labels, examples and commands are taken, and which are refused with a reason."""

from dataclasses import replace
from typing import Any

import msgspec
import orjson
import pytest

from engine.core.domain.events import EARLIEST_MS, LATEST_MS
from engine.core.values.identity import MAX_ID_CHARS
from engine.errors import LabelError
from engine.learning.label_mapping import LabelMapping
from engine.learning.sources import source_of_outcomes
from engine.stream.handlers.forgiving import Revocation
from engine.stream.handlers.label_messages import (
    Pin,
    Quarantine,
    Restore,
    decode_example,
    decode_label,
    decode_message,
    decode_model_command,
    encode_example,
    encode_revocation,
    translate_label,
)
from tests.events import START_MS
from tests.unit.learning.inputs import SPAM, example

LONGEST = "x" * MAX_ID_CHARS
_OFFSETS = 1 << 48


def label(**changes: Any) -> bytes:
    """A label; a field that is None is null."""
    return orjson.dumps({"event_id": "e", "label": "spam", "ts": START_MS, **changes})


def test_a_label_is_read_with_what_it_leaves_out() -> None:
    found = decode_label(label())
    assert (found.event_id, found.verdict, found.ts_ms, found.action_id) == ("e", "spam", START_MS, None)
    assert (found.moderator, found.propensity, found.policy, found.user_id) == (None, 1.0, None, None)


def test_a_label_may_name_the_action_in_place_of_the_event() -> None:
    found = decode_label(label(event_id=None, action_id="a"))
    assert (found.event_id, found.action_id) == ("", "a")
    both = decode_label(label(action_id="a"))
    assert (both.event_id, both.action_id) == ("e", None)


def test_a_revocation_stands_among_the_labels_and_is_none() -> None:
    revocation = Revocation("a", "u", START_MS)
    assert decode_message(encode_revocation(revocation)) == revocation
    assert decode_message(label()) == decode_label(label())
    with pytest.raises(LabelError) as refused:
        decode_label(encode_revocation(revocation))
    assert refused.value.reason == "not_a_label"


MAPPING = LabelMapping({"event_id": "id", "label": "verdict"}, {"removed": "spam"})
FOREIGN = orjson.dumps({"id": "e", "verdict": "removed", "ts": START_MS})


def test_a_tools_label_is_read_by_its_mapping_and_ours_beside_it() -> None:
    assert decode_message(FOREIGN, MAPPING) == decode_message(label(), MAPPING) == decode_label(label())
    revocation = Revocation("a", "u", START_MS)
    assert decode_message(encode_revocation(revocation), MAPPING) == revocation
    with pytest.raises(LabelError):
        decode_message(FOREIGN)


def test_a_tools_label_is_written_down_in_our_terms() -> None:
    assert decode_label(translate_label(FOREIGN, MAPPING)) == decode_label(label())


@pytest.mark.parametrize("data", [label(), b"junk", b"[]", b"5", b""])
def test_what_is_ours_or_no_label_is_written_down_as_it_is(data: bytes) -> None:
    assert translate_label(data, MAPPING) is data
    assert translate_label(FOREIGN, LabelMapping()) is FOREIGN


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"revokes": None}, "missing_field"),
        ({"revokes": ""}, "wrong_type"),
        ({"revokes": LONGEST + "x"}, "wrong_type"),
        ({"user_id": None}, "missing_field"),
        ({"user_id": 5}, "wrong_type"),
        ({"ts": 5}, "absurd_timestamp"),
    ],
)
def test_a_revocation_that_lacks_something_is_refused_with_a_reason(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(LabelError) as refused:
        decode_message(orjson.dumps({"revokes": "a", "user_id": "u", "ts": START_MS, **changes}))
    assert refused.value.reason == reason


@pytest.mark.parametrize("data", [None, b"", b"junk"])
def test_what_is_not_json_is_no_label(data: bytes | None) -> None:
    with pytest.raises(LabelError) as refused:
        decode_label(data)
    assert refused.value.reason == "not_json"


@pytest.mark.parametrize("data", [b"[]", b"5", b"null"])
def test_what_is_no_object_is_no_label(data: bytes) -> None:
    with pytest.raises(LabelError) as refused:
        decode_label(data)
    assert refused.value.reason == "not_an_object"


@pytest.mark.parametrize(
    "ids",
    [
        {"event_id": None}, {"event_id": None, "action_id": ""}, {"event_id": None, "action_id": 5},
        {"event_id": ""}, {"event_id": 5}, {"event_id": "", "action_id": "a"}, {"event_id": 5, "action_id": "a"},
    ],
)  # fmt: skip
def test_a_label_names_what_it_is_about(ids: dict[str, Any]) -> None:
    with pytest.raises(LabelError) as refused:
        decode_label(label(**ids))
    assert refused.value.reason == "missing_field"


@pytest.mark.parametrize("ts", [EARLIEST_MS, EARLIEST_MS + 1, LATEST_MS - 1, LATEST_MS])
def test_a_time_that_can_be_is_taken(ts: int) -> None:
    assert decode_label(label(ts=ts)).ts_ms == ts


@pytest.mark.parametrize("ts", [EARLIEST_MS - 1, LATEST_MS + 1])
def test_a_time_that_cannot_be_is_refused(ts: int) -> None:
    with pytest.raises(LabelError) as refused:
        decode_label(label(ts=ts))
    assert refused.value.reason == "absurd_timestamp"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("propensity", 1), ("propensity", 1e-9), ("propensity", 0.5), ("policy", "ads"), ("policy", None),
        *((name, value) for name in ("moderator", "user_id", "type") for value in (None, "x", LONGEST)),
    ],
)  # fmt: skip
def test_a_field_within_its_bounds_is_taken(name: str, value: Any) -> None:
    assert getattr(decode_label(label(**{name: value})), name) == value


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("label", "bad"), ("label", None), ("propensity", 0), ("propensity", -0.5), ("propensity", 1.001),
        ("propensity", "1"), ("propensity", True), ("propensity", None), ("policy", ""), ("policy", 5),
        *((name, value) for name in ("moderator", "user_id", "type") for value in ("", 5, ["x"], LONGEST + "x")),
    ],
)  # fmt: skip
def test_a_field_outside_its_bounds_is_refused(name: str, value: Any) -> None:
    with pytest.raises(LabelError) as refused:
        decode_label(label(**{name: value}))
    assert refused.value.reason == "wrong_type"


def from_source(partition: int, offset: int) -> bytes:
    return encode_example(replace(example(SPAM, "spam"), source=(partition, offset)))


@pytest.mark.parametrize("source", [(0, 0), (2, 0), (-6, 0), (0, _OFFSETS - 1)])
def test_an_example_comes_from_a_partition_or_its_presumed_ones(source: tuple[int, int]) -> None:
    assert decode_example(from_source(*source), partitions=3).source == source


@pytest.mark.parametrize("source", [(3, 0), (4, 0), (-7, 0), (0, -1), (0, _OFFSETS), (0, _OFFSETS + 1)])
def test_an_example_from_elsewhere_is_refused(source: tuple[int, int]) -> None:
    with pytest.raises(LabelError, match="cannot come from"):
        decode_example(from_source(*source), partitions=3)


@pytest.mark.parametrize("model_command", [Quarantine("ann", True), Restore("spam", 5), Pin("spam", False)])
def test_a_ruling_is_read_as_it_was_written(model_command: Quarantine | Restore | Pin) -> None:
    assert decode_model_command(msgspec.json.encode(model_command)) == model_command


def test_a_restored_model_goes_on_learning_unless_it_is_pinned() -> None:
    assert decode_model_command(b'{"type": "restore", "model": "spam", "number": 5}') == Restore(
        "spam", 5, pinned=False
    )


@pytest.mark.parametrize("data", [None, b"", b"{}", b"junk", b"\xff"])
def test_what_is_no_ruling_is_refused(data: bytes | None) -> None:
    with pytest.raises(LabelError) as refused:
        decode_model_command(data)
    assert refused.value.reason == "not_a_model_command"


def test_nobody_gives_an_outcome_as_a_label() -> None:
    with pytest.raises(LabelError, match="`policy` is the name of a policy"):
        decode_label(label(policy="@outcome.hidden"))


def test_examples_of_outcomes_come_from_a_source_of_their_own_for_each_partition() -> None:
    sources = {source_of_outcomes(topic, partition) for topic in (0, 1) for partition in range(8)}
    assert len(sources) == 16
    made = replace(example(SPAM, "spam"), source=(min(sources), 5))
    assert decode_example(encode_example(made), 8) == made
    with pytest.raises(LabelError, match="an example cannot come from"):
        decode_example(encode_example(made), 7)


@pytest.mark.parametrize("slices", [("country",), ("a", "b", "c", "d", "e")])
def test_an_example_that_lacks_values_is_refused(slices: tuple[str, ...]) -> None:
    """What would be kept of it could be read by nobody, nor anything that its model publishes from then on."""
    made = example(SPAM, "spam")
    names = msgspec.structs.replace(made.names, slices=slices)
    categories = (*made.inputs.categories, *slices)
    told = replace(made, names=names, inputs=made.inputs._replace(categories=categories))
    if len(slices) == 1:
        assert decode_example(encode_example(told)) == told
        told = replace(told, inputs=made.inputs)
    with pytest.raises(LabelError, match="a value for each of its names"):
        decode_example(encode_example(told))
