"""Taking actions back: a compensating action for each, on the same topic, with an id of its own."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import orjson

from engine.core.domain.units import time_text
from engine.core.values.hashing import digest
from engine.settings import Settings
from engine.stream.admin.published import ACTION, read_recorded
from engine.stream.admin.publishing import Publisher
from engine.stream.handlers.forgiving import Revocation
from engine.stream.handlers.label_messages import encode_revocation
from engine.stream.kafka.records import sending

REVOKE = "revoke"
"""The kind of a compensating action."""


@dataclass(frozen=True, slots=True)
class Which:
    """Which actions are meant: those that fit all that is given. Times are event times in epoch ms, `until` excluded;
    `rulebook`: the beginning of an id; `target_id`: whom or what they are about."""

    action_ids: frozenset[str] = frozenset()
    rule: str | None = None
    rulebook: str | None = None
    user_id: str | None = None
    since_ms: int | None = None
    until_ms: int | None = None
    kind: str | None = None
    target_id: str | None = None

    def __bool__(self) -> bool:
        """Whether anything is given: not everything is meant by mistake."""
        return self != Which()

    def fits(self, action: Any) -> bool:
        """Whether an action is one of them."""
        return (
            (not self.action_ids or action["action_id"] in self.action_ids)
            and self.rule in (None, action["rule"])
            and self.user_id in (None, action["user_id"])
            and self.kind in (None, action["kind"])
            and self.target_id in (None, action["target"]["id"])
            and action["rulebook"].startswith(self.rulebook or "")
            and (self.since_ms is None or action["ts"] >= self.since_ms)
            and (self.until_ms is None or action["ts"] < self.until_ms)
        )


@dataclass(slots=True)
class Published:
    """The actions that are out, by id; by the same ids what has revoked some of them, and when each was published, in
    epoch ms."""

    actions: dict[str, Any] = field(default_factory=dict)
    revoked: dict[str, Any] = field(default_factory=dict)
    published_ms: dict[str, int] = field(default_factory=dict)

    def find(self, which: Which) -> list[Any]:
        """Those that are meant and still stand, in the order of their times."""
        return [action for action in self.all(which) if action["action_id"] not in self.revoked]

    def all(self, which: Which) -> list[Any]:
        """Those that are meant, also if they are revoked, in the order of their times."""
        return sorted(filter(which.fits, self.actions.values()), key=lambda action: (action["ts"], action["action_id"]))

    def state(self, action: Any, now_ms: int) -> str:
        """What has become of an action: whether it stands, is over, or who has revoked it, when and why."""
        taken = self.revoked.get(action["action_id"])
        if taken is not None:
            author, why = taken.get("author", "someone"), taken["explanation"]
            revoked_by = f"revoked by {author}, {time_text(taken['ts'])} UTC"
            return revoked_by if why == f"revoked by {author}" else f"{revoked_by}: {why}"
        ends_ms = self.ends_at(action)
        if action.get("not_before_ms", 0) > now_ms:
            return f"waits until {time_text(action['not_before_ms'])} UTC"
        return (
            "stands" if ends_ms is None else "over" if ends_ms <= now_ms else f"stands until {time_text(ends_ms)} UTC"
        )

    def ends_at(self, action: Any) -> int | None:
        """When an action ends, in epoch ms; None where it has no end. Its time begins when it is published, or when it
        may be enforced."""
        begins_ms = max(self.published_ms[action["action_id"]], action.get("not_before_ms", 0))
        return begins_ms + action["for_ms"] if "for_ms" in action else None


def read_actions(settings: Settings) -> Published:
    """All actions that are still on their topic. Raises TopicError."""
    published = Published()
    for record, action in read_recorded(settings, settings.topics.actions, ACTION):
        if action["kind"] == REVOKE:
            published.revoked.setdefault(action.get("revokes", ""), action)
        else:
            published.actions[action["action_id"]] = action
            published.published_ms.setdefault(action["action_id"], record.timestamp)
    return published


def forgiveness(action: Any, user_id: str, now_ms: int) -> bytes:
    """What makes an action no strike for its user, as the owner of their state reads it among the labels. `user_id`: as
    events have it, by which the partition is chosen."""
    return encode_revocation(Revocation(action["action_id"], user_id, now_ms))


def compensation(action: Any, author: str, note: str, now_ms: int) -> dict[str, Any]:
    """What takes an action back. Whoever enforces does what it takes; the id is the same each time."""
    return {
        "action_id": digest(REVOKE, action["action_id"]),
        "ts": now_ms,
        "kind": REVOKE,
        "target": action["target"],
        "event_id": action["event_id"],
        "user_id": action["user_id"],
        "rule": action["rule"],
        "reason": "revoked",
        "explanation": note or f"revoked by {author}",
        "rulebook": action["rulebook"],
        "revokes": action["action_id"],
        "revoked_kind": action["kind"],
        "author": author,
    } | ({"scope": action["scope"]} if "scope" in action else {})


def revoke(settings: Settings, actions: Iterable[Any], author: str, note: str) -> int:
    """Publish what takes these actions back, and what makes them no strikes; returns how many. Raises PublishError."""
    topics, now_ms = settings.topics, int(time.time() * 1000)
    listed, pseudonyms = list(actions), settings.pseudonyms()
    with sending(
        settings, "revoke", "not all of it could be published; run it again, nothing counts twice"
    ) as messages:
        for action in listed:
            user = pseudonyms.reveal(action["user_id"]) if pseudonyms is not None else action["user_id"]
            messages.send(topics.labels, user.encode(), forgiveness(action, user, now_ms))
        messages.wait()  # in this order: what is revoked already is left out when it is run again
        for action in listed:
            taken_back = orjson.dumps(compensation(action, author, note, now_ms))
            messages.send(topics.actions, action["target"]["id"].encode(), taken_back)
    return len(listed)


def uphold_appeal(settings: Settings, action: Any, moderator: str, note: str) -> None:
    """Take one action back, and label its event ham. Raises PublishError."""
    revoke(settings, [action], moderator, note or "appeal upheld")
    label = {
        "event_id": action["event_id"], "user_id": action["user_id"], "label": "ham",
        "ts": int(time.time() * 1000), "moderator": moderator,
    }  # fmt: skip
    with Publisher(settings) as publisher:
        publisher.label(orjson.dumps(label), user_id=action["user_id"])
