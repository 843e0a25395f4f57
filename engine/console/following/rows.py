"""What records of the topics become: rows for the store's tables."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import orjson
import structlog
from sqlalchemy import Table

from engine.console.concealing import Concealer
from engine.console.following import cases
from engine.console.following.cases import MAX_VALUE_CHARS, is_id, short_text
from engine.console.following.storable import make_storable
from engine.console.store import followed
from engine.core.domain.events import Event
from engine.errors import EventError, LabelError, RulebookError
from engine.keys.network import ip_prefixes
from engine.keys.text import fingerprints
from engine.keys.urls import url_domains
from engine.settings import Settings
from engine.stream.admin.dead_letters import read_dead_letter
from engine.stream.admin.given import LabelReader
from engine.stream.admin.published import ACTION, DECISION, REVIEW
from engine.stream.admin.revocation import REVOKE
from engine.stream.control.rulebooks import read_version, scope_of
from engine.stream.handlers.events import arrival_of
from engine.stream.handlers.label_messages import decode_label
from engine.stream.handlers.messages import VERSION, decode_event
from engine.stream.kafka.publishers import Publishers, is_a_workers_or
from engine.stream.kafka.sealing import Seals

_log = structlog.stdlib.get_logger("floodgate.console")

MOST_OF_A_KIND = 8
MAX_TEXT_CHARS = 10_000
MAX_DOCUMENT_BYTES = 65_536
MAX_LETTER_BYTES = 16_384
_SHARED_FIELDS = ("device_id", "ip", "target_id")

_KEYS: Mapping[str, Callable[[Mapping[str, Any]], tuple[str, ...]]] = {
    "url_domain": url_domains,
    "ip_prefix": ip_prefixes,
    "text": fingerprints,
}

Rows = dict[Table, list[dict[str, Any]]]


class RowMaker:
    """Makes rows of records. What is not the engine's own, or can not be read, is passed over and counted in
    `passed_over`. `is_erased`: whether what a user did then is to stay forgotten; `clock` (epoch seconds): no record
    has arrived later than this."""

    def __init__(
        self, settings: Settings, is_erased: Callable[[str, int], bool], clock: Callable[[], float] = time.time
    ) -> None:  # fmt: skip
        self._settings, self._is_erased, self._clock = settings, is_erased, clock
        self._seals, self._publishers, self._labels = Seals(settings), Publishers(settings), LabelReader(settings)
        self._mapping, self._pseudonyms = settings.events.mapping(), settings.pseudonyms()
        self._concealer = Concealer(settings)
        self.passed_over = 0
        topics = settings.topics
        self._makers: Mapping[str, Callable[[Any, Rows], bool]] = {
            topics.decisions: self._decision,
            topics.actions: self._action,
            topics.review: self._review,
            topics.labels: self._label,
            topics.rulebooks: self._rulebook,
            topics.dead_letters: self._dead_letter,
        } | ({topics.events: self._event} if settings.console.follow_events else {})

    @property
    def topics(self) -> tuple[str, ...]:
        """What is followed."""
        return tuple(self._makers)

    def rows(self, records: Iterable[Any]) -> Rows:
        """The rows of these records, by table."""
        rows: Rows = defaultdict(list)
        for record in records:
            if not self._is_taken(record, rows):
                self.passed_over += 1
        return rows

    def _is_taken(self, record: Any, rows: Rows) -> bool:
        made: Rows = defaultdict(list)
        try:
            taken = record.value is not None and self._makers[record.topic](record, made)
            made = {table: [make_storable(table, row) for row in some] for table, some in made.items()}
        except Exception as error:  # strangers have written it: one message that nobody expected must not stop the rest
            place = {"topic": record.topic, "partition": record.partition, "offset": record.offset}
            _log.error("a message could not be followed, and is passed over", error=repr(error), **place)
            return False
        for table, some in made.items():
            rows[table] += some
        return taken

    def _event(self, record: Any, rows: Rows) -> bool:
        try:
            limits = self._settings.events
            latest_ms = round(self._clock() * 1_000) + limits.clock_tolerance_ms  # as workers have it
            event = decode_event(record.value, self._mapping, limits.max_message_bytes, arrival_of(record, latest_ms))
        except EventError:
            return False  # among the dead letters
        if self._pseudonyms is not None:
            self._pseudonyms.conceal(event)
        if self._is_erased(event.user_id, event.ts_ms):
            return True
        key = {"partition": record.partition, "offset": record.offset}
        rows[followed.EVENTS].append(
            {
                **key,
                "event_id": event.event_id,
                "user_id": event.user_id,
                "type": event.type,
                "ts": event.ts_ms,
                "document": _document(event),
            }
        )
        rows[followed.MENTIONS] += [
            {**key, "kind": kind, "value": value, "ts": event.ts_ms, "user_id": event.user_id}
            for kind, value in mentions(event)
        ]
        case = cases.of_event(event, self._settings.console)
        if case is not None:
            rows[followed.CASES].append(case)
        return True

    def _decision(self, record: Any, rows: Rows) -> bool:
        document = DECISION.read(record.value) if self._seals.fits(record) else None
        if document is None:
            return False
        if self._is_erased(document["user_id"], document["ts"]):
            return True
        key = {"partition": record.partition, "offset": record.offset}
        score = max(document["scores"].values(), default=None)
        rows[followed.DECISIONS].append(
            {
                **key,
                "event_id": document["event_id"],
                "user_id": document["user_id"],
                "type": document["type"],
                "ts": document["ts"],
                "outcome": document["outcome"],
                "score": score,
                "rulebook": document["rulebook"],
                "document": record.value,
            }
        )
        rows[followed.HITS] += [
            {**key, "rule": hit["rule"], "mode": hit["mode"], "effect": hit["effect"], "ts": document["ts"]}
            for hit in document["hits"]
        ]
        return True

    def _action(self, record: Any, rows: Rows) -> bool:
        ours = self._seals.fits(record) or is_a_workers_or(record, "revoke", self._seals, self._publishers)
        document = ACTION.read(record.value) if ours else None
        if document is None:
            return False
        if self._is_erased(document["user_id"], document["ts"]):
            return True
        if document["kind"] == REVOKE:
            rows[followed.REVOCATIONS].append(
                {
                    "action_id": document.get("revokes", ""),
                    "ts": document["ts"],
                    "author": document.get("author", ""),
                    "why": document["explanation"][:MAX_TEXT_CHARS],
                }
            )
            return True
        fields: Mapping[str, Any] = self._concealer.of_action(document)
        published_ms = record.timestamp or document["ts"]
        rows[followed.ACTIONS].append(
            {
                "action_id": document["action_id"],
                "ts": document["ts"],
                "published_ms": published_ms,
                "kind": document["kind"],
                "target_type": document["target"]["type"],
                "target_id": fields["target"]["id"],
                "event_id": document["event_id"],
                "user_id": fields["user_id"],
                "rule": document["rule"],
                "area": short_text(fields.get("area")),
                "needs": short_text(fields.get("needs")),
                "document": orjson.dumps(fields) if self._concealer.is_on else record.value,
            }
        )
        if fields.get("needs") == "review":
            rows[followed.CASES].append(cases.of_action(fields))
        return True

    def _review(self, record: Any, rows: Rows) -> bool:
        document = REVIEW.read(record.value)
        if document is None:
            return False
        if self._is_erased(document["user_id"], document["ts"]):
            return True
        rows[followed.CASES].append(cases.of_review(self._concealer.of_user(document)))
        return True

    def _label(self, record: Any, rows: Rows) -> bool:
        value = self._labels.value_of(record)
        try:
            label = decode_label(value) if value is not None else None
        except LabelError:
            return False  # among the dead letters
        if label is None:
            return False
        rows[followed.LABELS].append(
            {
                "partition": record.partition,
                "offset": record.offset,
                "event_id": label.event_id,
                "label": label.verdict,
                "moderator": label.moderator or "",
                "policy": label.policy,
                "propensity": label.propensity,
                "ts": label.ts_ms,
            }
        )
        return True

    def _rulebook(self, record: Any, rows: Rows) -> bool:
        if not (record.key or b"").startswith(VERSION.encode()):
            return True
        if self._publishers.accept(record, scope_of(record.key)) is None:
            return False
        try:
            version = read_version(record)
        except RulebookError:
            return False
        rows[followed.RULEBOOKS].append(
            {
                "number": version.number,
                "rulebook": version.id,
                "author": version.author,
                "note": version.note,
                "ts": version.ts_ms,
            }
        )
        return True

    def _dead_letter(self, record: Any, rows: Rows) -> bool:
        letter = read_dead_letter(record)
        if letter is None:
            return False
        rows[followed.DEAD_LETTERS].append(
            {
                "partition": record.partition,
                "offset": record.offset,
                "ts": letter.ts_ms,
                "topic": letter.topic,
                "reason": letter.reason,
                "error": letter.error[:MAX_TEXT_CHARS],
                "document": letter.value[:MAX_LETTER_BYTES],
            }
        )
        return True


def mentions(event: Event) -> set[tuple[str, str]]:
    """The entities that an event names, as kind and value."""
    fields = event.fields
    named = {(name, fields[name][:MAX_VALUE_CHARS]) for name in _SHARED_FIELDS if is_id(fields.get(name))}
    for kind, find_keys in _KEYS.items():
        named |= {(kind, value) for value in find_keys(fields)[:MOST_OF_A_KIND]}
    return named


def _document(event: Event) -> bytes:
    """The event's fields as JSON, with long texts cut; of too many or too deep ones what tells who did what."""
    fields = {name: value[:MAX_TEXT_CHARS] if isinstance(value, str) else value for name, value in event.fields.items()}
    try:
        document = orjson.dumps(fields, default=str, option=orjson.OPT_NON_STR_KEYS)
    except TypeError:  # nested more deeply than it can be written; senders choose that
        document = b""
    if 0 < len(document) <= MAX_DOCUMENT_BYTES:
        return document
    kept = {name: fields[name] for name in ("event_id", "type", "user_id", "ts") if name in fields}
    return orjson.dumps({**kept, "text": str(fields.get("text", ""))[:MAX_TEXT_CHARS], "cut": True})
