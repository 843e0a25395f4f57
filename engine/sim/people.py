"""Normal people: accounts of all ages, asleep at night, most of them quiet."""

from dataclasses import dataclass
from math import exp, pi, sin
from random import Random

from engine.sim.text import TOPICS, post_text, reply_text

HOUR_MS = 3_600_000
_KINDS = ("like", "post", "comment", "message", "follow", "login_ok", "login_fail")
_WEIGHTS = (40, 10, 16, 14, 6, 12, 2)


@dataclass(frozen=True, slots=True)
class Person:
    """An account. `activity`: events a day on average; `wakes_h`: when its day begins, in UTC hours."""

    user_id: str
    account_age_days: int
    followers: int
    verified: bool
    activity: float
    wakes_h: float
    topic: str
    ip: str
    device_id: str

    def author(self) -> dict[str, object]:
        """The part of an event that describes its author."""
        return {"account_age_days": self.account_age_days, "followers": self.followers, "verified": self.verified}

    def event(self, name: str, kind: str, ts_ms: int) -> dict[str, object]:
        """Something that this person does, from the usual address and device."""
        return {
            "event_id": f"{self.user_id}-{name}",
            "type": kind,
            "user_id": self.user_id,
            "ts": ts_ms,
            "ip": self.ip,
            "device_id": self.device_id,
            "author": self.author(),
            "urls": [],
        }


def populate(rng: Random, count: int) -> list[Person]:
    """So many people: few of them very active, few of them new."""
    return [
        Person(
            user_id=f"u{index:05d}",
            account_age_days=int(rng.paretovariate(0.7) * 2) % 3000,
            followers=int(rng.paretovariate(1.0) * 15),
            verified=rng.random() < 0.02,
            activity=min(120.0, 3 * rng.paretovariate(1.1)),
            wakes_h=rng.gauss(7, 3) % 24,
            topic=rng.choice(TOPICS),
            ip=f"10.{rng.randrange(256)}.{rng.randrange(256)}.{rng.randrange(1, 255)}",
            device_id=f"d{rng.getrandbits(40):010x}",
        )
        for index in range(count)
    ]


def day_of(rng: Random, person: Person, others: list[Person], start_ms: int, number: int) -> list[dict[str, object]]:
    """One person's events of one day, in order of time."""
    made: list[dict[str, object]] = []
    ts_ms = start_ms
    for index in range(_poisson(rng, person.activity)):
        if index and rng.random() < 0.5:  # still at it: the next thing within a minute or so
            ts_ms += int(rng.expovariate(1 / 45_000)) + 800
        else:
            ts_ms = start_ms + _moment(rng, person.wakes_h)
        kind = rng.choices(_KINDS, _WEIGHTS)[0]
        event = person.event(f"{number}-{index}", kind, ts_ms)
        if kind == "post":
            event["text"] = post_text(rng, person.topic)
        elif kind in ("comment", "message"):
            event["text"] = reply_text(rng, person.topic)
        if kind in ("post", "comment", "message") and rng.random() < 0.06:
            event["urls"] = [f"https://{person.topic}.example/{rng.randrange(900)}"]
        if kind in ("like", "comment", "message", "follow"):
            event["target_id"] = rng.choice(others).user_id
        made.append(event)
    made.sort(key=lambda event: event["ts"])  # type: ignore[arg-type,return-value]  # an int
    return made


def _moment(rng: Random, wakes_h: float) -> int:
    """A moment of the day: awake for sixteen hours, most active in the evening."""
    while True:
        awake_h = rng.random() * 24
        busy = 0.1 + 0.9 * max(0.0, sin(pi * awake_h / 16)) if awake_h < 16 else 0.02
        if rng.random() < busy:
            return int((wakes_h + awake_h) % 24 * HOUR_MS)


def _poisson(rng: Random, mean: float) -> int:
    limit, product, count = exp(-mean), rng.random(), 0
    while product > limit:
        product *= rng.random()
        count += 1
    return count
