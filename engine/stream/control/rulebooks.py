"""The rulebooks topic: every version that was pushed, under a key of its own, and the rules that are paused.

The newest version that passes its check is in force. One that does not, whoever has published it, takes no other's
place, so a worker that starts anew finds the last good one.
"""

import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import msgspec

from engine.core.domain.rules import Rulebook
from engine.errors import RulebookError, TopicError
from engine.rulebook.compiler import load_rulebook
from engine.settings import Settings
from engine.stream.handlers.messages import (
    ENTRY,
    PAUSED,
    PROMOTED,
    VERSION,
    Pause,
    decode_paused,
    decode_rulebook,
    encode_rulebook,
    note_paused,
    paused_rule,
)
from engine.stream.kafka.newest import Newest
from engine.stream.kafka.publishers import Publishers, Scope, sequence_of
from engine.stream.kafka.records import read_all, send_one
from engine.stream.kafka.signing import APP_ID, PUBLISHER

MAX_VERSIONS = 500
"""Of more, the oldest are deleted at a push."""


_BY = "by"
"""The header that tells who has resumed a rule."""


@dataclass(frozen=True, slots=True)
class Version:
    """A rulebook that was pushed. `number`: its offset on the topic; `id`: the rulebook's, by its content."""

    number: int
    key: bytes
    id: str
    author: str
    note: str
    ts_ms: int
    sources: dict[str, str]


def publish_rulebook(settings: Settings, rulebook: Rulebook, author: str, note: str, at_ms: int | None = None) -> int:
    """Publish a checked rulebook; returns its version's number. `at_ms`: when it was pushed, if not now: pushed at the
    same time once more it is the same version. Raises PublishError, TopicError."""
    raise_if_anothers(settings, read_all(settings, settings.topics.rulebooks))
    topic, ts_ms = settings.topics.rulebooks, at_ms or int(time.time() * 1000)
    message = encode_rulebook(dict(rulebook.sources), rulebook.id, author, note, ts_ms)
    number = send_one(settings, topic, f"{VERSION}{ts_ms}-{rulebook.id}".encode(), message, "the rulebook", "rules")
    for old in read_versions(settings)[:-MAX_VERSIONS]:
        send_one(settings, topic, old.key, None, "that an old rulebook is deleted", "rules")
    return number


@dataclass(frozen=True, slots=True)
class Refused:
    """A version on the topic that no worker uses. `number`, `author` as of a `Version`."""

    number: int
    author: str
    why: str

    def __str__(self) -> str:
        return f"version {self.number} of the rulebook, by {self.author or 'someone'}, is used by no worker: {self.why}"


def read_versions(settings: Settings) -> list[Version]:
    """All versions that can be read, and come from those who may publish, oldest first. Raises TopicError."""
    versions: dict[bytes, Version] = {}
    for record in accepted(settings):
        if not record.key.startswith(VERSION.encode()):
            continue
        versions.pop(record.key, None)
        try:
            versions[record.key] = read_version(record)
        except RulebookError:
            continue
    return sorted(versions.values(), key=lambda version: version.number)


def read_in_use(settings: Settings) -> tuple[Version, Rulebook] | None:
    """The newest version that passes its check, as workers of this version of the engine use it, and its rulebook.
    Raises TopicError."""
    for version in reversed(read_versions(settings)):
        try:
            return version, load_rulebook(version.sources)
        except RulebookError:
            continue
    return None


def read_refused(settings: Settings, newest: int = 20) -> list[Refused]:
    """Which of the newest versions on the topic no worker uses, oldest first. Raises TopicError."""
    taken = list(accepted(settings))
    offsets, repeats = {record.offset for record in taken}, {(record.key, record.value) for record in taken}
    refused = []
    for record in list(_versions_on(settings))[-newest:]:
        why = None
        if record.offset in offsets:
            why = _why_useless(record)
        elif (record.key, record.value) not in repeats:  # what workers have put back is in force
            why = "nobody who may has published it, or it was published before"
        if why is not None:
            refused.append(Refused(record.offset, _author_said(record), why))
    return refused


def find_version(versions: list[Version], name: str) -> Version:
    """The version of this number, or the newest with this rulebook id or its beginning. Raises TopicError."""
    for version in reversed(versions):
        if name == str(version.number) or (len(name) >= 4 and version.id.startswith(name)):
            return version
    raise TopicError(f"there is no version {name!r}; `floodgate rules history` lists them")


def read_paused(settings: Settings) -> dict[str, Pause]:
    """The rules that are paused. Raises TopicError."""
    paused: dict[str, Pause] = {}
    for record in accepted(settings):
        rule = paused_rule(record.key.decode("utf-8", "replace"))
        if rule is not None and record.value:
            with suppress(RulebookError):  # the workers refuse it too
                note_paused(paused, rule, record.value)
                if rule in paused:
                    paused[rule] = msgspec.structs.replace(paused[rule], author=author_of(record, paused[rule].author))
    return paused


