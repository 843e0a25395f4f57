"""Events of producers' documents: our names beside theirs."""

from dataclasses import replace
from typing import Any

from engine.core.domain.events import EARLIEST_MS, LATEST_MS
from engine.errors import EventError
from engine.intake.formats import Document, Read, encode_event, reader_of
from engine.intake.registry import Registry, Schemas
from engine.intake_settings import SourceSettings
from engine.settings import Settings
from engine.stream.handlers.messages import decode_event

_CLOUDEVENT = {"event_id": "id", "type": "type", "user_id": "subject", "ts": "time"}
"""Where CloudEvents have what each event has."""

_MORE_BYTES = 4
"""A text that is cut here is so much longer than those that workers cut: they cut it too, and note that."""


class EventMaker:
    """Makes events of one source. Raises SettingsError when it is made."""

    def __init__(self, settings: Settings, source: SourceSettings, registry: Registry) -> None:
        self._source, self._limits = source, settings.events
        self._mapping = settings.events.mapping()
        self._cutting = replace(self._mapping, max_field_bytes=self._mapping.max_field_bytes + _MORE_BYTES)
        self._read: Read = reader_of(source, Schemas(registry), self._limits.max_message_bytes)
        is_cloudevent = source.format == "cloudevents"
        paths = {**(_CLOUDEVENT if is_cloudevent else {}), **source.fields}
        self._paths = [(name, tuple(path.split("."))) for name, path in paths.items()]
        self._opens_data = is_cloudevent

    async def make(self, record: Any) -> tuple[bytes, bytes]:
        """The key and the value of the event that a record brings. Raises EventError with a stable reason where it
        brings none, and AwayError where it is time to stop."""
        value = record.value
        if not value:
            raise EventError("empty", "the message has no value")
        if len(value) > self._limits.max_message_bytes:
            raise EventError("too_large", f"the message has {len(value)} bytes, more than `events.max_message_bytes`")
        document = self._named(await self._read(record))
        encoded = encode_event(document)
        if len(encoded) > self._limits.max_message_bytes:  # a text may stand there twice, and each sign be six bytes
            self._cutting.cut(document)
            encoded = encode_event(document)
        arrived_ms = record.timestamp if EARLIEST_MS <= record.timestamp <= LATEST_MS else None
        event = decode_event(encoded, self._mapping, self._limits.max_message_bytes, arrived_ms)
        return event.user_id.encode(), encoded

    def _named(self, document: Document) -> Document:
        event = dict(document)
        data = event.pop("data", None) if self._opens_data else None
        if isinstance(data, dict):
            event = {**event, **data}
        for name, path in self._paths:
            value = _at(document, path)
            event.pop(name, None)  # else who writes a message could say what settings say otherwise
            if value is not None:
                event[name] = str(value) if name in self._source.as_string and type(value) is int else value
        if self._source.type:
            event["type"] = self._source.type
        elif isinstance(event.get("type"), str):
            event["type"] = self._source.types.get(event["type"], event["type"])
        return event


def _at(document: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        document = document.get(name) if isinstance(document, dict) else None
    return document
