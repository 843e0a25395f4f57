"""Entries of live lists as a worker takes them."""

from types import SimpleNamespace

import msgspec
import pytest

from engine.errors import RulebookError
from engine.rulebook.compiler import load_rulebook
from engine.settings import Settings
from engine.stream.control import lists
from engine.stream.control.lists import Entry, LiveEntries
from engine.stream.kafka import records
from tests.unit.stream.broker import Producer
from tests.unit.stream.signed import record

RULES = """
version: 1
lists: {bad: {live: true, values: [x]}}
rules: {r: {event: post, when: [event.word in lists.bad], then: {flag: word}}}
"""


def entry(until_ms: int | None = None) -> bytes:
    return msgspec.json.encode(Entry("mo", "", 0, until_ms))


def test_entries_are_there_whichever_comes_first_they_or_the_rules() -> None:
    entries, rulebook = LiveEntries(), load_rulebook({"rules.yaml": RULES})
    entries.receive("list/bad/y/z", entry())
    entries.receive("list/other/w", entry())
    entries.show_in(rulebook)
    entries.receive("list/bad/v", entry())
    assert rulebook.live["bad"] == {"x", "y/z", "v"}
    entries.receive("list/bad/v", b"null")
    assert rulebook.live["bad"] == {"x", "y/z"}
    assert entries.counts() == {"bad": 1, "other": 1}


def test_what_is_over_is_let_go() -> None:
    entries, rulebook = LiveEntries(), load_rulebook({"rules.yaml": RULES})
    entries.show_in(rulebook)
    entries.receive("list/bad/late", entry(until_ms=1))
    assert rulebook.live["bad"] == {"x"}
    entries.receive("list/bad/soon", entry(until_ms=4_000_000_000_000))
    entries.receive("list/bad/soon", entry(until_ms=1))
    assert rulebook.live["bad"] == {"x"}


def test_rulebooks_of_before_go_along() -> None:
    entries, old, new = LiveEntries(), load_rulebook({"rules.yaml": RULES}), load_rulebook({"rules.yaml": RULES})
    entries.show_in(new, old)
    entries.receive("list/bad/v", entry())
    assert old.live["bad"] == new.live["bad"] == {"x", "v"}


NESTED = b'{"author": "a", "note": "", "ts": 0, "x": ' + b"[" * 100_000  # too deep or cut off, by Python
LATE = b'{"author": "a", "note": "", "ts": 0, "until_ms": 99999999999999999}'


@pytest.mark.parametrize("value", [NESTED, LATE, b"", b"{}", b'"x"', b"\xff", b'{"author": 1, "note": "", "ts": 0}'])
def test_what_is_no_entry_is_refused(value: bytes) -> None:
    with pytest.raises(RulebookError, match="no entry"):
        LiveEntries().receive("list/bad/v", value)


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "_MOST_IN_MEMORY", 2)
    entries = LiveEntries()
    for word in ("a", "b", "b"):
        entries.receive(f"list/bad/{word}", entry())
    with pytest.raises(RulebookError, match="2 entries in live lists already"):
        entries.receive("list/bad/c", entry())


HOUR_MS = 3_600_000
NOW_MS = 10 * HOUR_MS


def on_topic(monkeypatch: pytest.MonkeyPatch, *messages: tuple[str, bytes | None, int]) -> Producer:
    """What the topic has, by key, value and time; the producer keeps what is published."""
    there = [record("rulebooks", key.encode(), value, timestamp=time) for key, value, time in messages]
    client = Producer()
    monkeypatch.setattr(lists, "accepted", lambda _: iter(there))
    monkeypatch.setattr(records, "producer", lambda *_, **__: client)
    monkeypatch.setattr(lists, "time", SimpleNamespace(time=lambda: NOW_MS / 1_000))
    return client


def said(until_ms: int | None = None) -> Entry:
    return Entry("mo", "", 0, until_ms)


