"""What workers are told while they run: the rulebook in use, what is paused or promoted, entries of live lists.

It comes on the rulebooks topic. Where publishers are known, a message counts only if one who may has signed it, and
only once (`newest.py`). The rulebook, pauses and promotions that were verified last stay in force whatever becomes of
the topic (`verified.py`); entries of live lists are on the topic alone.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import structlog

from engine.core.domain.rules import Rulebook, changed_rules
from engine.errors import RulebookError
from engine.rulebook.compiler import load_rulebook, read_directory
from engine.settings import Settings
from engine.stream.control.lists import LiveEntries
from engine.stream.control.promotions import Promotions, held_back, note_promotion
from engine.stream.control.rulebooks import group_of, scope_of
from engine.stream.control.verified import Verified, VerifiedMessages
from engine.stream.handlers.messages import (
    ENTRY,
    PROMOTED,
    VERSION,
    Message,
    Pause,
    decode_rulebook,
    note_paused,
    paused_rule,
)
from engine.stream.handlers.metrics import Metrics
from engine.stream.kafka.newest import Newest
from engine.stream.kafka.publishers import Publishers, sequence_of
from engine.stream.kafka.signing import APP_ID, PUBLISHER, SEQUENCE, SIGNATURE, is_anothers

_log = structlog.stdlib.get_logger("floodgate")

_KEY_CHARS = 2_000
_MOST_RULES = 10_000
"""So many rules may be paused, and so many promoted, whether the rulebook has them or not."""


class ControlState:
    """Receives the messages of the rulebooks topic. `changed` is called when rules have to be decided by another
    rulebook; `before`: by rule, the rulebook that had it before it was changed last.
    """

    def __init__(
        self, settings: Settings, publishers: Publishers, metrics: Metrics, data_dir: Path, changed: Callable[[], None]
    ) -> None:
        self._topic, self._publishers, self._metrics = settings.topics.rulebooks, publishers, metrics
        self._app_id, self._changed = settings.app_id, changed
        self._own_rules = settings.candidate.rules
        pseudonyms = settings.pseudonyms()
        self._conceal = pseudonyms.of if pseudonyms is not None else None
        self.rulebook: Rulebook | None = None
        self.before: Mapping[str, Rulebook] = {}
        self._paused: dict[str, Pause] = {}
        self._promotions: Promotions = {}
        self._entries = LiveEntries()
        self._verified = VerifiedMessages(data_dir / "verified.msgpack")
        self._newest = Newest()
        self._displaced: dict[bytes, Verified] = {}
        self.caught_up = False

    @property
    def rulebook_id(self) -> str | None:
        """Of the rulebook in use."""
        return self.rulebook.id if self.rulebook is not None else None

    def in_force(self) -> Rulebook | None:
        """The rulebook in use, with what is paused, and as far as rules have been promoted."""
        return held_back(self.rulebook, self._promotions).pausing(self._paused) if self.rulebook is not None else None

    async def remember(self) -> None:
        """Use what was verified before this worker started, before the topic is read; and what a candidate has of its
        own. Raises RulebookError."""
        if self._own_rules:
            await self._use_sources(read_directory(Path(self._own_rules)), "its candidate")
        if self._publishers.are_known:
            for group, message in self._verified:
                scope = scope_of(message.key)
                if not self._publishers.may_still(message, scope):
                    self._refuse("what was verified last is no longer from one who may publish it", group=group)
                    self._verified.drop(group)
                    continue
                if not self._publishers.is_still_signed(message, scope):  # a key was changed: nothing stops for that
                    _log.warning(
                        "what is in force is signed with a key that is not listed: publish it again", group=group
                    )
                self._newest.remember(group, message.sequences, message.offset)
                await self._use(group, message.value)

    def accept(self, record: Any) -> bool:
        """Whether a record may change anything: it is signed by one who may, and newer than what that one has signed
        before it."""
        if is_anothers(record, self._app_id):
            self._refuse("it is for another application: two environments share a topic", offset=record.offset)
            return False
        origin = self._publishers.accept(record, scope_of(record.key))
        if not self._publishers.are_known:
            return True
        if origin is None or origin.name is None:
            self._refuse("nobody who may has published it", offset=record.offset)
            self.note_displaced(record)
            return False
        if self._is_put_back(record):
            self._displaced.pop(record.key, None)
            return False
        group = group_of(record.key.decode("utf-8", "replace"))
        if not self.caught_up and self._newest.is_overtaken(group, origin.name, record.offset):
            _log.warning("a message stands before the one in force and is not used", group=group, offset=record.offset)
            return False
        if not self._newest.note(group, origin.name, sequence_of(record), record.offset):
            if self.caught_up:  # else it is what this worker has verified before
                self._refuse("it was published before", offset=record.offset)
            return False
        return True

    async def receive(self, key: str, record: Any) -> bool:
        """Use an accepted record; False when it is refused, and everything stays as it was."""
        if not await self._use(key, record.value):
            return False
        if self._publishers.are_known:
            sequences = self._newest.use(group_of(key), record.offset)
            # Entries live on the topic alone; but one that was removed does not come back when somebody repeats it.
            if not key.startswith(ENTRY) or record.value == b"null":
                await self._keep(group_of(key), record, sequences)
        return True

    async def _use(self, key: str, message: bytes) -> bool:
        rule = paused_rule(key)
        try:
            if len(key) > _KEY_CHARS:
                raise RulebookError(f"its key has more than {_KEY_CHARS:,} characters", 1)
            if key.startswith(VERSION):
                return bool(self._own_rules) or await self._use_rulebook(message)
            if rule is not None:
                _has_room(self._paused, rule)
                note_paused(self._paused, rule, message)
                self._metrics.paused.set(len(self._paused))
                _log.warning("paused rules", rules=sorted(self._paused))
            elif key.startswith(PROMOTED):
                _has_room(self._promotions, key.removeprefix(PROMOTED))
                note_promotion(self._promotions, key, message)
            elif key.startswith(ENTRY):
                self._entries.receive(key, message)
                return True
            else:
                return False
        except RulebookError as error:
            self._refuse(str(error), key=key)
            return False
        self._changed()
        return True

    def note_displaced(self, record: Any) -> None:
        """Nobody who may has published this, or taken away what stood here: compaction keeps it in the place of what is
        in force, which a worker that has verified nothing yet would not find."""
        known = self._verified.get(group_of(record.key.decode("utf-8", "replace")))
        if known is not None and known.key == record.key and record.offset > known.offset:
            self._displaced[record.key] = known

    def put_back(self) -> list[Message]:
        """What has been displaced since the last call, as it was signed, to be published once more."""
        displaced, self._displaced = list(self._displaced.values()), {}
        return [
            Message(topic=self._topic, key=message.key, value=message.value, headers=list(message.headers), partition=0)
            for message in displaced
        ]

    def _is_put_back(self, record: Any) -> bool:
        """Whether a worker has published once more what is in force."""
        known = self._verified.get(group_of(record.key.decode("utf-8", "replace")))
        return (
            known is not None
            and (known.key, known.value) == (record.key, record.value)
            and dict(known.headers).get(SIGNATURE) == dict(record.headers or ()).get(SIGNATURE)
            and record.offset > known.offset
        )

    def expire(self) -> None:
        """Let go of entries of live lists that are over, and count the others."""
        self._entries.expire()
        for name, count in self._entries.counts().items():
            self._metrics.entries.labels(name).set(count)

    async def _use_rulebook(self, message: bytes) -> bool:
        try:
            document = decode_rulebook(message)
            await self._use_sources(document["sources"], document.get("author"))
        except (RulebookError, RecursionError, MemoryError) as error:
            self._refuse(f"the rulebook in use stays: {error}")
            return False
        return True

    async def _use_sources(self, sources: Mapping[str, str], author: object) -> None:
        started = time.perf_counter()
        # Compiling holds the interpreter, not the event loop: heartbeats go on.
        loading = partial(load_rulebook, sources, self._conceal)
        rulebook = await asyncio.get_running_loop().run_in_executor(None, loading)
        if self.rulebook is not None:
            self._metrics.rulebook.remove(self.rulebook.id)
            self.before = changed_rules(self.rulebook, rulebook, self.before)
        self.rulebook = rulebook
        self._entries.show_in(rulebook, *self.before.values())
        self._metrics.rulebook.labels(rulebook.id).set(1)
        self._metrics.expect(rulebook)
        self._changed()
        _log.info(
            "rulebook in use", rulebook=rulebook.id, rules=len(rulebook.rules), author=author,
            compiled_ms=round((time.perf_counter() - started) * 1000),
        )  # fmt: skip

    async def _keep(self, group: str, record: Any, sequences: dict[str, int]) -> None:
        """Keep a record on disk. Writing holds neither the interpreter nor the event loop, and one follows another."""
        headers = dict(record.headers or ())
        signed = tuple((name, headers[name]) for name in (APP_ID, PUBLISHER, SEQUENCE, SIGNATURE) if name in headers)
        message = Verified(
            topic=record.topic,
            key=record.key,
            value=record.value,
            headers=signed,
            sequences=sequences,
            offset=record.offset,
        )
        try:
            await asyncio.get_running_loop().run_in_executor(None, self._verified.put, group, message)
        except OSError as error:  # it is in force all the same, until this worker starts again
            _log.error("what was verified cannot be kept on disk", group=group, error=str(error))

    def _refuse(self, why: str, **where: Any) -> None:
        self._metrics.count_refused(self._topic, is_starting=not self.caught_up)
        _log.error("a message on the rulebooks topic was refused", why=why, **where)


def _has_room(known: Mapping[str, Any], rule: str) -> None:
    if rule not in known and len(known) >= _MOST_RULES:
        raise RulebookError(f"there are {_MOST_RULES:,} rules of which this is said already", 1)