@dataclass(frozen=True, slots=True)
class Stop:
    """A rule was paused, or resumed. `number`: its offset on the topic; `by`: who has done it, when and why."""

    number: int
    rule: str
    is_resumed: bool
    by: Pause


def read_stops(settings: Settings) -> list[Stop]:
    """The rules that were paused and resumed, oldest first: of each rule at least the last time, the topic may have
    given up those before. Raises TopicError."""
    stops = []
    for record in accepted(settings):
        rule = paused_rule(record.key.decode("utf-8", "replace"))
        if rule is not None and record.value:
            with suppress(RulebookError):
                pause = decode_paused(record.value)
                by = pause or _beside(record)
                by = msgspec.structs.replace(by, author=author_of(record, by.author))
                stops.append(Stop(record.offset, rule, pause is None, by))
    return stops


def publish_paused(settings: Settings, rule: str, pause: Pause) -> None:
    """Tell every worker that a rule does nothing for now. Raises PublishError; RulebookError where the workers would
    not read it."""
    key, message, title = f"{PAUSED}{rule}".encode(), msgspec.json.encode(pause), "what is paused"
    decode_paused(message)
    send_one(settings, settings.topics.rulebooks, key, message, title, scope_of(key))


def publish_resumed(settings: Settings, rule: str, by: Pause) -> None:
    """Tell every worker that a rule does again what its rulebook says. Raises PublishError; RulebookError where it says
    too much."""
    key, title = f"{PAUSED}{rule}".encode(), "that it is resumed"
    encoded = msgspec.json.encode(by)
    decode_paused(encoded)
    send_one(settings, settings.topics.rulebooks, key, b"null", title, scope_of(key), [(_BY, encoded)])


def raise_if_anothers(settings: Settings, records: Iterable[Any]) -> None:
    """Raise TopicError where all that is on the topic is for another application: this one would decide by its rules,
    and its own would be refused there."""
    owners = {dict(record.headers or ()).get(APP_ID) for record in records}
    if owners and None not in owners and settings.app_id.encode() not in owners:
        named = ", ".join(sorted(repr(owner.decode("utf-8", "replace")) for owner in owners if owner is not None))
        raise TopicError(
            f"the topic {settings.topics.rulebooks} belongs to {named}, and `app_id` is {settings.app_id!r}: set "
            "`environment`, which gives topics and groups names of their own"
        )


def accepted(settings: Settings) -> Iterator[Any]:
    """What is on the topic, comes from those who may publish, and is newer than what the same one has published there
    in its place. Raises TopicError."""
    publishers, newest = Publishers(settings), Newest()
    records = list(read_all(settings, settings.topics.rulebooks))
    if not publishers.are_known:  # else a signature tells, and nobody can forge one
        raise_if_anothers(settings, records)
    for record in records:
        origin = publishers.accept(record, scope_of(record.key)) if record.key is not None else None
        if origin is None:
            continue
        group = group_of(record.key.decode("utf-8", "replace"))
        if origin.name is None or newest.note(group, origin.name, sequence_of(record), record.offset):
            yield record


def group_of(key: str) -> str:
    """Messages of one group take each other's places: all versions of the rulebook, and what has the same key."""
    return VERSION if key.startswith(VERSION) else key


def author_of(record: Any, claimed: str) -> str:
    """Who has published an accepted record: the signer, where it is signed, whatever it says itself."""
    signer = dict(record.headers or ()).get(PUBLISHER)
    return signer.decode("utf-8", "replace") if signer is not None else claimed


def scope_of(key: bytes) -> Scope:
    """What one must be allowed to do to publish under a key of the topic."""
    text = key.decode("utf-8", "replace")
    if text.startswith((PAUSED, PROMOTED)):
        return "pause"
    return "lists" if text.startswith(ENTRY) else "rules"


def _beside(record: Any) -> Pause:
    """Who has resumed a rule: workers read of that nothing but that it is over, so it stands beside the message."""
    pause = dict(record.headers or ()).get(_BY)
    return (decode_paused(pause) if pause is not None else None) or Pause("", "", record.timestamp or 0)


def _versions_on(settings: Settings) -> Iterator[Any]:
    for record in read_all(settings, settings.topics.rulebooks):
        if record.value and (record.key or b"").startswith(VERSION.encode()):
            yield record


def _why_useless(record: Any) -> str | None:
    try:
        load_rulebook(decode_rulebook(record.value)["sources"])
    except RulebookError as error:
        return f"it fails its check: {str(error).strip().splitlines()[0]}"
    return None


def _author_said(record: Any) -> str:
    try:
        return read_version(record).author
    except RulebookError:
        return author_of(record, "")


def read_version(record: Any) -> Version:
    """The version in an accepted record. Raises RulebookError."""
    document = decode_rulebook(record.value or b"")
    number = document.get("ts")
    return Version(
        number=record.offset,
        key=record.key,
        id=str(document.get("id")),
        author=author_of(record, str(document.get("author") or "")),
        note=str(document.get("note") or ""),
        ts_ms=number if isinstance(number, int) else 0,
        sources=document["sources"],
    )
