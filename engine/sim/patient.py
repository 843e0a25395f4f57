"""Attacks below every speed limit: what gives them away is their rhythm, their past, or what does not follow."""

from random import Random

from engine.sim.attacks import Event, account_event
from engine.sim.people import HOUR_MS
from engine.sim.text import TOPICS, post_text

_MINUTE_MS = 60_000
_PAYMENTS = 7
"""So many people pay a mule."""

_VICTIM, _DECEIVED = "victim-", "deceived"


def slow_scraping(rng: Random, start_ms: int) -> list[Event]:
    """Twenty keys read three hundred different profiles each, one every nineteen seconds or so."""
    made = []
    for account in range(20):
        at_ms = start_ms + rng.randrange(HOUR_MS)
        for target in rng.sample(range(20_000), 300):
            event = account_event(rng, f"patient{account:02d}", "api_call", at_ms, 40)
            made.append(event | {"target_id": f"u{target:05d}", "http": {"status": 200}})
            at_ms += rng.randrange(16_000, 22_000)
    return made


def steady_likes(rng: Random, start_ms: int) -> list[Event]:
    """Forty bought accounts like something every forty to fifty seconds, for an hour."""
    made = []
    for account in range(40):
        at_ms, age_days = start_ms + rng.randrange(2 * HOUR_MS), rng.randrange(5, 400)
        for target in rng.sample(range(1500), 75):
            event = account_event(rng, f"steady{account:02d}", rng.choice(("like", "like", "follow")), at_ms, age_days)
            made.append(event | {"target_id": f"u{target:05d}"})
            at_ms += rng.randrange(40_000, 50_000)
    return made


def unopened_installs(rng: Random, start_ms: int) -> list[Event]:
    """Two publishers have their app installed by eighty phones each, within six hours; hardly one opens it."""
    made = []
    for account in range(160):
        user_id, at_ms = f"installer{account:03d}", start_ms + rng.randrange(6 * HOUR_MS)
        install = account_event(rng, user_id, "install", at_ms, rng.randrange(1, 400))
        made.append(install | {"publisher": f"install-pub-{account % 2}", "target_id": "app"})
        if rng.random() < 0.02:
            made.append(account_event(rng, user_id, "open", at_ms + rng.randrange(_MINUTE_MS, HOUR_MS), 30))
    return made


def burnt_domain(rng: Random, start_ms: int) -> list[Event]:
    """A hundred and forty old accounts post a link to one of two domains once each, in two days, all in other words."""
    made = []
    domains = [f"bargain-{rng.getrandbits(16):04x}.example" for _ in range(2)]
    for account in range(140):
        at_ms, link = start_ms + rng.randrange(40 * HOUR_MS), f"https://{rng.choice(domains)}/{rng.getrandbits(20):x}"
        text = f"{post_text(rng, rng.choice(TOPICS))} {link}"
        made.append(account_event(rng, f"aged{account:03d}", "post", at_ms, rng.randrange(60, 900), text=text))
    return made


def account_takeover(rng: Random, start_ms: int) -> list[Event]:
    """Sixty passwords are guessed in three to six attempts each, on other devices and in another country, each from
    somebody's connection at home."""
    made = []
    for account in range(60):
        user_id, at_ms = f"{_VICTIM}{account:02d}", start_ms + rng.randrange(8 * HOUR_MS)
        stolen = {"country": rng.choice(("BR", "VN", "NG")), "device_id": f"d{rng.getrandbits(40):010x}"}
        stolen["ip"] = f"100.{rng.randrange(256)}.{rng.randrange(256)}.{rng.randrange(1, 255)}"
        for kind in (*["login_fail"] * rng.randrange(3, 7), "login_ok"):
            made.append(account_event(rng, user_id, kind, at_ms, 700) | stolen)
            at_ms += rng.randrange(20_000, 90_000)
    return made


def logins_of_victims(rng: Random, start_ms: int) -> list[Event]:
    """What those whose accounts are taken over did before: they logged in at home, on their own devices."""
    return [
        account_event(rng, f"{_VICTIM}{account:02d}", "login_ok", start_ms + rng.randrange(8 * HOUR_MS), 700)
        | {"country": "DE", "device_id": f"home-of-{account:02d}"}
        for account in range(60)
    ]


def money_mules(rng: Random, start_ms: int) -> list[Event]:
    """Twenty-five young accounts send on nearly all that strangers have sent them, an hour or two before."""
    made = []
    for account in range(25):
        at_ms = start_ms + rng.randrange(2 * HOUR_MS, 3 * HOUR_MS)
        passed = account_event(rng, f"mule{account:02d}", "transfer", at_ms, rng.randrange(3, 60))
        made.append(passed | {"target_id": "mule-boss", "amount": 0.93 * _PAYMENTS * _paid_to(account)})
    return made


def payments_to_mules(rng: Random, start_ms: int) -> list[Event]:
    """What those who are deceived do before: seven of them pay each mule within an hour."""
    made = []
    for account in range(25):
        for sender in range(_PAYMENTS):
            user_id, at_ms = f"{_DECEIVED}{account:02d}-{sender}", start_ms + rng.randrange(HOUR_MS)
            sent = account_event(rng, user_id, "transfer", at_ms, 800)
            made.append(sent | {"target_id": f"mule{account:02d}", "amount": _paid_to(account)})
    return made


def _paid_to(account: int) -> float:
    return 120.0 + 10 * account


PATIENT = {
    "slow_scraping": (slow_scraping, 2.0),
    "steady_likes": (steady_likes, 6.0),
    "unopened_installs": (unopened_installs, 9.0),
    "burnt_domain": (burnt_domain, 12.0),
    "account_takeover": (account_takeover, 58.0),
    "money_mules": (money_mules, 20.0),
}
"""Each attack, and how many hours after the beginning it begins."""

VICTIMS = {
    "logins_of_victims": (logins_of_victims, 0.0),
    "payments_to_mules": (payments_to_mules, 20.0),
}
"""What those do whom the attacks are about, and when: no attack, and no crowd."""


def is_victims(event: Event) -> bool:
    """Whether somebody does this whom an attack is about."""
    return str(event["user_id"]).startswith((_VICTIM, _DECEIVED))
