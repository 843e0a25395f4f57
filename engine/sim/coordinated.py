"""Coordinated attacks: many accounts, each of which does next to nothing. No counter of a single user trips."""

from random import Random

from engine.sim.attacks import Event, account_event
from engine.sim.people import HOUR_MS
from engine.sim.text import disguise, paraphrase

_MINUTE_MS = 60_000
_PITCHES = (
    "i made three thousand dollars last week with this simple trading system ask me how and start earning from home",
    "my sister finally lost twenty pounds thanks to these natural drops the official shop still has some left for you",
    "this lady manages my investment account and pays every friday write to her and tell her that i have sent you",
)


def link_swarm(rng: Random, start_ms: int) -> list[Event]:
    """Three hundred fresh accounts post one or two links each to three domains, within fifty minutes."""
    made = []
    domains = [f"{word}-{rng.getrandbits(16):04x}.example" for word in ("gift", "promo", "lucky")]
    for account in range(300):
        user_id, age_days = f"swarm{account:03d}", rng.randrange(3)
        at_ms = start_ms + rng.randrange(40 * _MINUTE_MS)
        for _ in range(rng.choice((1, 1, 2))):
            domain = rng.choice(domains)
            link = rng.choice((f"https://{domain}/", f"http://www.{domain}/?r=", f"{domain.replace('.', '[.]')}/"))
            text = f"{rng.choice(('look', 'wow', 'have you seen', 'finally'))} {link}{rng.getrandbits(24):x}"
            made.append(account_event(rng, user_id, "post", at_ms, age_days, text=text))
            at_ms += rng.randrange(_MINUTE_MS, 10 * _MINUTE_MS)
    return made


def copy_paste_ring(rng: Random, start_ms: int) -> list[Event]:
    """A hundred and fifty bought accounts comment the same three pitches, each time a little different: other
    words, other alphabets, invisible characters, numbers."""
    made = []
    for account in range(150):
        user_id, age_days = f"ring{account:03d}", rng.randrange(5, 700)
        at_ms = start_ms + rng.randrange(30 * _MINUTE_MS)
        for _ in range(rng.randrange(2, 5)):
            text = disguise(rng, paraphrase(rng, rng.choice(_PITCHES)))
            event = account_event(rng, user_id, "comment", at_ms, age_days, text=text)
            event["target_id"] = f"u{rng.randrange(1500):05d}"
            made.append(event)
            at_ms += rng.randrange(_MINUTE_MS, 8 * _MINUTE_MS)
    return made


def engagement_farm(rng: Random, start_ms: int) -> list[Event]:
    """A hundred and sixty accounts of all ages on five devices, each with a handful of likes and follows."""
    made = []
    devices = [f"d{rng.getrandbits(40):010x}" for _ in range(5)]
    bought = [f"u{target:05d}" for target in rng.sample(range(1500), 6)]
    for account in range(160):
        age_days, at_ms = rng.randrange(2, 900), start_ms + rng.randrange(2 * HOUR_MS)
        for target in rng.sample(bought, rng.randrange(3, 6)):
            event = account_event(rng, f"farm{account:03d}", rng.choice(("like", "follow")), at_ms, age_days)
            event["device_id"] = devices[account % len(devices)]
            event["target_id"] = target
            made.append(event)
            at_ms += rng.randrange(2_000, 20_000)
    return made


def rotating_login_stuffing(rng: Random, start_ms: int) -> list[Event]:
    """Stolen passwords are tried on five hundred accounts, once or twice each, from addresses that change with
    every attempt but come from four rented networks."""
    made = []
    networks = [f"198.51.{rng.randrange(256)}" for _ in range(4)]
    for account in range(500):
        at_ms, age_days = start_ms + rng.randrange(HOUR_MS), rng.randrange(1, 2000)
        for _ in range(rng.choice((1, 1, 2))):
            kind = "login_fail" if rng.random() < 0.97 else "login_ok"
            event = account_event(rng, f"victim{account:03d}", kind, at_ms, age_days)
            event["ip"] = f"{rng.choice(networks)}.{rng.randrange(1, 255)}"
            made.append(event)
            at_ms += rng.randrange(5_000, 4 * _MINUTE_MS)
    return made


COORDINATED = {
    "link_swarm": (link_swarm, 8.0),
    "copy_paste_ring": (copy_paste_ring, 13.0),
    "engagement_farm": (engagement_farm, 18.0),
    "rotating_login_stuffing": (rotating_login_stuffing, 20.0),
}
"""Each attack, and the hour of the day at which it begins."""
