"""What the rulebooks topic and the models topic say right now: read when somebody asks, and kept for some seconds."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Generic, TypeVar

import structlog
from kafka.errors import KafkaError

from engine.core.domain.rules import Rule, Rulebook
from engine.errors import BrokerError, FloodgateError, RulebookError
from engine.learning.models import LearnedModel
from engine.rulebook.checks.costs import estimate_costs
from engine.rulebook.compiler import load_rulebook
from engine.rulebook.tools.differences import differences
from engine.settings import Settings
from engine.stream.admin.publishing import read_models
from engine.stream.control.lists import Entry, read_entries
from engine.stream.control.promotions import Promotions, held_back, read_promotions
from engine.stream.control.rulebooks import Stop, Version, read_paused, read_stops, read_versions
from engine.stream.handlers.messages import Pause

_LOOKED_BACK = 30
_STALE_S = 60.0
"""What is older is given to nobody, as long as it can be read."""

_AFTER_S = 0.3
_FRESH_S, _MODELS_FRESH_S = 3.0, 10.0

T = TypeVar("T")

_log = structlog.stdlib.get_logger("floodgate")


@dataclass(frozen=True, slots=True)
class Change:
    """When a rule was changed last, as far as the topic tells; by whom, and why."""

    ts_ms: int
    author: str
    note: str


@dataclass(frozen=True, slots=True)
class Standing:
    """What the rulebooks topic says. `version`, `rulebook`: those in use; None where none was pushed. `versions`: all
    that are kept, oldest first; `entries`: of live lists, by list; `event_us`: what events cost, by type; `changes`: by
    rule, when it was changed last."""

    version: Version | None
    rulebook: Rulebook | None
    versions: tuple[Version, ...]
    paused: Mapping[str, Pause]
    promotions: Promotions
    entries: Mapping[str, Mapping[str, Entry]]
    stops: tuple[Stop, ...]
    event_us: Mapping[str, float]
    changes: Mapping[str, Change]

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules in use, as far as they have been promoted."""
        return held_back(self.rulebook, self.promotions).rules if self.rulebook is not None else ()

    @property
    def sources(self) -> Mapping[str, str]:
        """The files in use."""
        return self.version.sources if self.version is not None else {}


class Kept(Generic[T]):
    """A value that is read anew in the background when it is asked for and old. Who asks first waits for it; later ones
    get what is known. Threads may share it."""

    def __init__(self, read: Callable[[], T], fresh_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._read, self._fresh_s, self._clock = read, fresh_s, clock
        self._lock, self._reading = threading.Lock(), threading.Lock()
        self._value: T | None = None
        self._error: FloodgateError | None = None
        self._read_at = float("-inf")

    @property
    def problem(self) -> str:
        """Why it could not be read when that was tried last; empty: it could."""
        return str(self._error or "")

    def get(self) -> T:
        """The value. Raises FloodgateError where it was never known and cannot be read."""
        with self._lock:
            age_s, is_known, error = self._clock() - self._read_at, self._value is not None, self._error
        if not is_known and (error is None or age_s >= self._fresh_s):
            self._refresh(waits=True)
        elif is_known and error is None and _STALE_S < age_s < float("inf"):
            self._refresh(waits=True)  # nobody has asked for a while
        elif age_s >= self._fresh_s:
            self.refresh()
        with self._lock:
            if self._value is None:
                raise self._error or BrokerError("nothing could be read yet")
            return self._value

    def refresh(self) -> None:
        """Have it read in the background, once whoever asks has been answered: reading would slow that down."""
        later = threading.Timer(_AFTER_S, self._refresh)
        later.daemon, later.name = True, "control reader"
        later.start()

    def expire(self) -> None:
        """Have it read anew when it is asked for next."""
        with self._lock:
            self._read_at = float("-inf")

    def _refresh(self, waits: bool = False) -> None:
        """Read it. `waits`: for somebody else who reads it, and then not once more."""
        seen = self._read_at
        if not self._reading.acquire(blocking=waits):
            return
        try:
            if self._read_at != seen:
                return
            began, value, error = self._clock(), self._value, None
            try:
                value = self._read()
            except FloodgateError as failed:
                error = failed
            except KafkaError as failed:
                error = BrokerError(f"the broker could not be asked: {failed!r}")
            except Exception as failed:  # a thread that dies of it would tell nobody
                _log.exception("the control topics could not be read")
                error = BrokerError(f"the control topics could not be read: {failed!r}")
            with self._lock:
                self._value, self._error, self._read_at = value, error, began
        finally:
            self._reading.release()


class Control:
    """What the control topics say."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._compiled: tuple[str, Rulebook] | None = None
        self._changed: tuple[int, Mapping[str, Change]] | None = None
        self._standing = Kept(self._read_standing, _FRESH_S)
        self._models: Kept[dict[str, LearnedModel]] = Kept(lambda: read_models(settings), _MODELS_FRESH_S)

    def standing(self) -> Standing:
        """What the rulebooks topic says. Raises TopicError, BrokerError."""
        return self._standing.get()

    def models(self) -> Mapping[str, LearnedModel]:
        """The models as they were published last. Raises TopicError, BrokerError."""
        return self._models.get()

    def begin(self) -> None:
        """Read it in the background, before anybody asks."""
        self._standing.refresh()
        self._models.refresh()

    @property
    def problem(self) -> str:
        """Why the topic could not be read just now; empty: it could."""
        return self._standing.problem

    def expire(self) -> None:
        """Something has been changed: read it anew."""
        self._standing.expire()
        self._models.expire()

    def _read_standing(self) -> Standing:
        settings = self._settings
        versions = tuple(read_versions(settings))
        version, rulebook = self._in_use(versions)
        return Standing(
            version=version,
            rulebook=rulebook,
            versions=versions,
            paused=read_paused(settings),
            promotions=read_promotions(settings),
            entries=read_entries(settings),
            stops=tuple(read_stops(settings)),
            event_us=estimate_costs(rulebook).event_us if rulebook is not None else {},
            changes=self._changes(versions, version),
        )

    def _changes(self, versions: tuple[Version, ...], in_use: Version | None) -> Mapping[str, Change]:
        """By rule, the newest version that has changed it; looked for in the last ones alone."""
        if in_use is None:
            return {}
        if self._changed is not None and self._changed[0] == in_use.number:
            return self._changed[1]
        found: dict[str, Change] = {}
        until = versions.index(in_use) + 1
        pushed = versions[max(0, until - _LOOKED_BACK) : until]
        for before, after in pairwise(pushed):
            change = Change(after.ts_ms, after.author, after.note)
            if before.sources != after.sources:
                changed = differences(before.sources, after.sources)
                found |= {one.name: change for one in changed if one.kind == "rule"}
        self._changed = in_use.number, found
        return found

    def _in_use(self, versions: tuple[Version, ...]) -> tuple[Version | None, Rulebook | None]:
        """The newest that passes its check; each is compiled once."""
        for version in reversed(versions):
            if self._compiled is not None and self._compiled[1].sources == version.sources:
                return version, self._compiled[1]
            try:
                rulebook = load_rulebook(version.sources)
            except RulebookError:
                continue
            self._compiled = version.id, rulebook
            return version, rulebook
        return None, None
