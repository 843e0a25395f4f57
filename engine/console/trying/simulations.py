"""A draft on a recorded hour, or on the simulated day: what it does, to watch, and a verdict at the end."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import orjson

from engine.console.concealing import Concealer
from engine.console.trying.backtests import HOUR_MS, MOST_EVENTS
from engine.console.trying.jobs import Tell
from engine.errors import EventError, RequestError
from engine.rulebook.compiler import load_rulebook
from engine.settings import Settings
from engine.sim.verdict import judge, judge_lookalikes
from engine.sim.world import AREAS, FIRST_SEED, SimulatedEvent, simulate_day
from engine.stream.control.lists import show_in
from engine.stream.kafka.records import read_since
from engine.stream.offline.arrivals import Arrival
from engine.stream.offline.engine import OfflineEngine

CAUGHT_FROM, SPARED_UP_TO = 0.95, 0.01
"""As `floodgate sim report` has them."""

_CHUNK = 500
_SHOWN = 12


def simulate(settings: Settings, task: Mapping[str, Any], tell: Tell) -> dict[str, Any]:
    """Run a rulebook over events. The task: `new` (files by name), `hours` of the topic; 0: the simulated day."""
    rulebook = load_rulebook(task["new"])
    day = simulate_day(FIRST_SEED) if not task["hours"] else []
    if day:
        settings = Settings()
        arrivals = [Arrival("event", int(str(one.event["ts"])), orjson.dumps(one.event)) for one in day]
    else:
        show_in(settings, rulebook)
        arrivals = _recorded(settings, task["hours"])
    if not arrivals:
        raise RequestError("there are no events to watch: take a longer time, or the simulated day")
    seen = _Seen(settings)
    engine, left, done = OfflineEngine(rulebook, settings), iter(arrivals), 0
    while chunk := list(islice(left, _CHUNK)):
        seen.take(engine.run(chunk))
        done += len(chunk)
        tell(done, len(arrivals), seen.told(chunk[-1].ts_ms))
    return {**seen.told(arrivals[-1].ts_ms), **(_verdict(day, seen.actions) if day else {})}


class _Seen:
    """What has come of the events so far."""

    def __init__(self, settings: Settings) -> None:
        self._topics, self._concealer = settings.topics, Concealer(settings)
        self._hits, self._acted = Counter[str](), Counter[str]()
        self._decisions, self._latest = 0, list[dict[str, Any]]()
        self.actions: list[dict[str, Any]] = []

    def take(self, messages: Iterator[Any]) -> None:
        """What the engine says."""
        for message in messages:
            if message.topic == self._topics.decisions:
                self._decisions += 1
                for hit in orjson.loads(message.value)["hits"]:
                    self._hits[hit["rule"]] += 1
                    self._acted[hit["rule"]] += hit["effect"] == "acted"
            elif message.topic == self._topics.actions:
                action = self._concealer.of_action(orjson.loads(message.value))
                self.actions.append(action)
                self._latest = [*self._latest[-_SHOWN + 1 :], action]

    def told(self, ts_ms: int) -> dict[str, Any]:
        """For a page."""
        latest = [
            {"ts": action["ts"], "kind": action["kind"], "rule": action["rule"], "target": action["target"]["id"]}
            for action in reversed(self._latest)
        ]
        rules = [(rule, hits, self._acted[rule]) for rule, hits in self._hits.most_common()]
        return {
            "ts": ts_ms, "decisions": self._decisions, "actions": len(self.actions), "rules": rules, "latest": latest,
        }  # fmt: skip


def _recorded(settings: Settings, hours: int) -> list[Arrival]:
    mapping, arrivals = settings.events.mapping(), []
    for record in read_since(settings, settings.topics.events, hours * HOUR_MS, MOST_EVENTS):
        try:
            ts_ms = mapping.read(orjson.loads(record.value), record.arrived_ms).ts_ms
        except (EventError, orjson.JSONDecodeError):
            ts_ms = 0
        arrivals.append(Arrival("event", ts_ms, record.value, record.arrived_ms))
    return arrivals


def _verdict(day: list[SimulatedEvent], actions: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What became of each attack, and of each crowd that only looks like one."""
    judged, innocent = judge(day, actions)
    area_of = {attack: area for area, attacks in AREAS.items() for attack in attacks}
    order = list(area_of)
    attacks = [
        {
            "area": area_of[result.name],
            "attack": result.name,
            "accounts": len(result.accounts),
            "recall": result.recall,
            "precision": result.precision,
            "after_ms": result.first_after_ms,
            "rules": sorted(result.rules),
            "is_caught": result.recall >= CAUGHT_FROM,
        }
        for result in sorted(judged, key=lambda one: order.index(one.name))
    ]
    crowds = [
        {"name": crowd.name, "users": len(crowd.users), "acted_on": len(crowd.acted_on), "share": crowd.share,
         "is_spared": crowd.share <= SPARED_UP_TO}
        for crowd in judge_lookalikes(day, actions)
    ]  # fmt: skip
    people = len({one.event["user_id"] for one in day if one.attack is None})
    return {"attacks": attacks, "crowds": crowds, "innocent": len(innocent), "people": people}
