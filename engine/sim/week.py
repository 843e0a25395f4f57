"""The days after the simulated day: attacks that take their time, crowds with habits, and a moderator's verdicts."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random

from engine.sim.attacks import Event
from engine.sim.habits import HABITS
from engine.sim.patient import PATIENT, VICTIMS
from engine.sim.people import HOUR_MS, day_of, populate
from engine.sim.world import DAY_MS, DEFAULT_START_MS, FIRST_SEED, SimulatedEvent, SimulatedLabel, SimulatedModerator

START_MS = DEFAULT_START_MS + DAY_MS
WEEK_AREAS = {
    "burnt_domain": "spam",
    "steady_likes": "engagement",
    "account_takeover": "accounts",
    "slow_scraping": "api_abuse",
    "unopened_installs": "ads",
    "money_mules": "payments",
}
"""Which file of starter rules each attack is about."""

_PEOPLE, _DAYS = 500, 2
_MISJUDGED, _MISTAKES = "misjudged_link", 2
_AFTERWARDS_MS = 26 * HOUR_MS
"""What has not come within a day has not come for certain."""


@dataclass(frozen=True, slots=True)
class SimulatedWeek:
    """A few days' events and verdicts, each in its order."""

    events: list[SimulatedEvent]
    labels: list[SimulatedLabel]


def simulate_week(seed: int = FIRST_SEED) -> SimulatedWeek:
    """What happens after the day. It is a function of the seed; its people are others than the day's, and
    none of them is new."""
    rng = Random(f"week {seed}")
    people = [
        replace(
            one, user_id=f"w{one.user_id}", device_id=f"w{one.device_id}", account_age_days=one.account_age_days + 7
        )
        for one in populate(rng, _PEOPLE)
    ]
    made = [
        SimulatedEvent(event, None)
        for number in range(_DAYS)
        for person in people
        for event in day_of(rng, person, people, START_MS + number * DAY_MS, number)
    ]
    for victims, hour in VICTIMS.values():
        made += [SimulatedEvent(event, None) for event in victims(rng, START_MS + int(hour * HOUR_MS))]
    for name, (attack, hour) in PATIENT.items():
        made += [SimulatedEvent(event, name) for event in attack(rng, START_MS + int(hour * HOUR_MS))]
    for name, (crowd, hour) in HABITS.items():
        events = crowd(rng, people, START_MS + int(hour * HOUR_MS))
        made += [SimulatedEvent(event, None, name) for event in events]
    return judged(made)


def judged(events: Sequence[SimulatedEvent]) -> SimulatedWeek:
    """These events in their order, what moderators say of them, and an event so much later that nothing is waited for
    any more."""
    ordered = sorted(events, key=_time)
    last: Event = {
        "event_id": "last", "type": "login_ok", "user_id": "last", "ts": _time(ordered[-1]) + _AFTERWARDS_MS,
    }  # fmt: skip
    labels = SimulatedModerator().labels(ordered, Random(len(ordered)))
    mistaken = [one.event for one in ordered if one.lookalike == _MISJUDGED][:_MISTAKES]
    labels += [_mistake(event) for event in mistaken]
    return SimulatedWeek([*ordered, SimulatedEvent(last, None)], labels)


def _mistake(event: Event) -> SimulatedLabel:
    ts_ms = int(str(event["ts"])) + HOUR_MS
    label: Event = {"event_id": event["event_id"], "label": "spam", "ts": ts_ms, "moderator": "mod-9"}
    return SimulatedLabel(label, str(event["user_id"]))


def _time(simulated: SimulatedEvent) -> int:
    return int(str(simulated.event["ts"]))
