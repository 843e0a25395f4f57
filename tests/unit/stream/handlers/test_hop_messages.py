"""Routed events and retroactive matches as messages: what may be in one, where it goes, how it is numbered."""

from typing import Any

import pytest
from msgspec.structs import replace

from engine.core.domain.events import LATEST_MS, MAX_CLOCK_TOLERANCE_MS
from engine.core.evaluation.routing import (
    MAX_CONCEALED_CHARS,
    NOWHERE,
    EntityKey,
    Origin,
    RetroactiveMatch,
    RoutedEvent,
)
from engine.core.state.clusters import ClusterTrace
from engine.errors import StateError
from engine.state.store import entity_record_key, user_record_key
from engine.stream.handlers import hop_messages
from engine.stream.handlers.erasure import Forget
from engine.stream.handlers.hop_messages import (
    FROM_HOPS,
    MESSAGES_PER_RECORD,
    Departures,
    Hop,
    Tick,
    belongs,
    decode_hop,
    state_key,
)
from tests.events import START_MS, routed_event

STOPS = [("device_id", "d"), ("url_domain", "x.io")]
MATCH = RetroactiveMatch(NOWHERE, "r", "e", "post", "ann", "ann", START_MS, 2, "device_id", "d", "c", None, 1)


def routed(**changes: Any) -> RoutedEvent:
    """On its way to its first entity_key."""
    return routed_event(**{"user_partition": 2, "entity_keys": list(STOPS), **changes})


def departures() -> Departures:
    leaving = Departures("hops", FROM_HOPS, 1)
    leaving.begin(7)
    return leaving


def entity_of(what: RoutedEvent | RetroactiveMatch) -> EntityKey | None:
    """Where it goes, if not to its user."""
    return what.next_entity() if isinstance(what, RoutedEvent) else None


def key_of(what: RoutedEvent | RetroactiveMatch) -> bytes:
    """The record that it is about."""
    return state_key(what, entity_of(what))


def decoded(what: RoutedEvent | RetroactiveMatch) -> Hop:
    """As it arrives."""
    found = decode_hop(departures().send(what).value)
    assert not isinstance(found, Forget | Tick)
    return found


def is_taken(what: RoutedEvent | RetroactiveMatch) -> bool:
    try:
        return decoded(what) == what
    except StateError:
        return False


@pytest.mark.parametrize("empty", [None, b""])
def test_nothing_is_no_message(empty: bytes | None) -> None:
    with pytest.raises(StateError, match="cannot be read"):
        decode_hop(empty)


@pytest.mark.parametrize(
    ("behind_ms", "taken"), [(-MAX_CLOCK_TOLERANCE_MS, True), (MAX_CLOCK_TOLERANCE_MS, True),
                             (MAX_CLOCK_TOLERANCE_MS + 1, False)],
)  # fmt: skip
def test_a_time_may_be_as_far_ahead_as_a_clock_may_be(behind_ms: int, taken: bool) -> None:
    ts_ms = LATEST_MS + behind_ms
    assert is_taken(routed(ts_ms=ts_ms)) == is_taken(replace(MATCH, ts_ms=ts_ms)) == taken


@pytest.mark.parametrize(("hashed", "taken"), [(-1, False), (0, True), ((1 << 64) - 1, True)])
def test_a_hash_has_64_bits(hashed: int, taken: bool) -> None:
    assert is_taken(replace(MATCH, content=hashed)) == taken
    assert is_taken(routed(content=hashed)) == taken
    assert is_taken(routed(clusters={"ring": ClusterTrace([5, hashed])})) == taken


@pytest.mark.parametrize(
    ("chars", "taken"), [(0, False), (1, True), (MAX_CONCEALED_CHARS, True), (MAX_CONCEALED_CHARS + 1, False)]
)
def test_a_member_has_a_name_that_an_event_can_have(chars: int, taken: bool) -> None:
    members = {"ben": START_MS, "m" * chars: START_MS}
    assert is_taken(routed(clusters={"calm": ClusterTrace([1]), "ring": ClusterTrace([5], members)})) == taken


@pytest.mark.parametrize(("visited", "taken"), [(0, True), (1, True), (2, True), (3, False)])
def test_nobody_has_been_at_more_stops_than_there_are(visited: int, taken: bool) -> None:
    assert is_taken(routed(answers=[{"c": 1}] * visited)) == taken


def test_a_routed_event_tells_which_rules_rest_where_it_has_been() -> None:
    assert is_taken(routed(resting={"r": True, "s": False}))


def test_a_routed_event_is_sent_on_up_to_half_of_what_a_message_may_have(monkeypatch: pytest.MonkeyPatch) -> None:
    size = len(departures().send(routed(fields={"text": "x" * 1_000})).value)
    monkeypatch.setattr(hop_messages, "MAX_MESSAGE_BYTES", 2 * size)
    assert len(departures().send(routed(fields={"text": "x" * 1_000})).value) == size
    with pytest.raises(ValueError, match="too large"):
        departures().send(routed(fields={"text": "x" * 1_001}))


def test_messages_of_one_record_are_numbered_one_by_one() -> None:
    leaving = departures()
    messages = [leaving.send(routed()), leaving.send(MATCH), leaving.send(MATCH)]
    found = [decode_hop(one.value) for one in messages]
    assert [one.origin for one in found if not isinstance(one, Forget | Tick)] == [
        Origin(FROM_HOPS, 1, 7 * MESSAGES_PER_RECORD + place) for place in range(3)
    ]


def test_a_message_goes_to_its_next_stop_by_key_and_home_by_partition() -> None:
    on_its_way, back = routed(), routed(answers=[{}, {}])
    sent = [departures().send(on_its_way), departures().send(back), departures().send(MATCH)]
    assert [(one.key, one.partition) for one in sent] == [(b"device_id\x00d", None), (b"ann", 2), (b"ann", 2)]
    assert [key_of(one) for one in (on_its_way, back, MATCH)] == [
        entity_record_key(STOPS[0]), user_record_key("ann"), user_record_key("ann")
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("what", "known", "unknown"),
    [(routed(), [1], [0, 1, 2]), (routed(answers=[{}, {}]), [2], [2]), (MATCH, [2], [2])],
    ids=["on its way", "back", "recall"],
)
def test_it_belongs_where_it_was_sent(
    what: RoutedEvent | RetroactiveMatch, known: list[int], unknown: list[int]
) -> None:
    """`unknown`: where nobody can tell where entities are."""

    def place(key: bytes) -> int:
        return 1 if key == b"device_id\x00d" else 0

    about = what, entity_of(what), key_of(what)
    assert [partition for partition in range(3) if belongs(*about, partition, place)] == known
    assert [partition for partition in range(3) if belongs(*about, partition, None)] == unknown
