"""Attacks on what a platform lends, counts and pays for: its interface, invitations, ads, streams, cards, reports."""

from random import Random

from engine.sim.attacks import Event, account_event
from engine.sim.people import HOUR_MS

_MINUTE_MS = 60_000


def bulk_registration(rng: Random, start_ms: int) -> list[Event]:
    """A hundred and twenty accounts are made on eight phones, within five hours, behind changing addresses."""
    devices = [f"d{rng.getrandbits(40):010x}" for _ in range(8)]
    made = []
    for account in range(120):
        event = account_event(rng, f"bulk{account:03d}", "signup", start_ms + rng.randrange(5 * HOUR_MS), 0)
        made.append(event | {"device_id": devices[account % len(devices)]})
    return made


def profile_scraping(rng: Random, start_ms: int) -> list[Event]:
    """Twenty keys read three to five hundred different profiles each within forty minutes."""
    made = []
    for account in range(20):
        at_ms = start_ms + rng.randrange(HOUR_MS)
        for target in rng.sample(range(20_000), rng.randrange(300, 500)):
            event = account_event(rng, f"scraper{account:02d}", "api_call", at_ms, 40)
            made.append(event | {"target_id": f"u{target:05d}", "http": {"status": 200}})
            at_ms += rng.randrange(2_000, 7_000)
    return made


def id_guessing(rng: Random, start_ms: int) -> list[Event]:
    """Ten keys go through identifiers, most of which do not exist."""
    made = []
    for account in range(10):
        at_ms = start_ms + rng.randrange(2 * HOUR_MS)
        for number in range(120):
            event = account_event(rng, f"guesser{account:02d}", "api_call", at_ms, 5)
            status = 200 if rng.random() < 0.1 else 404
            made.append(event | {"target_id": f"invoice-{account}{number:04d}", "http": {"status": status}})
            at_ms += rng.randrange(3_000, 12_000)
    return made


def referral_farm(rng: Random, start_ms: int) -> list[Event]:
    """Six inviters invite thirty accounts of their own each, on two phones and in one network."""
    made = []
    for inviter in range(6):
        devices, network = [f"d{rng.getrandbits(40):010x}" for _ in range(2)], f"198.18.{inviter}"
        for account in range(30):
            at_ms = start_ms + rng.randrange(6 * HOUR_MS)
            event = account_event(rng, f"invited{inviter}{account:02d}", "referral", at_ms, 0)
            ip = f"{network}.{rng.randrange(1, 255)}"
            made.append(event | {"target_id": f"inviter{inviter}", "device_id": rng.choice(devices), "ip": ip})
    return made


def publisher_clicks(rng: Random, start_ms: int) -> list[Event]:
    """Three publishers let ninety accounts look at their ads and click every third, a few times each."""
    made = []
    for account in range(90):
        at_ms = start_ms + rng.randrange(50 * _MINUTE_MS)
        for _ in range(rng.randrange(6, 12)):
            kind = "ad_click" if rng.random() < 0.35 else "ad_view"
            event = account_event(rng, f"clicker{account:02d}", kind, at_ms, rng.randrange(1, 400))
            made.append(event | {"publisher": f"bad-pub-{account % 3}", "target_id": f"ad{rng.randrange(40)}"})
            at_ms += rng.randrange(4_000, 50_000)
    return made


def bought_viewers(rng: Random, start_ms: int) -> list[Event]:
    """Two hundred viewers come to one stream from four rented networks, within twenty minutes."""
    networks = [f"198.19.{rng.randrange(256)}" for _ in range(4)]
    made = []
    for account in range(200):
        at_ms = start_ms + rng.randrange(20 * _MINUTE_MS)
        event = account_event(rng, f"viewer{account:03d}", "watch", at_ms, rng.randrange(1, 90))
        made.append(event | {"target_id": "stream-bad", "ip": f"{rng.choice(networks)}.{rng.randrange(1, 255)}"})
    return made


def chat_raid(rng: Random, start_ms: int) -> list[Event]:
    """Forty accounts write a line every second or two into somebody's stream."""
    made = []
    for account in range(40):
        at_ms = start_ms + rng.randrange(5 * _MINUTE_MS)
        for _ in range(rng.randrange(20, 40)):
            event = account_event(
                rng, f"raider{account:02d}", "chat", at_ms, rng.randrange(1, 60), text="boooo go home"
            )
            made.append(event | {"target_id": "stream-raided"})
            at_ms += rng.randrange(700, 2_500)
    return made


def card_testing(rng: Random, start_ms: int) -> list[Event]:
    """Twelve accounts try twenty cards each for a dollar; most are declined."""
    made = []
    for account in range(12):
        at_ms = start_ms + rng.randrange(2 * HOUR_MS)
        for _ in range(20):
            event = account_event(rng, f"tester{account:02d}", "payment", at_ms, rng.randrange(3))
            status = "ok" if rng.random() < 0.2 else "declined"
            made.append(
                event | {"amount": 1.0, "payment": {"card": f"card-{rng.getrandbits(48):012x}", "status": status}}
            )
            at_ms += rng.randrange(20_000, 90_000)
    return made


def refund_business(rng: Random, start_ms: int) -> list[Event]:
    """Fifteen accounts buy eight things each and want their money back for all but one."""
    made = []
    for account in range(15):
        at_ms, card = start_ms + rng.randrange(HOUR_MS), f"card-{account:04d}"
        for kind, count in (("payment", 8), ("refund", 7)):
            for _ in range(count):
                event = account_event(rng, f"refunder{account:02d}", kind, at_ms, rng.randrange(20, 300))
                made.append(event | {"amount": 80.0, "payment": {"card": card, "status": "ok"}})
                at_ms += rng.randrange(60_000, 10 * _MINUTE_MS)
    return made


def report_brigade(rng: Random, start_ms: int) -> list[Event]:
    """Eighty young accounts report the same post within half an hour."""
    made = []
    for account in range(80):
        at_ms = start_ms + rng.randrange(30 * _MINUTE_MS)
        event = account_event(rng, f"brigade{account:02d}", "report", at_ms, rng.randrange(1, 25))
        made.append(event | {"target_id": "post-disliked"})
    return made


ABUSE = {
    "bulk_registration": (bulk_registration, 3.0),
    "profile_scraping": (profile_scraping, 4.0),
    "id_guessing": (id_guessing, 5.0),
    "referral_farm": (referral_farm, 6.0),
    "publisher_clicks": (publisher_clicks, 12.0),
    "bought_viewers": (bought_viewers, 17.0),
    "chat_raid": (chat_raid, 17.5),
    "card_testing": (card_testing, 2.0),
    "refund_business": (refund_business, 10.0),
    "report_brigade": (report_brigade, 21.0),
}
"""Each attack, and the hour of the day at which it begins."""
