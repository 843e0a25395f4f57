"""How each kind goes out, by the functions that the commands use.

All but labels are the same however often they are published: they stand under a key of their own, or have an id that
is made of what they are about. A label carries the id of what goes out in a header, by which it is found again.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

from engine.console.store.outgoing import Outgoing
from engine.errors import PublishError, RulebookError
from engine.rulebook.compiler import load_rulebook
from engine.settings import Settings
from engine.stream.admin.publishing import publish_model_command
from engine.stream.admin.revocation import revoke
from engine.stream.control.lists import Entry, publish_entries
from engine.stream.control.promotions import promote
from engine.stream.control.rulebooks import publish_paused, publish_resumed, publish_rulebook, read_in_use
from engine.stream.handlers.label_messages import Pin, Quarantine
from engine.stream.handlers.messages import Pause
from engine.stream.kafka.records import read_all, sending

HEADER = "floodgate-outgoing"
"""The header that has a label's id."""

SENT_WITHIN_MS = 20_000
"""Shorter than a lease: what one has given up cannot come to the topic while another looks for it there."""

LABEL = "label"
_CLOCKS_DIFFER_MS = 60_000


def publish_labels(settings: Settings, labels: Sequence[Outgoing]) -> None:
    """Publish labels; at the end the brokers have all of them. Raises PublishError, BrokerError."""
    pseudonyms = settings.pseudonyms()
    with sending(settings, "label", "not all labels could be published", SENT_WITHIN_MS) as messages:
        for label in labels:
            payload = dict(label.payload)
            user_id = payload.get("user_id")
            if user_id and pseudonyms is not None:
                payload["user_id"] = user_id = pseudonyms.reveal(user_id)
            beside = [(HEADER, label.id.encode())]
            value, topic = orjson.dumps(payload), settings.topics.labels
            if user_id:
                messages.send(topic, user_id.encode(), value, beside=beside)
                continue
            for partition in range(settings.partitions):  # the one with the event joins it
                messages.send(topic, None, value, partition, beside)


def find_published(settings: Settings, labels: Sequence[Outgoing]) -> set[str]:
    """The ids of those labels that are on their topic. Raises TopicError."""
    since_ms = min(label.created_ms for label in labels) - _CLOCKS_DIFFER_MS
    wanted = {label.id.encode() for label in labels}
    found = set()
    for record in read_all(settings, settings.topics.labels, since_ms):
        identity = dict(record.headers or ()).get(HEADER)
        if identity in wanted:
            found.add(identity.decode())
    return found


def publish(settings: Settings, outgoing: Outgoing) -> None:
    """Publish one that is no label. Raises PublishError, RulebookError where it can never go out; BrokerError,
    TopicError, where it cannot now."""
    publisher = _PUBLISHERS.get(outgoing.kind)
    if publisher is None:
        raise PublishError(f"nothing is known of the kind {outgoing.kind!r}: run the console's newest version")
    publisher(settings, outgoing)


def _revoke(settings: Settings, outgoing: Outgoing) -> None:
    action, pseudonyms = outgoing.payload["action"], settings.pseudonyms()
    if pseudonyms is not None:  # whoever enforces has to know whom
        target = {**action["target"], "id": pseudonyms.reveal(action["target"]["id"])}
        action = {**action, "user_id": pseudonyms.reveal(action["user_id"]), "target": target}
    revoke(settings, [action], outgoing.author, outgoing.payload["note"])


def _push(settings: Settings, outgoing: Outgoing) -> None:
    rulebook = load_rulebook(outgoing.payload["files"])
    publish_rulebook(settings, rulebook, outgoing.author, outgoing.payload["note"], outgoing.created_ms)


def _pause(settings: Settings, outgoing: Outgoing) -> None:
    publish_paused(settings, outgoing.payload["rule"], _by(outgoing))


def _resume(settings: Settings, outgoing: Outgoing) -> None:
    publish_resumed(settings, outgoing.payload["rule"], _by(outgoing))


def _promote(settings: Settings, outgoing: Outgoing) -> None:
    name, stage = outgoing.payload["rule"], outgoing.payload["stage"]
    in_use = read_in_use(settings)
    rule = next((rule for rule in in_use[1].rules if rule.name == name), None) if in_use is not None else None
    if rule is None:
        raise RulebookError(f"the rulebook in use has no rule {name!r} any more", 1)
    promote(settings, rule, stage, outgoing.author, outgoing.payload["note"])


def _enter(settings: Settings, outgoing: Outgoing) -> None:
    """Entries of a live list: until when, or None for those that are removed."""
    entries: Mapping[str, Any] = outgoing.payload["entries"]
    made = {
        entry: Entry(outgoing.author, outgoing.payload["note"], outgoing.created_ms, addition["until_ms"])
        if addition is not None
        else None
        for entry, addition in entries.items()
    }
    publish_entries(settings, outgoing.payload["list"], made)


def _quarantine(settings: Settings, outgoing: Outgoing) -> None:
    publish_model_command(settings, Quarantine(outgoing.payload["moderator"], outgoing.payload["quarantined"]))


def _pin(settings: Settings, outgoing: Outgoing) -> None:
    publish_model_command(settings, Pin(outgoing.payload["model"], outgoing.payload["pinned"]))


def _by(outgoing: Outgoing) -> Pause:
    return Pause(outgoing.author, outgoing.payload["note"], outgoing.created_ms)


_PUBLISHERS: Mapping[str, Callable[[Settings, Outgoing], None]] = {
    "revoke": _revoke, "push": _push, "pause": _pause, "resume": _resume, "promote": _promote, "enter": _enter,
    "quarantine": _quarantine, "pin": _pin,
}  # fmt: skip
