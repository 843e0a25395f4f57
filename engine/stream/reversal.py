"""Taking actions back: a compensating action for each, on the same topic, with an id of its own."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import orjson
from kafka.errors import KafkaError

from engine.core.hashing import digest
from engine.errors import PublishError
from engine.settings import Settings
from engine.stream.authors import Author
from engine.stream.clients import producer
from engine.stream.published import ACTION, read_documents
from engine.stream.publishing import Publisher

REVOKE = "revoke"
"""The kind of a compensating action."""


@dataclass(frozen=True, slots=True)
class Which:
    """Which actions are meant: those that fit all that is given. Times are event times in epoch ms, `until` excluded;
    `rulebook`: the beginning of an id."""

    action_ids: frozenset[str] = frozenset()
    rule: str | None = None
    rulebook: str | None = None
    user_id: str | None = None
    since_ms: int | None = None
    until_ms: int | None = None

    def __bool__(self) -> bool:
        """Whether anything is given: not everything is meant by mistake."""
        return self != Which()

    def fits(self, action: Any) -> bool:
        """Whether an action is one of them."""
        return (
            (not self.action_ids or action["action_id"] in self.action_ids)
            and self.rule in (None, action["rule"])
            and self.user_id in (None, action["user_id"])
            and action["rulebook"].startswith(self.rulebook or "")
            and (self.since_ms is None or action["ts"] >= self.since_ms)
            and (self.until_ms is None or action["ts"] < self.until_ms)
        )


@dataclass(slots=True)
class Published:
    """The actions that are out, by id, and the ids of those that are revoked already."""

    actions: dict[str, Any] = field(default_factory=dict)
    revoked: set[str] = field(default_factory=set)

    def find(self, which: Which) -> list[Any]:
        """Those that are meant and still stand, in the order of their times."""
        standing = (one for key, one in self.actions.items() if key not in self.revoked and which.fits(one))
        return sorted(standing, key=lambda one: (one["ts"], one["action_id"]))


def read_actions(settings: Settings) -> Published:
    """All actions that are still on their topic. Raises TopicError."""
    published = Published()
    for _, action in read_documents(settings, settings.topics.actions, ACTION):
        if action["kind"] == REVOKE:
            published.revoked.add(action.get("revokes", ""))
        else:
            published.actions[action["action_id"]] = action
    return published


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
    """Publish what takes these actions back; returns how many. Raises PublishError."""
    signing, topic = Author(settings, "revoke"), settings.topics.actions
    now_ms, client, sent = int(time.time() * 1000), producer(settings, linger_ms=5), []
    try:
        for action in actions:
            value = orjson.dumps(compensation(action, author, note, now_ms))
            key = str(action["target"]["id"]).encode()
            sent.append(client.send(topic, value, key, headers=signing.headers(topic, key, value)))
        client.flush()
        for one in sent:
            one.get(timeout=30)
    except KafkaError as error:
        raise PublishError(
            f"not all of it could be published: {error!r}; run it again: nothing counts twice"
        ) from error
    finally:
        client.close()
    return len(sent)


def uphold_appeal(settings: Settings, action: Any, moderator: str, note: str) -> None:
    """Take one action back, and label its event ham. Raises PublishError."""
    revoke(settings, [action], moderator, note or "appeal upheld")
    label = {
        "event_id": action["event_id"], "user_id": action["user_id"], "label": "ham",
        "ts": int(time.time() * 1000), "moderator": moderator,
    }  # fmt: skip
    with Publisher(settings) as publisher:
        publisher.label(orjson.dumps(label), user_id=action["user_id"])
