"""Days of a feed: impressions, sessions, hides, survey answers, returns, with the truth beside what the stream tells.

Who answers a survey is not everybody: who has watched to the end answers far more often, and is satisfied more often.
So the answers by themselves say too much good; the truth is known here of every impression.
"""

from dataclasses import dataclass
from math import exp
from random import Random

from engine.sim.attacks import Event
from engine.sim.people import HOUR_MS

DAY_MS = 24 * HOUR_MS
DAYS = 10
TOPICS = ("animals", "cooking", "games", "news", "sport")
_LIKED = {"animals": 0.6, "cooking": 0.3, "games": 0.0, "news": -0.6, "sport": -0.1}


@dataclass(frozen=True, slots=True)
class SimulatedFeed:
    """The events in the order of their times; by the id of each impression whether its viewer was satisfied, and hid
    it; by the id of each session whether its user came back on the next day."""

    events: list[Event]
    satisfied: dict[str, bool]
    hidden: dict[str, bool]
    returned: dict[str, bool]


def simulate_feed(seed: int, people: int, start_ms: int, days: int = DAYS) -> SimulatedFeed:
    """Everybody has a session on some of the days, the loyal on most, of some impressions each."""
    rng, made = Random(seed), SimulatedFeed([], {}, {}, {})
    for number in range(people):
        _live(rng, made, f"viewer-{seed}-{number}", start_ms, days)
    made.events.sort(key=lambda event: int(str(event["ts"])))
    return made


def _live(rng: Random, made: SimulatedFeed, user: str, start_ms: int, days: int) -> None:
    loyal, hour_ms = rng.betavariate(3, 2), rng.randrange(20 * HOUR_MS)
    session, before_ms = "", 0
    for day in range(days):
        if rng.random() >= loyal:
            continue
        at_ms = start_ms + day * DAY_MS + hour_ms + rng.randrange(HOUR_MS)
        if session:
            made.returned[session] = DAY_MS < at_ms - before_ms <= 2 * DAY_MS
        session, before_ms = f"{user}-s{day}", at_ms
        made.returned[session] = False
        made.events.append({"event_id": session, "type": "session_start", "user_id": user, "ts": at_ms})
        for turn in range(rng.randrange(3, 9)):
            at_ms += rng.randrange(5_000, 60_000)
            _see(rng, made, user, f"{session}-i{turn}", at_ms)


def _see(rng: Random, made: SimulatedFeed, user: str, impression: str, at_ms: int) -> None:
    topic, watched = rng.choice(TOPICS), round(rng.random(), 3)
    about = {"user_id": user, "target_id": f"{impression}-v", "topic": topic, "watched": watched}
    made.events.append({"event_id": impression, "type": "impression", "ts": at_ms, **about})
    logit = _LIKED[topic] + 4.0 * (watched - 0.5)
    made.satisfied[impression] = satisfied = rng.random() < _chance(logit)
    made.hidden[impression] = hidden = rng.random() < _chance(-3.0 - logit)
    if hidden:
        kind, late_ms = rng.choice(("hide_post", "report")), rng.randrange(1_000, 20 * HOUR_MS)
        made.events.append({"event_id": f"{impression}-h", "type": kind, "ts": at_ms + late_ms, **about})
    if rng.random() < answers(watched):
        stars, late_ms = rng.choice((4, 5) if satisfied else (1, 2, 3)), rng.randrange(5_000, 20 * HOUR_MS)
        answer = {"event_id": f"{impression}-a", "type": "survey_answer", "ts": at_ms + late_ms, "stars": stars}
        made.events.append(answer | {"user_id": user, "target_id": f"{impression}-v"})


def answers(watched: float) -> float:
    """How likely an impression is to be answered: ten times as likely after the whole video as after none of it."""
    return 0.03 + 0.27 * watched**2


def _chance(logit: float) -> float:
    return 1 / (1 + exp(-logit))
