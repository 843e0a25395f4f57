"""One rulebook over recorded events: what each of its rules does.

The engine is the one that runs live; only what it publishes is looked at. What a rule in shadow would have done counts
as met, and not as acted.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from heapq import heappush, heapreplace
from itertools import combinations
from typing import Any

import msgspec
import orjson

from engine.backtest.targets import USERS, Targets, TrialTarget, kind_of
from engine.core.domain.rules import Rule, Rulebook
from engine.core.values.hashing import hash64
from engine.errors import EventError
from engine.learning.models import LearnedModel
from engine.mappings import LabelSettings
from engine.reference.recorded import RecordedTables
from engine.settings import Settings
from engine.stream.handlers.messages import arrived_ms, value_text
from engine.stream.offline.arrivals import Arrival
from engine.stream.offline.engine import OfflineEngine

HOUR_MS = 3_600_000
TEXT_CHARS = 300
"""So much of an event's text is told."""
SAMPLES = 50
MET = {"acted", "shadow", "strike", "budget", "spared", "holdout"}
"""What a rule did, or would have done. One that rests or that is overruled did nothing."""


class Sample(msgspec.Struct, frozen=True):
    """An event that a rule met, what it says, and why, for people."""

    event_id: str
    user_id: str
    ts_ms: int
    why: str
    counterfactual: str | None
    spam: bool | None
    text: str = ""


@dataclass(slots=True)
class RuleTally:
    """What one rule has met. `about`: the kind of its `targets`; `users`: whose events these were; `hours`: events met
    in each hour since 1970; `spam`, `ham`: of those that are labelled; `samples`: some events at
    random, the same in each run."""

    rule: str
    mode: str
    about: str = USERS
    met: int = 0
    acted: int = 0
    users: set[str] = field(default_factory=set)
    targets: set[TrialTarget] = field(default_factory=set)
    events: set[int] = field(default_factory=set)
    spam: int = 0
    ham: int = 0
    hours: Counter[int] = field(default_factory=Counter)
    _chosen: list[tuple[int, int, Sample]] = field(default_factory=list)

    @property
    def samples(self) -> list[Sample]:
        """In order of time."""
        return sorted((sample for _, _, sample in self._chosen), key=lambda sample: sample.ts_ms)

    def would_choose(self, event_id: str) -> bool:
        """Whether `choose` would keep a sample of this event."""
        return len(self._chosen) < SAMPLES or (-hash64(event_id), -self.met) > self._chosen[0][:2]

    def choose(self, sample: Sample) -> None:
        """Keep a sample if it is among the SAMPLES with the smallest hashes."""
        entry = (-hash64(sample.event_id), -self.met, sample)  # an event may be met twice
        if len(self._chosen) < SAMPLES:
            heappush(self._chosen, entry)
        elif entry[:2] > self._chosen[0][:2]:
            heapreplace(self._chosen, entry)


class Trial:
    """Runs a rulebook. `spam`: what events turned out to be, by event id, where that is known; it may grow; `models`:
    with which it begins; `targets`: whom the events name; `tables`: the rows of tables that come on topics."""

    def __init__(
        self, rulebook: Rulebook, settings: Settings, spam: Mapping[str, bool], models: Mapping[str, LearnedModel],
        targets: Targets, before: Rulebook | None = None, tables: RecordedTables | None = None,
    ) -> None:  # fmt: skip
        self.rulebook, self._spam, self._targets = rulebook, spam, targets
        settings = msgspec.structs.replace(  # labels are in our terms
            settings, decision_sample=0.0, review_share=0.0, labels=LabelSettings()
        )
        self._engine, self._topics = OfflineEngine(rulebook, settings, models, before, tables), settings.topics
        self.rules = {
            rule.name: RuleTally(rule=rule.name, mode=_mode(rule), about=kind_of(rule)) for rule in rulebook.rules
        }
        self.overlaps: Counter[tuple[str, str]] = Counter()
        self._allow = {rule.name for rule in rulebook.rules if rule.then.kind == "allow"}
        self._by_name = {rule.name: rule for rule in rulebook.rules}
        self.acted_on: dict[TrialTarget, dict[str, str]] = {}  # what was done, and by which rule first
        self.refused: Counter[str] = Counter()
        self._done: dict[tuple[str, str], dict[str, None]] = {}
        self._mapping, self._arrivals = settings.events.mapping(), list[Arrival]()

    def run(self, arrivals: Iterable[Arrival]) -> None:
        """The next events and labels, in their order."""
        self._arrivals = list(arrivals)
        for message in self._engine.run(self._arrivals):
            if message.topic == self._topics.decisions:
                self._decided(orjson.loads(message.value))
            elif message.topic == self._topics.actions:  # before its decision; on a ladder the kind is the step's
                action = orjson.loads(message.value)
                self._done.setdefault((action["event_id"], action["rule"]), {})[action["kind"]] = None
            elif message.topic == self._topics.dead_letters:
                self.refused[dict(message.headers or ()).get("reason", b"").decode()] += 1

    def _decided(self, decision: Any) -> None:
        met = []
        for hit in decision["hits"]:
            rule = self._by_name[hit["rule"]]
            target = self._targets.of(rule, decision["event_id"], decision["type"], decision["ts"], decision["user_id"])
            if hit["effect"] in MET:
                met.append(rule.name)
                self._met(self.rules[rule.name], decision, hit, target)
            if hit["effect"] in ("acted", "budget") and rule.name not in self._allow:  # a budget hides no bad edit
                planned = dict.fromkeys(then.kind for then in (rule.then, *rule.further))
                for kind in self._done.pop((decision["event_id"], rule.name), planned):
                    self.acted_on.setdefault(target, {}).setdefault(kind, rule.name)
        for pair in combinations(sorted(met), 2):
            self.overlaps[pair] += 1

    def _met(self, tally: RuleTally, decision: Any, hit: Any, target: TrialTarget) -> None:
        event, spam = decision["event_id"], self._spam.get(decision["event_id"])
        tally.met += 1
        tally.acted += hit["effect"] == "acted" and tally.rule not in self._allow
        tally.users.add(decision["user_id"])
        tally.targets.add(target)
        if hash64(event) not in tally.events:  # met again when a rule looks back, or sent again: labelled once
            tally.events.add(hash64(event))
            tally.spam += spam is True
            tally.ham += spam is False
        tally.hours[decision["ts"] // HOUR_MS] += 1
        if tally.would_choose(event):
            why = ", ".join(_clause_text(clause) for clause in hit["clauses"] if clause["result"])
            texts = (event, decision["user_id"], decision["ts"], why, hit.get("counterfactual"), spam)
            tally.choose(Sample(*texts, self._text_of(event, decision["user_id"])))

    def _text_of(self, event_id: str, user_id: str) -> str:
        """What an event of this batch says; nothing of an earlier one, on which a rule has looked back."""
        name = orjson.dumps(event_id)
        for arrival in self._arrivals:
            if arrival.kind == "event" and name in arrival.value:
                with suppress(EventError, orjson.JSONDecodeError):
                    event = self._mapping.read(
                        orjson.loads(arrival.value), arrival.arrived_ms or arrived_ms(arrival.value)
                    )
                    if event.event_id == event_id and event.user_id == user_id:
                        return str(event.fields.get("text") or "")[:TEXT_CHARS]
        return ""


def _mode(rule: Rule) -> str:
    return f"canary {rule.share * 100:g}%" if rule.mode == "canary" else rule.mode


def _clause_text(clause: Any) -> str:
    return f"{clause['text']} ({value_text(clause['value'], clause.get('points'))})"
