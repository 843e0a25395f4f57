"""A day on the platform: everyone's events in order of arrival, and a moderator's late verdicts."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from random import Random

from engine.sim.abuse import ABUSE
from engine.sim.attacks import ATTACKS, Event
from engine.sim.coordinated import COORDINATED
from engine.sim.crowds import CROWDS
from engine.sim.lookalikes import LOOKALIKES
from engine.sim.people import HOUR_MS, day_of, populate

ALL_ATTACKS = ATTACKS | COORDINATED | ABUSE
ALL_CROWDS = LOOKALIKES | CROWDS
AREAS = {
    "spam": ("post_flood", "link_spam", "link_swarm", "copy_paste_ring"),
    "engagement": ("fake_engagement", "engagement_farm"),
    "accounts": ("rotating_login_stuffing", "bulk_registration"),
    "api_abuse": ("profile_scraping", "id_guessing"),
    "growth": ("referral_farm",),
    "ads": ("publisher_clicks",),
    "live": ("bought_viewers", "chat_raid"),
    "payments": ("card_testing", "refund_business"),
    "content": ("report_brigade",),
}
"""Which attacks each file of starter rules is about."""
PICTURE_AREAS = {"picture_ring": "spam", "coded_links": "spam", "written_pictures": "spam"}
"""And of the attacks with pictures, which there are where what draws them is installed."""

FIRST_SEED = 1
"""The seed of the day that everything is tried on; its ids have nothing before them."""

MOST_DAYS = 100
"""So many days of different seeds follow one another; then they begin anew, with other ids."""

DAY_MS = 24 * HOUR_MS
DEFAULT_START_MS = int(datetime(2026, 3, 2, tzinfo=UTC).timestamp() * 1000)


@dataclass(frozen=True, slots=True)
class SimulatedEvent:
    """An event, and what it really is: an attack's name, or None for a normal one. `lookalike`: what it is
    part of when it only looks like one."""

    event: Event
    attack: str | None
    lookalike: str | None = None


@dataclass(frozen=True, slots=True)
class SimulatedLabel:
    """A moderator's verdict as it goes onto the topic, and on whose event."""

    label: dict[str, object]
    user_id: str


@dataclass(frozen=True, slots=True)
class SimulatedModerator:
    """Looks at some events, some time later, and is sometimes wrong.

    `sees_spam` and `sees_ham` are the shares of events that are looked at: spam is reported more often.
    """

    sees_spam: float = 0.25
    sees_ham: float = 0.02
    errors: float = 0.01
    delay_ms: tuple[int, int] = (2 * 60_000, HOUR_MS)

    def labels(self, events: list[SimulatedEvent], rng: Random) -> list[SimulatedLabel]:
        """The verdicts on a day's events, in the order in which they are given."""
        made = []
        for simulated in events:
            event = simulated.event
            if "text" not in event or rng.random() >= (self.sees_spam if simulated.attack else self.sees_ham):
                continue
            spam = (simulated.attack is not None) != (rng.random() < self.errors)
            ts = event["ts"]
            assert isinstance(ts, int)
            label = {
                "event_id": event["event_id"],
                "label": "spam" if spam else "ham",
                "ts": ts + rng.randrange(*self.delay_ms),
                "moderator": f"mod-{rng.randrange(5)}",
            }
            made.append(SimulatedLabel(label, str(event["user_id"])))
        made.sort(key=lambda entry: entry.label["ts"])  # type: ignore[arg-type,return-value]  # an int
        return made


def simulate_day(
    seed: int = FIRST_SEED, people: int = 1_500, start_ms: int = DEFAULT_START_MS, same_people: bool = False
) -> list[SimulatedEvent]:
    """One day's events in order of arrival: a few arrive late, a few twice. Each seed has event ids, people and things
    of its own, so that days can be told apart; `same_people`: those of the first seed, under other event ids."""
    rng = Random(seed)
    population = populate(Random(FIRST_SEED) if same_people else rng, people)
    made = [
        SimulatedEvent(event, None)
        for person in population
        for event in day_of(rng, person, population, start_ms, number=0)
    ]
    for name, (attack, hour) in ALL_ATTACKS.items():
        made += [SimulatedEvent(event, name) for event in attack(rng, start_ms + int(hour * HOUR_MS))]
    for name, (crowd, hour) in ALL_CROWDS.items():
        events = crowd(rng, population, start_ms + int(hour * HOUR_MS))
        made += [SimulatedEvent(event, None, name) for event in events]
    return list(_as_it_arrives(of_its_own(made, seed, same_people), rng))


def day_after(seed: int) -> int:
    """When the day of a seed begins: the first seed's on the usual one, the others' behind it."""
    return DEFAULT_START_MS + (seed - FIRST_SEED) % MOST_DAYS * DAY_MS


def of_its_own(events: list[SimulatedEvent], seed: int, same_people: bool = False) -> list[SimulatedEvent]:
    """Events under ids that no other seed has. Nobody and nothing that they name is known from another day, unless
    these are the same people."""
    if seed == FIRST_SEED:
        return events
    return [replace(simulated, event=_renamed(simulated.event, seed, same_people)) for simulated in events]


def _renamed(event: Event, seed: int, same_people: bool) -> Event:
    renamed = ("event_id",) if same_people else ("event_id", "user_id", "target_id")
    own = {name: f"s{seed}-{event[name]}" for name in renamed if name in event}
    payment = event.get("payment")
    if isinstance(payment, dict) and not same_people:
        own["payment"] = payment | {"card": f"s{seed}-{payment['card']}"}  # type: ignore[assignment]
    return event | own


def _as_it_arrives(events: list[SimulatedEvent], rng: Random) -> Iterator[SimulatedEvent]:
    arrivals: list[tuple[int, int, SimulatedEvent]] = []
    for simulated in events:
        ts = simulated.event["ts"]
        assert isinstance(ts, int)
        late_ms = rng.randrange(30_000) if rng.random() < 0.02 else 0
        arrivals.append((ts + late_ms, len(arrivals), simulated))
        if rng.random() < 0.002:
            arrivals.append((ts + late_ms + 500, len(arrivals), simulated))
    arrivals.sort(key=lambda arrival: arrival[:2])
    for _, _, simulated in arrivals:
        yield simulated
