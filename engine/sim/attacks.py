"""Attacks, each with its own accounts. Every one of their events is labelled with the attack's name."""

from collections.abc import Callable
from random import Random

from engine.sim.people import HOUR_MS
from engine.sim.text import spam_text

Event = dict[str, object]
Attack = Callable[[Random, int], list[Event]]


def post_flood(rng: Random, start_ms: int) -> list[Event]:
    """A dozen accounts of all ages paste posts every few seconds for ten minutes each."""
    made = []
    for account in range(12):
        age_days = rng.randrange(1, 900)
        at_ms = start_ms + rng.randrange(6 * HOUR_MS)
        until_ms = at_ms + 600_000
        while at_ms < until_ms:
            made.append(account_event(rng, f"flood{account:03d}", "post", at_ms, age_days, text=spam_text(rng)))
            at_ms += rng.randrange(1_500, 5_500)
    return made


def link_spam(rng: Random, start_ms: int) -> list[Event]:
    """Sixty fresh accounts drop links into posts, comments and messages over six hours."""
    made = []
    domains = [f"offer-{rng.getrandbits(16):04x}.example" for _ in range(4)]
    for account in range(60):
        at_ms = start_ms + rng.randrange(5 * HOUR_MS)
        for _ in range(rng.randrange(4, 9)):
            kind = rng.choice(["post", "comment", "message"])
            url = f"https://{rng.choice(domains)}/{rng.getrandbits(20):x}"
            event = account_event(
                rng, f"link{account:03d}", kind, at_ms, rng.randrange(3), text=f"{spam_text(rng)} {url}"
            )
            event["urls"] = [url]
            event["target_id"] = f"u{rng.randrange(1500):05d}"
            made.append(event)
            at_ms += rng.randrange(30_000, 600_000)
    return made


def fake_engagement(rng: Random, start_ms: int) -> list[Event]:
    """Forty bought accounts like and follow whatever they were paid for, within minutes."""
    made = []
    for account in range(40):
        at_ms, kind = start_ms + rng.randrange(2 * HOUR_MS), rng.choice(["like", "like", "follow"])
        age_days = rng.randrange(5, 400)
        for target in rng.sample(range(1500), 80):
            event = account_event(rng, f"bot{account:03d}", kind, at_ms, age_days)
            event["target_id"] = f"u{target:05d}"
            made.append(event)
            at_ms += rng.randrange(500, 5_000)
    return made


ATTACKS: dict[str, tuple[Attack, float]] = {
    "post_flood": (post_flood, 9.0),
    "link_spam": (link_spam, 11.0),
    "fake_engagement": (fake_engagement, 15.0),
}
"""Each attack, and the hour of the day at which it begins."""


def account_event(rng: Random, user_id: str, kind: str, ts_ms: int, age_days: int, text: str | None = None) -> Event:
    """An event of an attacker's account, which has few followers and never the same address twice."""
    event: Event = {
        "event_id": f"{user_id}-{ts_ms}",
        "type": kind,
        "user_id": user_id,
        "ts": ts_ms,
        "ip": f"203.0.{rng.randrange(4)}.{rng.randrange(1, 255)}",
        "device_id": f"d{rng.getrandbits(40):010x}",
        "author": {"account_age_days": age_days, "followers": rng.randrange(30), "verified": False},
        "urls": [],
    }
    if text is not None:
        event["text"] = text
    return event
