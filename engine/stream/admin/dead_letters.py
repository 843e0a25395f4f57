"""Dead letters as people handle them: read, sent again, deleted. Strangers have written what is in them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, NamedTuple

import structlog
from kafka import TopicPartition
from kafka.errors import KafkaError

from engine.errors import TopicError
from engine.settings import Settings
from engine.stream.handlers.messages import MAX_DEAD_LETTER_KEY_BYTES
from engine.stream.kafka.clients import admin
from engine.stream.kafka.records import read_all, sending

_log = structlog.stdlib.get_logger("floodgate")

_PARTITION = 0
"""The topic has one, so that an offset names a dead letter."""
_LONGEST_NUMBER = 19


class DeadLetter(NamedTuple):
    """A message that could not be used. `number`: its offset among the dead letters; `ts_ms`: when it was refused;
    `topic`, `partition`, `offset`: where the original stood; `length`, `sha256`: of the whole; `key`, `value`: what is
    kept of it."""

    number: int
    ts_ms: int
    topic: str
    partition: int
    offset: int
    length: int
    sha256: str
    reason: str
    error: str
    key: bytes | None
    value: bytes

    @property
    def is_whole(self) -> bool:
        """Whether its value is all of the original's."""
        return len(self.value) == self.length and sha256(self.value).hexdigest() == self.sha256


@dataclass(frozen=True, slots=True)
class DeadLetterQuery:
    """Which dead letters are meant: those that fit all that is given. `topic`: the original's."""

    numbers: frozenset[int] = frozenset()
    topic: str | None = None
    reason: str | None = None
    since_ms: int | None = None

    def __bool__(self) -> bool:
        """Whether anything is given: not everything is meant by mistake."""
        return self != DeadLetterQuery()

    def fits(self, letter: DeadLetter) -> bool:
        """Whether a dead letter is one of them."""
        return (
            (not self.numbers or letter.number in self.numbers)
            and self.topic in (None, letter.topic)
            and self.reason in (None, letter.reason)
            and (self.since_ms is None or letter.ts_ms >= self.since_ms)
        )


def read_dead_letters(settings: Settings, query: DeadLetterQuery) -> Iterator[DeadLetter]:
    """Those that are still on their topic, in their order. Raises TopicError."""
    foreign, topic = 0, settings.topics.dead_letters
    for record in read_all(settings, topic):
        letter = read_dead_letter(record)
        if letter is None:
            foreign += 1
        elif query.fits(letter):
            yield letter
    if foreign:
        _log.warning("messages that are no dead letters are passed over", topic=topic, messages=foreign)


def read_dead_letter(record: Any) -> DeadLetter | None:
    """What `messages.dead_letter` wrote; None for anything else."""
    headers = {name: (value or b"").decode("utf-8", "replace") for name, value in record.headers or ()}
    partition, offset, length = (_number(headers.get(name, "")) for name in ("partition", "offset", "length"))
    names = ("topic", "sha256", "reason", "error")
    if partition is None or offset is None or length is None or not all(name in headers for name in names):
        return None
    return DeadLetter(
        number=record.offset,
        ts_ms=record.timestamp,
        topic=headers["topic"],
        partition=partition,
        offset=offset,
        length=length,
        sha256=headers["sha256"],
        reason=headers["reason"],
        error=headers["error"],
        key=record.key,
        value=record.value or b"",
    )


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER else None


def obstacle(settings: Settings, letter: DeadLetter, is_named: bool) -> str | None:
    """Why a dead letter is not sent again; None: it can be. `is_named`: somebody means this one, by its number."""
    place = f"{letter.topic}, partition {letter.partition}, offset {letter.offset}"
    if letter.topic not in (settings.topics.raw_events, settings.topics.events, settings.topics.labels):
        return f"it was on {letter.topic}, where workers and commands write: run the command again"
    if not letter.length:
        return "nothing of it is kept"
    if not letter.is_whole:
        return f"it has {len(letter.value)} of {letter.length} bytes: copy the original, at {place}"
    if letter.key is not None and len(letter.key) >= MAX_DEAD_LETTER_KEY_BYTES:
        return f"its key may be cut: copy the original, at {place}"
    if letter.topic == settings.topics.labels and settings.security.publisher is not None and not is_named:
        return "it would be signed in your name, and anybody may have written it: read it, and give its ID"
    return None


def send_again(settings: Settings, letters: Iterable[DeadLetter]) -> None:
    """Publish originals to where they stood, labels under the signature of whoever sends them. They arrive at the time
    at which they were refused, so that windows count them there. Raises PublishError."""
    with sending(settings, "label", "not all of it could be sent; send it again, no event counts twice") as messages:
        for letter in letters:
            topic, key = letter.topic, letter.key
            known = key is None and letter.partition in messages.client.partitions_for(topic)
            messages.send(
                topic, key, letter.value, letter.partition if known else None, timestamp_ms=letter.ts_ms,
                is_signed=topic == settings.topics.labels,
            )  # fmt: skip


def numbers_through(settings: Settings, last: int) -> list[int]:
    """The offsets of what is on the topic, up to this one. Raises TopicError."""
    return [record.offset for record in read_all(settings, settings.topics.dead_letters) if record.offset <= last]


def purge(settings: Settings, last: int) -> None:
    """Delete the dead letters up to this one, for good. Raises TopicError."""
    topic = settings.topics.dead_letters
    with admin(settings) as client:
        try:
            client.delete_records({TopicPartition(topic, _PARTITION): last + 1})
        except KafkaError as error:
            raise TopicError(f"the dead letters could not be deleted: {error}") from error
