"""Entries of live lists as a worker takes them."""

import msgspec
import pytest

from engine.errors import RulebookError
from engine.rulebook import load_rulebook
from engine.stream import lists
from engine.stream.lists import Entry, LiveEntries

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


NESTED = b'{"author": "a", "note": "", "ts": 0, "x": ' + b"[" * 3_000 + b"]" * 3_000 + b"}"
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
