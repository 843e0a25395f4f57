"""Scenes with pictures: rings whose posts say nothing but in a picture, and crowds that pass pictures on.

An event has its pictures as base64, as a producer sends it; what they say is found out before it is decided
(`floodgate enrich`).
"""

from random import Random

from engine.sim.attacks import Event, account_event
from engine.sim.drawing import altered, draw, in_event, with_code, with_logo, with_text
from engine.sim.people import HOUR_MS, Person, populate
from engine.sim.text import paraphrase
from engine.sim.world import DEFAULT_START_MS, FIRST_SEED, SimulatedEvent, of_its_own

_MINUTE_MS = 60_000
_PITCH = "my uncle doubled his savings with this simple trading system write to me and start earning from home"
_JOKE = "my dog has joined a gym he says the other dogs only look at his ball and nobody wipes the mats"


def picture_ring(rng: Random, start_ms: int) -> list[Event]:
    """A hundred bought accounts post three advertisements a few times each within forty minutes: pictures without a
    word, each time compressed, scaled, cut, stuck or written on anew."""
    made, advertisements = [], [draw(rng) for _ in range(3)]
    for account in range(100):
        age_days, at_ms = rng.randrange(5, 700), start_ms + rng.randrange(25 * _MINUTE_MS)
        for _ in range(rng.randrange(3, 6)):
            kind = rng.choice(("post", "comment"))
            event = account_event(rng, f"painter{account:03d}", kind, at_ms, age_days)
            made.append(event | {"image": in_event(rng, altered(rng, rng.choice(advertisements)))})
            at_ms += rng.randrange(_MINUTE_MS, 5 * _MINUTE_MS)
    return made


def coded_links(rng: Random, start_ms: int) -> list[Event]:
    """Eighty bought accounts post a QR code that leads to one of two pages which ask for passwords, each on a picture
    of its own."""
    made, domains = [], [f"sign-in-{rng.getrandbits(16):04x}.example" for _ in range(2)]
    for account in range(80):
        age_days, at_ms = rng.randrange(5, 700), start_ms + rng.randrange(30 * _MINUTE_MS)
        for _ in range(rng.choice((1, 1, 2))):
            link = f"https://{rng.choice(domains)}/{rng.getrandbits(24):x}"
            event = account_event(rng, f"coder{account:03d}", rng.choice(("post", "comment")), at_ms, age_days)
            made.append(event | {"image": in_event(rng, with_code(rng, draw(rng), link))})
            at_ms += rng.randrange(_MINUTE_MS, 10 * _MINUTE_MS)
    return made


def meme_picture(rng: Random, people: list[Person], start_ms: int) -> list[Event]:
    """Two hundred and fifty people pass the same picture on within an hour, some with a line of their own on it. It
    looks like a picture ring."""
    made, meme = [], draw(rng)
    for person in rng.sample(people, min(250, len(people))):
        passed_on = altered(rng, meme) if rng.random() < 0.4 else meme
        event = person.event("meme-picture", "post", start_ms + rng.randrange(HOUR_MS))
        made.append(event | {"image": in_event(rng, passed_on)})
    return made


def concert_poster(rng: Random, people: list[Person], start_ms: int) -> list[Event]:
    """A hundred and twenty people share a poster whose QR code leads to the tickets. It looks like coded links."""
    made, poster = [], with_code(rng, draw(rng), "https://tickets.example/band")
    for person in rng.sample(people, min(120, len(people))):
        event = person.event("poster", "post", start_ms + rng.randrange(HOUR_MS))
        made.append(event | {"image": in_event(rng, poster)})
    return made


def shop_logo(rng: Random, people: list[Person], start_ms: int) -> list[Event]:
    """Thirty branches of a shop show what they have: a picture of it with the shop's logo, and the logo once more. It
    looks like a picture ring."""
    made, logo = [], draw(rng)
    for person in rng.sample(people, min(30, len(people))):
        for number in range(rng.randrange(3, 6)):
            event = person.event(f"offer-{number}", "post", start_ms + rng.randrange(3 * HOUR_MS))
            shown = [with_logo(draw(rng), logo), logo]
            made.append(event | {"images": [in_event(rng, picture) for picture in shown]})
    return made


def holiday_pictures(rng: Random, people: list[Person], start_ms: int) -> list[Event]:
    """A hundred people post pictures that they have taken."""
    made = []
    for person in rng.sample(people, min(100, len(people))):
        event = person.event("holiday", "post", start_ms + rng.randrange(4 * HOUR_MS))
        made.append(event | {"images": [in_event(rng, draw(rng)) for _ in range(rng.randrange(1, 3))]})
    return made


def written_pictures(rng: Random, start_ms: int) -> list[Event]:
    """Thirty bought accounts send strangers the same pitch a few times within half an hour, in words that change a
    little, as text in a picture, each on another one."""
    made = []
    for account in range(30):
        age_days, at_ms = rng.randrange(5, 700), start_ms + rng.randrange(20 * _MINUTE_MS)
        for _ in range(rng.randrange(3, 6)):
            event = account_event(rng, f"writer{account:03d}", "message", at_ms, age_days)
            picture = with_text(rng, draw(rng), paraphrase(rng, _PITCH))
            made.append(event | {"image": in_event(rng, picture), "target_id": f"u{rng.randrange(1500):05d}"})
            at_ms += rng.randrange(_MINUTE_MS, 5 * _MINUTE_MS)
    return made


def written_joke(rng: Random, people: list[Person], start_ms: int) -> list[Event]:
    """Thirty people send a friend the same joke, as text in a picture. It looks like written pictures."""
    made, joke = [], with_text(rng, draw(rng), _JOKE)
    for person in rng.sample(people, min(30, len(people))):
        event = person.event("joke", "message", start_ms + rng.randrange(HOUR_MS))
        made.append(event | {"image": in_event(rng, joke), "target_id": rng.choice(people).user_id})
    return made


PICTURE_ATTACKS = {"picture_ring": (picture_ring, 9.5), "coded_links": (coded_links, 16.0)}
PICTURE_CROWDS = {
    "meme_picture": (meme_picture, 11.0),
    "concert_poster": (concert_poster, 12.0),
    "shop_logo": (shop_logo, 8.0),
    "holiday_pictures": (holiday_pictures, 13.0),
}
WRITTEN_ATTACKS = {"written_pictures": (written_pictures, 18.0)}
WRITTEN_CROWDS = {"written_joke": (written_joke, 20.0)}
"""Each scene, and the hour of the day at which it begins. What is written in pictures takes long to read."""


def simulate_pictures(
    seed: int = FIRST_SEED, people: int = 1_500, start_ms: int = DEFAULT_START_MS, written: bool = False
) -> list[SimulatedEvent]:
    """The scenes of one day, in the order of their times. They are a function of the seed; those who pass pictures on
    are the people of that seed's day. `written`: also those whose pictures have to be read."""
    rng, population = Random(f"pictures {seed}"), populate(Random(seed), people)
    scenes = [(PICTURE_ATTACKS, PICTURE_CROWDS), *([(WRITTEN_ATTACKS, WRITTEN_CROWDS)] if written else [])]
    made = []
    for attacks, crowds in scenes:
        for name, (attack, hour) in attacks.items():
            made += [SimulatedEvent(event, name) for event in attack(rng, start_ms + int(hour * HOUR_MS))]
        for name, (crowd, hour) in crowds.items():
            events = crowd(rng, population, start_ms + int(hour * HOUR_MS))
            made += [SimulatedEvent(event, None, name) for event in events]
    return sorted(of_its_own(made, seed), key=lambda simulated: int(str(simulated.event["ts"])))
