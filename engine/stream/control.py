"""What workers are told while they run: the rulebook in use, what is paused or promoted, entries of live lists.

It comes on the rulebooks topic. Where publishers are known, a message counts only if one who may has signed it, and
only once. The rulebook, pauses and promotions that were verified last stay in force whatever becomes of the topic
(`verified.py`); entries of live lists are on the topic alone.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import structlog

from engine.core.rules import Rulebook, changed_rules
from engine.errors import RulebookError
from engine.rulebook import load_rulebook
from engine.settings import Settings
from engine.stream.lists import LiveEntries
from engine.stream.messages import ENTRY, PROMOTED, VERSION, Pause, decode_rulebook, note_paused, paused_rule
from engine.stream.metrics import Metrics
from engine.stream.promotions import Promotions, held_back, note_promotion
from engine.stream.publishers import Publishers, sequence_of
from engine.stream.rulebooks import scope_of
from engine.stream.verified import VerifiedMessages

_log = structlog.stdlib.get_logger("floodgate")


class ControlState:
    """Receives the messages of the rulebooks topic. `changed` is called when rules have to be decided by another
    rulebook; `before`: by rule, the rulebook that had it before it was changed last.
    """

    def __init__(
        self, settings: Settings, publishers: Publishers, metrics: Metrics, data_dir: Path, changed: Callable[[], None]
    ) -> None:
        self._topic, self._publishers, self._metrics = settings.topics.rulebooks, publishers, metrics
        self._changed = changed
        pseudonyms = settings.pseudonyms()
        self._conceal = pseudonyms.of if pseudonyms is not None else None
        self.rulebook: Rulebook | None = None
        self.before: Mapping[str, Rulebook] = {}
        self._paused: dict[str, Pause] = {}
        self._promotions: Promotions = {}
        self._entries = LiveEntries()
        self._verified = VerifiedMessages(data_dir / "verified.msgpack")
        self._newest: dict[str, int] = {}  # of each group, the sequence number of the last message
        self.caught_up = False

    @property
    def rulebook_id(self) -> str | None:
        """Of the rulebook in use."""
        return self.rulebook.id if self.rulebook is not None else None

    def in_force(self) -> Rulebook | None:
        """The rulebook in use, with what is paused, and as far as rules have been promoted."""
        return held_back(self.rulebook, self._promotions).pausing(self._paused) if self.rulebook is not None else None

    async def remember(self) -> None:
        """Use what was verified before this worker started, before the topic is read."""
        if self._publishers.are_known:
            for group, message in self._verified:
                self._newest[group] = message.sequence
                await self.receive(group, message.value)

    def accept(self, record: Any) -> bool:
        """Whether a record may change anything: it is signed by one who may, and newer than what is in force."""
        if not self._publishers.are_known:
            return True
        if self._publishers.accept(record, scope_of(record.key)) is None:
            self._refuse("nobody who may has published it", offset=record.offset)
            return False
        group, sequence = group_of(record.key.decode("utf-8", "replace")), sequence_of(record)
        if sequence <= self._newest.get(group, 0):
            if self.caught_up:  # else it is what this worker has verified before
                self._refuse("it was published before", offset=record.offset)
            return False
        self._newest[group] = sequence
        return True

    async def receive(self, key: str, message: bytes) -> bool:
        """Use a message; False when it is refused, and everything stays as it was."""
        rule = paused_rule(key)
        try:
            if key.startswith(VERSION):
                return await self._receive_rulebook(message)
            if rule is not None:
                note_paused(self._paused, rule, message)
                self._metrics.paused.set(len(self._paused))
                _log.warning("paused rules", rules=sorted(self._paused))
            elif key.startswith(PROMOTED):
                note_promotion(self._promotions, key, message)
            elif key.startswith(ENTRY):
                self._entries.receive(key, message)
                if message == b"null":  # else whoever publishes the entry once more brings it back after a restart
                    self._keep(key, message)
                return True
            else:
                return False
        except RulebookError as error:
            self._refuse(str(error), key=key)
            return False
        self._keep(key, message)
        self._changed()
        return True

    def expire(self) -> None:
        """Let go of entries of live lists that are over, and count the others."""
        self._entries.expire()
        for name, count in self._entries.counts().items():
            self._metrics.entries.labels(name).set(count)

    async def _receive_rulebook(self, message: bytes) -> bool:
        started = time.perf_counter()
        try:
            document = decode_rulebook(message)
            # Compiling holds the interpreter, not the event loop: heartbeats go on.
            loading = partial(load_rulebook, document["sources"], self._conceal)
            rulebook = await asyncio.get_running_loop().run_in_executor(None, loading)
        except (RulebookError, RecursionError, MemoryError) as error:
            self._refuse(f"the rulebook in use stays: {error}")
            return False
        if self.rulebook is not None:
            self._metrics.rulebook.remove(self.rulebook.id)
            self.before = changed_rules(self.rulebook, rulebook, self.before)
        self.rulebook = rulebook
        self._entries.show_in(rulebook, *self.before.values())
        self._metrics.rulebook.labels(rulebook.id).set(1)
        self._keep(VERSION, message)
        self._changed()
        _log.info(
            "rulebook in use", rulebook=rulebook.id, rules=len(rulebook.rules), author=document.get("author"),
            compiled_ms=round((time.perf_counter() - started) * 1000),
        )  # fmt: skip
        return True

    def _keep(self, key: str, message: bytes) -> None:
        if self._publishers.are_known:
            try:
                self._verified.put(group_of(key), message, self._newest.get(group_of(key), 0))
            except OSError as error:  # it is in force all the same, until this worker starts again
                _log.error("what was verified cannot be kept on disk", key=key, error=str(error))

    def _refuse(self, why: str, **where: Any) -> None:
        self._metrics.refused.labels(self._topic).inc()
        _log.error("a message on the rulebooks topic was refused", why=why, **where)


def group_of(key: str) -> str:
    """Messages of one group take each other's places: all versions of the rulebook, and what has the same key."""
    return VERSION if key.startswith(VERSION) else key
