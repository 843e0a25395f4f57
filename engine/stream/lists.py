"""Live lists: entries that people add to a list while its rules are in use, each for a while or for good.

They travel on the rulebooks topic, a key for each entry. Every worker has them; a rulebook's list of that name shows
them from the next batch on.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import suppress

import msgspec
from kafka.errors import KafkaError

from engine.core.rules import Rulebook
from engine.errors import PublishError, RulebookError
from engine.settings import Settings
from engine.stream.clients import producer
from engine.stream.rulebooks import accepted
from engine.stream.signing import Signer

ENTRY = "list/"
"""What the keys of entries begin with: list/, the list's name, /, the entry."""

MAX_ENTRIES = 200_000
"""In memory, of all lists together."""


class Entry(msgspec.Struct, frozen=True):
    """Who has added an entry, when and why. `until_ms`: when it is over; None: never."""

    author: str
    note: str
    ts: int
    until_ms: int | None = None


class LiveEntries:
    """The entries that hold now."""

    def __init__(self) -> None:
        self._entries: dict[str, dict[str, Entry]] = {}
        self._rulebook: Rulebook | None = None

    def receive(self, key: str, value: bytes) -> None:
        """A message of the topic: an entry, or with null that it is removed. Raises RulebookError."""
        name, entry = split_key(key)
        try:
            said = msgspec.json.decode(value, type=Entry | None)
        except (msgspec.MsgspecError, ValueError) as error:  # the latter: a text that is not UTF-8
            raise RulebookError(f"this is no entry of a list: {error}", 1) from error
        if said is None or _is_over(said):
            self._drop(name, entry)
            return
        known = self._entries.setdefault(name, {})
        if entry not in known and len(self) >= MAX_ENTRIES:
            raise RulebookError(f"there are {MAX_ENTRIES:,} entries in live lists already", 1)
        known[entry] = said
        if self._rulebook is not None and name in self._rulebook.live:
            self._rulebook.live[name].put(entry)

    def show_in(self, rulebook: Rulebook) -> None:
        """Let the lists of a rulebook have what is known, from now on."""
        self._rulebook = rulebook
        for name, members in rulebook.live.items():
            members.replace(self._entries.get(name, ()))

    def expire(self) -> None:
        """Let go of what is over."""
        for name, known in self._entries.items():
            for entry in [entry for entry, said in known.items() if _is_over(said)]:
                self._drop(name, entry)

    def counts(self) -> dict[str, int]:
        """How many entries each list has beside those of the rulebook."""
        return {name: len(known) for name, known in self._entries.items()}

    def __len__(self) -> int:
        return sum(map(len, self._entries.values()))

    def _drop(self, name: str, entry: str) -> None:
        self._entries.get(name, {}).pop(entry, None)
        if self._rulebook is not None and name in self._rulebook.live:
            self._rulebook.live[name].drop(entry)


def read_entries(settings: Settings) -> dict[str, dict[str, Entry]]:
    """The entries of all lists, also those that are over, as long as the topic has them. Raises TopicError."""
    found: dict[str, dict[str, Entry]] = {}
    for record in accepted(settings):
        key = record.key.decode("utf-8", "replace")
        if not key.startswith(ENTRY):
            continue
        name, entry = split_key(key)
        found.setdefault(name, {}).pop(entry, None)
        with suppress(msgspec.MsgspecError, ValueError):  # the workers refuse it too
            said = msgspec.json.decode(record.value or b"null", type=Entry | None)
            if said is not None:
                found[name][entry] = said
    return found


def show_in(settings: Settings, rulebook: Rulebook) -> None:
    """Let the lists of a rulebook have what holds now. Raises TopicError."""
    if rulebook.live:
        known = read_entries(settings)
        for name, members in rulebook.live.items():
            members.replace(entry for entry, said in known.get(name, {}).items() if not _is_over(said))


def publish_entries(settings: Settings, name: str, entries: Mapping[str, Entry | None]) -> None:
    """Add entries to a list; None removes one. What is over is cleared away. Raises PublishError, TopicError."""
    topic, signer, client, sent = settings.topics.rulebooks, Signer(settings), producer(settings, linger_ms=5), []
    messages = [(_key(name, entry), msgspec.json.encode(said)) for entry, said in entries.items()]
    try:
        for key, value in [*messages, *((key, None) for key in _over(settings))]:
            sent.append(client.send(topic, value, key, headers=signer.headers(topic, key, value), partition=0))
        client.flush()
        for one in sent:
            one.get(timeout=30)
    except KafkaError as error:
        raise PublishError(f"not all of it could be published: {error!r}; run it again") from error
    finally:
        client.close()


def split_key(key: str) -> tuple[str, str]:
    """List and entry."""
    name, _, entry = key.removeprefix(ENTRY).partition("/")
    return name, entry


def _key(name: str, entry: str) -> bytes:
    return f"{ENTRY}{name}/{entry}".encode()


def _over(settings: Settings) -> Iterator[bytes]:
    for name, known in read_entries(settings).items():
        yield from (_key(name, entry) for entry, said in known.items() if _is_over(said))


def _is_over(said: Entry) -> bool:
    return said.until_ms is not None and said.until_ms <= time.time() * 1_000
