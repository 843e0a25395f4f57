"""More of what looks like an attack and is none: one crowd for each way to abuse what a platform pays for."""

from random import Random

from engine.sim.attacks import Event
from engine.sim.people import HOUR_MS, Person

_MINUTE_MS = 60_000


def open_day(rng: Random, people: list[Person], start_ms: int) -> list[Event]:
    """A hundred and fifty pupils register in the school's network, on phones of their own; some have a sister's."""
    made = []
    for person in rng.sample(people, min(150, len(people))):
        event = person.event("signup", "signup", start_ms + rng.randrange(HOUR_MS))
        made.append(event | {"ip": f"192.0.2.{rng.randrange(1, 20)}"})
    return made


def integrations(rng: Random, people: list[Person], start_ms: int) -> list[Event]:
    """Thirty programs ask for the same twenty things every few seconds, for an hour; now and then one is gone."""
    made = []
    for number, person in enumerate(rng.sample(people, min(30, len(people)))):
        at_ms = start_ms
        while at_ms < start_ms + HOUR_MS:
            event = person.event(f"call-{at_ms}", "api_call", at_ms)
            status = 404 if rng.random() < 0.01 else 200
            made.append(event | {"target_id": f"feed-{number}-{rng.randrange(20)}", "http": {"status": status}})
            at_ms += rng.randrange(5_000, 20_000)
    return made


def popular_inviter(rng: Random, people: list[Person], start_ms: int) -> list[Event]:
    """Three hundred people follow one person's invitation within an evening, each at home."""
    inviter = rng.choice(people).user_id
    return [
        person.event("invited", "referral", start_ms + rng.randrange(4 * HOUR_MS)) | {"target_id": inviter}
        for person in rng.sample(people, min(300, len(people)))
    ]


def popular_page(rng: Random, people: list[Person], start_ms: int) -> list[Event]:
    """Six hundred readers see a page's ads; one look in fifty ends in a click."""
    made = []
    for person in rng.sample(people, min(600, len(people))):
        for number in range(rng.randrange(1, 5)):
            kind = "ad_click" if rng.random() < 0.02 else "ad_view"
            event = person.event(f"ad-{number}", kind, start_ms + rng.randrange(2 * HOUR_MS))
            made.append(event | {"publisher": "good-pub", "target_id": f"ad{rng.randrange(40)}"})
    return made


def premiere(rng: Random, people: list[Person], start_ms: int) -> list[Event]:
    """Five hundred fans come to a stream within minutes, all cheer, a few give small gifts."""
    made = []
    for person in rng.sample(people, min(500, len(people))):
        at_ms = start_ms + rng.randrange(15 * _MINUTE_MS)
        made.append(person.event("watch", "watch", at_ms) | {"target_id": "stream-good"})
        for number in range(rng.randrange(6)):
            at_ms += rng.randrange(5_000, 60_000)
            cheer = {"target_id": "stream-good", "text": rng.choice(("go go go", "first", "❤❤❤", "what a song"))}
            made.append(person.event(f"chat-{number}", "chat", at_ms) | cheer)
        if rng.random() < 0.1:
            made.append(person.event("gift", "gift", at_ms) | {"target_id": "stream-good", "amount": 5.0})
    return made


def sale_day(rng: Random, people: list[Person], start_ms: int) -> list[Event]:
    """Two hundred people buy several things with one or two cards, and send one back."""
    made = []
    for person in rng.sample(people, min(200, len(people))):
        at_ms, cards = start_ms + rng.randrange(8 * HOUR_MS), [f"{person.user_id}-card-{n}" for n in range(2)]
        for number in range(rng.randrange(2, 9)):
            status = "declined" if rng.random() < 0.04 else "ok"
            paid = {"amount": 25.0, "payment": {"card": rng.choice(cards), "status": status}}
            made.append(person.event(f"buy-{number}", "payment", at_ms) | paid)
            at_ms += rng.randrange(_MINUTE_MS, 20 * _MINUTE_MS)
        if rng.random() < 0.3:
            made.append(person.event("refund", "refund", at_ms) | {"amount": 25.0})
    return made


def disputed_post(rng: Random, people: list[Person], start_ms: int) -> list[Event]:
    """A thousand people see a post that divides them; sixty, old and new, report it."""
    made = []
    for number, person in enumerate(rng.sample(people, min(1_000, len(people)))):
        kind = "report" if number % 16 == 0 else "view"
        made.append(
            person.event("disputed", kind, start_ms + rng.randrange(3 * HOUR_MS)) | {"target_id": "post-disputed"}
        )
    return made


CROWDS = {
    "open_day": (open_day, 9.0),
    "integrations": (integrations, 7.0),
    "popular_inviter": (popular_inviter, 18.0),
    "popular_page": (popular_page, 12.5),
    "premiere": (premiere, 20.0),
    "sale_day": (sale_day, 9.0),
    "disputed_post": (disputed_post, 16.0),
}
"""Each crowd, and the hour of the day at which it begins."""
