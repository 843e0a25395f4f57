"""Labels as they stand on their topic, for commands: from those who may give them, in the name of whoever has, and
without those of moderators who are quarantined."""

from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from typing import Any

import orjson

from engine.errors import LabelError
from engine.learning.labels import Example
from engine.settings import Settings
from engine.stream.admin.publishing import read_models
from engine.stream.handlers.label_messages import MODEL_COMMAND, decode_example, decode_label, translate_label
from engine.stream.kafka.publishers import Publishers, name_of, sequence_of
from engine.stream.kafka.records import read_all
from engine.stream.kafka.sealing import Seals


class LabelReader:
    """Reads records of the labels topic. What was signed once counts once. Raises SettingsError when it is made."""

    def __init__(self, settings: Settings) -> None:
        self._publishers, self._seen = Publishers(settings), set[tuple[str, int]]()
        self._mapping = settings.labels.mapping()

    def value_of(self, record: Any) -> bytes | None:
        """The label in a record, in our terms and with the moderator whose it is; None where nobody who may has given
        it, or it was there before."""
        value = self.said(record)
        if value is not None and self._publishers.are_known:
            identity = name_of(record), sequence_of(record)
            if identity in self._seen:
                return None
            self._seen.add(identity)
        return value

    def said(self, record: Any) -> bytes | None:
        """The same also of what was there before."""
        value: bytes | None = record.value
        origin = self._publishers.accept(record, "label") if value else None
        if value is None or origin is None:
            return None
        value = translate_label(value, self._mapping)
        return value if origin.speaks_for_others else _as_said_by(origin.name, value)


class GivenLabels:
    """The same without what does not count: labels of moderators who are quarantined. Raises SettingsError, TopicError
    when it is made."""

    def __init__(self, settings: Settings) -> None:
        self._reader, self._quarantined = LabelReader(settings), read_quarantined(settings)

    def value_of(self, record: Any) -> bytes | None:
        """As of a `LabelReader`; None also for what does not count."""
        value = self._reader.value_of(record)
        return value if value is not None and _counts(value, self._quarantined) else None


def read_examples(settings: Settings) -> Iterator[Example]:
    """What labels have become, in their order: also those that do not count any more. Raises TopicError."""
    seals = Seals(settings)
    for record in read_all(settings, settings.topics.examples):
        if record.key == MODEL_COMMAND or not seals.fits(record):
            continue
        with suppress(LabelError):  # the trainer refuses it too
            yield decode_example(record.value or b"", settings.partitions)


def counting(lines: Iterable[bytes], quarantined: Collection[str]) -> Iterator[bytes]:
    """Labels without those of these moderators; what is no label stays, to be told."""
    return (line for line in lines if _counts(line, quarantined))


def read_quarantined(settings: Settings) -> frozenset[str]:
    """The moderators whose labels do not count, as the models were published last. Raises TopicError."""
    return frozenset(name for model in read_models(settings).values() for name in model.quarantined)


def _counts(line: bytes, quarantined: Collection[str]) -> bool:
    if not quarantined:
        return True
    try:
        return decode_label(line).moderator not in quarantined
    except LabelError:
        return True


def _as_said_by(moderator: str | None, value: bytes) -> bytes:
    try:
        document = orjson.loads(value)
    except orjson.JSONDecodeError:
        return value
    return orjson.dumps({**document, "moderator": moderator}) if isinstance(document, dict) else value
