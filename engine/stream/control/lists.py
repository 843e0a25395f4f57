"""Live lists: entries that people add to a list while its rules are in use, each for a while or for good.

They travel on the rulebooks topic, a key for each entry. Every worker has them; a rulebook's list of that name shows
them from the next batch on.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Annotated

import msgspec

from engine.core.domain.events import LATEST_MS
from engine.core.domain.rules import Rulebook
from engine.core.values.lists import LiveList
from engine.errors import RulebookError
from engine.settings import Settings
from engine.stream.control.rulebooks import accepted
from engine.stream.handlers.messages import ENTRY, NoteText
from engine.stream.kafka.records import sending

MAX_ENTRIES = 200_000
"""Of all lists together."""

_MOST_IN_MEMORY = 2 * MAX_ENTRIES
_CLEARED_AFTER_MS = 3_600_000
_REMOVED = b"null"
_Time = Annotated[int, msgspec.Meta(ge=0, le=LATEST_MS)]


class Entry(msgspec.Struct, frozen=True):
    """Who has added an entry, when and why. `until_ms`: when it is over; None: never."""

    author: NoteText
    note: NoteText
    ts: _Time
    until_ms: _Time | None = None


class LiveEntries:
    """The entries that hold now."""

    def __init__(self) -> None:
        self._entries: dict[str, dict[str, Entry]] = {}
        self._rulebooks: tuple[Rulebook, ...] = ()

    def receive(self, key: str, value: bytes) -> None:
        """A message of the topic: an entry, or with null that it is removed. Raises RulebookError."""
        name, entry = split_key(key)
        addition = _decode(value)
        if addition is None or _is_over(addition):
            self._drop(name, entry)
            return
        known = self._entries.setdefault(name, {})
        if entry not in known and len(self) >= _MOST_IN_MEMORY:
            raise RulebookError(f"there are {_MOST_IN_MEMORY:,} entries in live lists already", 1)
        known[entry] = addition
        for members in self._shown(name):
            members.put(entry)

    def show_in(self, *rulebooks: Rulebook) -> None:
        """Let the lists of these rulebooks, and of no others, have what is known from now on."""
        self._rulebooks = rulebooks
        for name in {name for rulebook in rulebooks for name in rulebook.live}:
            for members in self._shown(name):
                members.replace(self._entries.get(name, ()))

    def expire(self) -> None:
        """Let go of what is over."""
        for name, known in self._entries.items():
            for entry in [entry for entry, addition in known.items() if _is_over(addition)]:
                self._drop(name, entry)

    def counts(self) -> dict[str, int]:
        """How many entries each list has beside those of the rulebook."""
        return {name: len(known) for name, known in self._entries.items()}

    def __len__(self) -> int:
        return sum(map(len, self._entries.values()))

    def _drop(self, name: str, entry: str) -> None:
        self._entries.get(name, {}).pop(entry, None)
        for members in self._shown(name):
            members.drop(entry)

    def _shown(self, name: str) -> Iterator[LiveList]:
        return (rulebook.live[name] for rulebook in self._rulebooks if name in rulebook.live)


def read_entries(settings: Settings) -> dict[str, dict[str, Entry]]:
    """The entries of all lists, also those that are over, as long as the topic has them. Raises TopicError."""
    lists: dict[str, dict[str, Entry]] = {}
    for record in accepted(settings):
        key = record.key.decode("utf-8", "replace")
        if not key.startswith(ENTRY):
            continue
        name, entry = split_key(key)
        lists.setdefault(name, {}).pop(entry, None)
        with suppress(RulebookError):  # the workers refuse it too
            addition = _decode(record.value or b"null")
            if addition is not None:
                lists[name][entry] = addition
    return {name: entries for name, entries in lists.items() if entries}


def read_removals(settings: Settings) -> dict[tuple[str, str], int]:
    """By list and entry, when those that are removed were, in epoch ms, as long as the topic tells. Raises
    TopicError."""
    removed: dict[tuple[str, str], int] = {}
    for record in accepted(settings):
        key = record.key.decode("utf-8", "replace")
        if key.startswith(ENTRY):
            removed.pop(split_key(key), None)
            if record.value in (None, _REMOVED):
                removed[split_key(key)] = record.timestamp
    return removed


def show_in(settings: Settings, rulebook: Rulebook) -> None:
    """Let the lists of a rulebook have what holds now. Raises TopicError."""
    if rulebook.live:
        known = read_entries(settings)
        for name, members in rulebook.live.items():
            members.replace(entry for entry, addition in known.get(name, {}).items() if not _is_over(addition))


def publish_entries(settings: Settings, name: str, entries: Mapping[str, Entry | None]) -> None:
    """Add entries to a list; None removes one. What has long been over is cleared away. Raises PublishError,
    TopicError; RulebookError where there are too many, or the workers would not read one."""
    stale = _stale(settings)
    known = {
        _key(list_name, entry) for list_name, additions in read_entries(settings).items() for entry in additions
    } - stale
    added = {_key(name, entry) for entry, addition in entries.items() if addition is not None} - known
    if added and len(known) + len(added) > MAX_ENTRIES:
        raise RulebookError(f"live lists hold at most {MAX_ENTRIES:,} entries together; remove some", 1)
    messages = {_key(name, entry): msgspec.json.encode(addition) for entry, addition in entries.items()}
    for message in messages.values():
        _decode(message)
    with sending(settings, "lists", "not all of it could be published; run it again") as sent:
        for key, value in [*((key, None) for key in stale - messages.keys()), *messages.items()]:
            sent.send(settings.topics.rulebooks, key, value, 0)


def split_key(key: str) -> tuple[str, str]:
    """List and entry."""
    name, _, entry = key.removeprefix(ENTRY).partition("/")
    return name, entry


def _key(name: str, entry: str) -> bytes:
    return f"{ENTRY}{name}/{entry}".encode()


def _stale(settings: Settings) -> set[bytes]:
    """The keys of what has been over or removed for so long that no worker's clock can see it otherwise."""
    before_ms, stale = int(time.time() * 1_000) - _CLEARED_AFTER_MS, set()
    for record in accepted(settings):
        if record.key.startswith(ENTRY.encode()):
            stale.discard(record.key)
            with suppress(RulebookError):
                addition = _decode(record.value) if record.value else None
                removed = record.value is not None and addition is None and record.timestamp <= before_ms
                if removed or (addition is not None and _is_over(addition, before_ms)):
                    stale.add(record.key)
    return stale


def _decode(value: bytes) -> Entry | None:
    try:
        return msgspec.json.decode(value, type=Entry | None)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:  # the second: a text that is not UTF-8
        raise RulebookError(f"this is no entry of a list: {error}", 1) from error


def _is_over(addition: Entry, now_ms: float | None = None) -> bool:
    return addition.until_ms is not None and addition.until_ms <= (time.time() * 1_000 if now_ms is None else now_ms)
