"""What looks like a patient attack and is none: people and programs with habits, and with bad luck."""

from random import Random

from engine.sim.attacks import Event
from engine.sim.people import HOUR_MS, Person

_MINUTE_MS = 60_000


def pollers(rng: Random, people: list[Person], start_ms: int) -> list[Event]:
    """Forty programs ask for the same twenty things every ten seconds, like a clock. It looks like slow scraping."""
    made = []
    for number, person in enumerate(rng.sample(people, 40)):
        at_ms = start_ms + rng.randrange(10_000)
        for turn in range(300):
            called = person.event(f"poll-{turn}", "api_call", at_ms + rng.randrange(200))
            made.append(called | {"target_id": f"board-{number}-{turn % 20}", "http": {"status": 200}})
            at_ms += 10_000
    return made


def researchers(rng: Random, people: list[Person], start_ms: int) -> list[Event]:
    """Forty people look through up to two hundred different profiles in an hour or two, some at once, some after a
    while. It looks like slow scraping."""
    made = []
    for person in rng.sample(people, 40):
        at_ms = start_ms + rng.randrange(HOUR_MS)
        for turn, target in enumerate(rng.sample(range(20_000), rng.randrange(80, 200))):
            called = person.event(f"look-{turn}", "api_call", at_ms)
            made.append(called | {"target_id": f"u{target:05d}", "http": {"status": 200}})
            at_ms += 1_500 + int(rng.expovariate(1 / 22_000))
    return made


def gallery(rng: Random, people: list[Person], start_ms: int) -> list[Event]:
    """Sixty people go through an exhibition's pictures and like up to ninety. It looks like steady likes."""
    made = []
    for person in rng.sample(people, 60):
        at_ms = start_ms + rng.randrange(2 * HOUR_MS)
        for picture in range(rng.randrange(45, 90)):
            made.append(person.event(f"art-{picture}", "like", at_ms) | {"target_id": f"picture-{picture}"})
            at_ms += 3_000 + int(rng.lognormvariate(2.8, 0.8) * 1_000)
    return made


def late_openers(rng: Random, people: list[Person], start_ms: int) -> list[Event]:
    """Three hundred people install an app: half open it on that day, others days later, some never. It looks like
    unopened installs."""
    made = []
    for person in rng.sample(people, min(300, len(people))):
        at_ms, chance = start_ms + rng.randrange(8 * HOUR_MS), rng.random()
        made.append(person.event("install", "install", at_ms) | {"publisher": "honest-pub", "target_id": "app"})
        if chance < 0.8:
            hours = rng.uniform(0.02, 20) if chance < 0.55 else rng.uniform(25, 60)
            made.append(person.event("open", "open", at_ms + int(hours * HOUR_MS)))
    return made


def misjudged_link(rng: Random, people: list[Person], start_ms: int) -> list[Event]:
    """Three hundred and fifty people share a shop's link within two days, and moderators take two of them for spam.
    It looks like a burnt domain."""
    made = []
    for person in rng.sample(people, min(350, len(people))):
        event = person.event("shop", "post", start_ms + rng.randrange(40 * HOUR_MS))
        words = rng.choice(("their sale has begun", "bought my lamp there", "open again", "nice people"))
        made.append(event | {"text": f"{words} https://corner-shop.example/?from={rng.getrandbits(20):x}"})
    return made


def new_phones(rng: Random, people: list[Person], start_ms: int) -> list[Event]:
    """Eighty people log in at home, and two days later with a new phone or a public terminal, having mistyped their
    password. It looks like a take-over."""
    made = []
    for person in rng.sample(people, 80):
        at_ms, device = start_ms + rng.randrange(6 * HOUR_MS), rng.choice(("library-1", f"{person.device_id}-new"))
        made.append(person.event("home", "login_ok", at_ms) | {"country": "DE"})
        made += _mistyped(rng, person, at_ms + 48 * HOUR_MS, {"country": "DE", "device_id": device})
    return made


def travellers(rng: Random, people: list[Person], start_ms: int) -> list[Event]:
    """Eighty people log in at home, and two days later abroad, on their own phone, having mistyped their password. It
    looks like a take-over."""
    made = []
    for person in rng.sample(people, 80):
        at_ms = start_ms + rng.randrange(6 * HOUR_MS)
        made.append(person.event("here", "login_ok", at_ms) | {"country": "DE"})
        made += _mistyped(rng, person, at_ms + 48 * HOUR_MS, {"country": rng.choice(("BR", "VN", "IT"))})
    return made


def flat_shares(rng: Random, people: list[Person], start_ms: int) -> list[Event]:
    """Sixty people collect the rent from three flatmates, or for a club from twenty members, and send all of it on. It
    looks like money mules."""
    made = []
    for collector in rng.sample(people, 60):
        members = 3 if collector.account_age_days < 180 else 20
        for payer in rng.sample([one for one in people if one is not collector], members):
            at_ms = start_ms + rng.randrange(6 * HOUR_MS)
            paid = payer.event(f"to-{collector.user_id}", "transfer", at_ms)
            made.append(paid | {"target_id": collector.user_id, "amount": 400.0})
        sent_on = collector.event("rent", "transfer", start_ms + 7 * HOUR_MS)
        made.append(sent_on | {"target_id": "landlord", "amount": 400.0 * members})
    return made


def _mistyped(rng: Random, person: Person, at_ms: int, there: Event) -> list[Event]:
    """Three or four wrong passwords, then the right one."""
    made = []
    for number, kind in enumerate((*["login_fail"] * rng.randrange(3, 5), "login_ok")):
        made.append(person.event(f"{kind}-{at_ms}-{number}", kind, at_ms) | there)
        at_ms += rng.randrange(5_000, _MINUTE_MS)
    return made


HABITS = {
    "pollers": (pollers, 3.0),
    "researchers": (researchers, 5.0),
    "gallery": (gallery, 7.0),
    "late_openers": (late_openers, 8.0),
    "misjudged_link": (misjudged_link, 10.0),
    "new_phones": (new_phones, 1.0),
    "travellers": (travellers, 9.0),
    "flat_shares": (flat_shares, 11.0),
}
"""Each crowd, and how many hours after the beginning it begins."""