@pytest.mark.parametrize(
    ("until_ms", "holds"), [(NOW_MS - 1, False), (NOW_MS, False), (NOW_MS + 1, True), (None, True)]
)
def test_an_entry_holds_until_its_time(until_ms: int | None, holds: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    on_topic(monkeypatch, ("list/bad/v", entry(until_ms), 0))
    rulebook, entries = load_rulebook({"rules.yaml": RULES}), LiveEntries()
    entries.receive("list/bad/v", entry(until_ms))
    assert entries.counts().get("bad", 0) == int(holds)
    lists.show_in(Settings(), rulebook)
    assert rulebook.live["bad"] == ({"x", "v"} if holds else {"x"})


def test_what_is_over_by_now_expires(monkeypatch: pytest.MonkeyPatch) -> None:
    on_topic(monkeypatch)
    entries, rulebook = LiveEntries(), load_rulebook({"rules.yaml": RULES})
    entries.show_in(rulebook)
    for word, until_ms in (("early", NOW_MS + 1), ("late", NOW_MS + 2), ("always", None)):
        entries.receive(f"list/bad/{word}", entry(until_ms))
    monkeypatch.setattr(lists, "time", SimpleNamespace(time=lambda: (NOW_MS + 1) / 1_000))
    entries.expire()
    assert rulebook.live["bad"] == {"x", "late", "always"}
    assert len(entries) == 2


def test_a_list_that_no_rulebook_has_is_only_kept() -> None:
    entries = LiveEntries()
    entries.show_in(load_rulebook({"rules.yaml": RULES}))
    entries.receive("list/other/v", entry())
    assert entries.counts() == {"other": 1}


def test_the_newest_that_can_be_read_of_each_entry_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    on_topic(
        monkeypatch,
        ("rulebook/1", entry(), 0),
        ("list/bad/a", entry(5), 0),
        ("list/bad/a", entry(7), 0),
        ("list/bad/b", entry(), 0),
        ("list/bad/b", None, 0),
        ("list/bad/c", entry(), 0),
        ("list/bad/c", b"null", 0),
        ("list/bad/d", b"junk", 0),
        ("list/gone/e", entry(), 0),
        ("list/gone/e", None, 0),
    )
    assert lists.read_entries(Settings()) == {"bad": {"a": said(7)}}


@pytest.mark.parametrize(
    ("value", "time", "cleared"),
    [
        (b"null", NOW_MS - HOUR_MS - 1, True),
        (b"null", NOW_MS - HOUR_MS, True),
        (b"null", NOW_MS - HOUR_MS + 1, False),
        (None, 0, False),  # cleared already
        (entry(NOW_MS - HOUR_MS), NOW_MS, True),
        (entry(NOW_MS - HOUR_MS + 1), 0, False),
        (entry(), 0, False),
        (b"junk", 0, False),
    ],
)
def test_what_has_long_been_over_is_cleared_away(
    value: bytes | None, time: int, cleared: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = on_topic(monkeypatch, ("list/bad/old", value, time), ("rulebook/1", b"null", 0))
    lists.publish_entries(Settings(), "bad", {"new": said()})
    sent = {one.key: one.value for one in client.sent}
    assert sent == {b"list/bad/new": entry()} | ({b"list/bad/old": None} if cleared else {})
    assert {one.partition for one in client.sent} == {0}


def test_what_was_over_and_is_there_again_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    client = on_topic(monkeypatch, ("list/bad/a", entry(5), 0), ("list/bad/a", entry(), NOW_MS))
    lists.publish_entries(Settings(), "bad", {"b": said()})
    assert [one.key for one in client.sent] == [b"list/bad/b"]


def test_what_is_added_again_is_not_cleared_away(monkeypatch: pytest.MonkeyPatch) -> None:
    client = on_topic(monkeypatch, ("list/bad/a", entry(5), 0))
    lists.publish_entries(Settings(), "bad", {"a": said()})
    assert [(one.key, one.value) for one in client.sent] == [(b"list/bad/a", entry())]


@pytest.mark.parametrize(
    ("added", "refused"),
    [
        ({"c": said()}, False),
        ({"c": said(), "d": said()}, True),
        ({"a": said(), "b": said(), "c": said()}, False),  # two of them are there already
        ({"a": None, "b": None, "z": None, "c": said()}, False),  # what is removed takes no place
    ],
)
def test_all_lists_together_have_a_limit(
    added: dict[str, Entry | None], refused: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "MAX_ENTRIES", 3)
    there = [("list/bad/a", entry(), 0), ("list/bad/b", entry(), 0), ("list/bad/old", entry(5), 0)]
    client = on_topic(monkeypatch, *there)
    if refused:
        with pytest.raises(RulebookError, match="at most 3 entries together"):
            lists.publish_entries(Settings(), "bad", added)
    else:
        lists.publish_entries(Settings(), "bad", added)
    assert bool(client.sent) is not refused


def test_too_many_entries_can_still_be_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "MAX_ENTRIES", 1)
    client = on_topic(monkeypatch, ("list/bad/a", entry(), 0), ("list/bad/b", entry(), 0))
    lists.publish_entries(Settings(), "bad", {"a": None})
    assert [(one.key, one.value) for one in client.sent] == [(b"list/bad/a", b"null")]
