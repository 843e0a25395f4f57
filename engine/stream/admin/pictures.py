"""Who has posted a picture or a video lately: events that are still on their topic, by the hashes of their pictures and
of their videos' frames."""

from collections.abc import Callable
from typing import Any

import msgspec

from engine.core.values.banks import Bank
from engine.errors import EventError
from engine.keys.images import image_hashes
from engine.keys.videos import is_known_video, video_hashes
from engine.settings import Settings
from engine.stream.handlers.events import arrival_of
from engine.stream.handlers.messages import decode_event
from engine.stream.kafka.records import read_since

_PARTS = (b'"hashes"', b'"video_hashes"')
"""What events have whose pictures have been looked at, and those with a video."""


class Posted(msgspec.Struct, frozen=True):
    """An event with a picture that is near to an entry, or a video whose frames are, and in how many bits it differs
    from that."""

    ts: int
    user_id: str
    event_id: str
    type: str
    entry: str
    bits: int


def find_posted(settings: Settings, bank: Bank, since: Callable[[int], int]) -> list[Posted]:
    """The events that have arrived since then with a picture or a video of the bank, in the order of their arrival.
    Events count as they were recorded: pictures are not looked at again. `since`: made of the arrival of the newest.
    Raises TopicError."""

    def find(record: Any) -> bytes | None:
        posted = _posted(settings, bank, record) if any(part in (record.value or b"") for part in _PARTS) else None
        return msgspec.json.encode(posted) if posted is not None else None

    found = read_since(settings, settings.topics.events, since, value_of=find)
    return [msgspec.json.decode(one.value, type=Posted) for one in found]


def _posted(settings: Settings, bank: Bank, record: Any) -> Posted | None:
    try:
        limit = settings.events.max_message_bytes
        event = decode_event(record.value, settings.events.mapping(), limit, arrival_of(record))
    except EventError:
        return None  # among the dead letters
    frames = video_hashes(event.fields)
    asked = (*image_hashes(event.fields), *(frames if is_known_video(frames, bank) else ()))
    found = [match for one in asked if (match := bank.find(one)) is not None]
    if not found:
        return None
    nearest = min(found, key=lambda match: match.bits)
    return Posted(event.ts_ms, event.user_id, event.event_id, event.type, nearest.entry, nearest.bits)
