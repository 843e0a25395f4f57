"""Entries that rules have added: which actions become some."""

import time
from typing import Any

import pytest

from engine.rulebook.compiler import load_rulebook
from engine.settings import Settings
from engine.stream.admin import additions
from engine.stream.admin.additions import apply_additions
from engine.stream.admin.revocation import Published
from engine.stream.control.lists import Entry

NOW_MS = int(time.time() * 1_000)
HOUR_MS = 3_600_000
RULEBOOK = load_rulebook(
    {
        "r.yaml": """
version: 1
lists: {bad: {live: true}}
rules:
  learns: {event: post, when: [event.n > 1], then: {add: lists.bad, value: url_domain, for: 2h, max: 2}}
"""
    }
)


class Topics:
    """What stands on the topics, and what is published."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.published, self.known = Published(), dict[str, dict[str, Entry]]()
        self.removals: dict[tuple[str, str], int] = {}
        monkeypatch.setattr(additions, "read_actions", lambda _: self.published)
        monkeypatch.setattr(additions, "read_entries", lambda _: self.known)
        monkeypatch.setattr(additions, "read_removals", lambda _: self.removals)
        monkeypatch.setattr(additions, "publish_entries", self._publish)

    def add(self, entry: str, at_ms: int = NOW_MS - HOUR_MS, **more: Any) -> str:
        action_id = f"{entry} {at_ms}"
        self.published.actions[action_id] = {
            "action_id": action_id, "kind": "add", "scope": "bad", "target": {"type": "url_domain", "id": entry},
            "for_ms": 2 * HOUR_MS, "rule": "learns", "rulebook": "x", "ts": at_ms, "user_id": "u",
            "explanation": "event.n = 2 > 1", **more,
        }  # fmt: skip
        self.published.published_ms[action_id] = at_ms
        return action_id

    def _publish(self, _: Settings, name: str, entries: dict[str, Entry | None]) -> None:
        for entry, addition in entries.items():
            self.known.setdefault(name, {}).pop(entry, None)
            if addition is not None:
                self.known[name][entry] = addition

    def apply(self) -> int:
        """How many found no room."""
        return apply_additions(Settings(), RULEBOOK).refused

    def entries(self) -> dict[str, str]:
        return {entry: addition.author for entry, addition in self.known.get("bad", {}).items()}


@pytest.fixture
def topics(monkeypatch: pytest.MonkeyPatch) -> Topics:
    return Topics(monkeypatch)


def test_an_action_becomes_an_entry_once(topics: Topics) -> None:
    topics.add("a.com")
    topics.apply()
    entry = topics.known["bad"]["a.com"]
    assert (entry.author, entry.note, entry.until_ms) == ("rule:learns", "event.n = 2 > 1", NOW_MS + HOUR_MS)
    applied = apply_additions(Settings(), RULEBOOK)
    assert (applied.added, applied.removed, applied.refused) == ({}, {}, 0)


def test_what_is_over_is_not_entered(topics: Topics) -> None:
    topics.add("a.com", NOW_MS - 3 * HOUR_MS)
    topics.apply()
    assert topics.entries() == {}


def test_a_rule_has_no_more_entries_than_it_may(topics: Topics) -> None:
    for number, name in enumerate("abc"):
        topics.add(f"{name}.com", NOW_MS - HOUR_MS + number)
    assert topics.apply() == 1
    assert list(topics.entries()) == ["a.com", "b.com"]
    assert topics.apply() == 1


def test_what_people_have_entered_is_theirs(topics: Topics) -> None:
    topics.known["bad"] = {"a.com": Entry("ann", "", 0)}
    topics.add("a.com")
    topics.apply()
    assert topics.entries() == {"a.com": "ann"}


def test_what_people_have_removed_stays_away_until_it_is_met_again(topics: Topics) -> None:
    topics.add("a.com")
    topics.removals["bad", "a.com"] = NOW_MS - HOUR_MS + 1
    topics.apply()
    assert topics.entries() == {}
    topics.add("a.com", NOW_MS - 1_000)
    topics.apply()
    assert topics.entries() == {"a.com": "rule:learns"}


def test_a_revoked_action_takes_its_entry_along(topics: Topics) -> None:
    action_id = topics.add("a.com")
    topics.apply()
    topics.published.revoked[action_id] = {}
    topics.apply()
    assert topics.entries() == {}


def test_a_dry_run_changes_nothing(topics: Topics) -> None:
    topics.add("a.com")
    assert list(apply_additions(Settings(), RULEBOOK, dry_run=True).added["bad"]) == ["a.com"]
    assert topics.entries() == {}
