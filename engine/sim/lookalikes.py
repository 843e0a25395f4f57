"""What looks like an attack and is none: crowds of normal people who happen to do the same thing."""

from collections.abc import Callable
from dataclasses import replace
from random import Random

from engine.sim.attacks import Event
from engine.sim.people import HOUR_MS, Person, day_of, populate

LookAlike = Callable[[Random, list[Person], int], list[Event]]

_MEME = "nobody: absolutely nobody: my cat at three in the morning running through the whole flat like a race horse"


def viral_link(rng: Random, people: list[Person], start_ms: int) -> list[Event]:
    """Four hundred people share the same article within an hour. It looks like a link swarm."""
    made = []
    for person in rng.sample(people, min(400, len(people))):
        comment = rng.choice(("read this", "so good", "important", "what do you think", "long, but worth it"))
        event = person.event("viral", "post", start_ms + rng.randrange(HOUR_MS))
        event["text"] = f"{comment} https://www.daily-news.example/2026/03/the-article?ref={rng.getrandbits(20):x}"
        made.append(event)
    return made


def meme_text(rng: Random, people: list[Person], start_ms: int) -> list[Event]:
    """Three hundred people paste the same joke. It looks like a copy-paste ring."""
    made = []
    for person in rng.sample(people, min(300, len(people))):
        event = person.event("meme", "comment", start_ms + rng.randrange(HOUR_MS))
        event["text"] = f"{_MEME} {rng.choice(('lol', '😂😂', '!!!', 'hahaha', ''))}".strip()
        event["target_id"] = rng.choice(people).user_id
        made.append(event)
    return made


def campus_nat(rng: Random, people: list[Person], start_ms: int) -> list[Event]:
    """Two hundred and fifty students behind one address, on their own laptops, some of whom mistype their
    passwords. It looks like login stuffing."""
    made = []
    for number, student in enumerate(populate(rng, 250)):
        here = replace(
            student, user_id=f"campus{number:03d}", ip="192.0.2.77", activity=min(12.0, student.activity), wakes_h=8.0
        )
        made += day_of(rng, here, people, start_ms, number=0)
    return made


def popular_creator(rng: Random, people: list[Person], start_ms: int) -> list[Event]:
    """Five hundred people like and follow the same person within two hours. It looks like an engagement farm."""
    made = []
    creator = rng.choice(people).user_id
    for person in rng.sample(people, min(500, len(people))):
        event = person.event("fan", rng.choice(("like", "like", "follow")), start_ms + rng.randrange(2 * HOUR_MS))
        event["target_id"] = creator
        made.append(event)
    return made


LOOKALIKES: dict[str, tuple[LookAlike, float]] = {
    "viral_link": (viral_link, 10.0),
    "meme_text": (meme_text, 14.0),
    "campus_nat": (campus_nat, 0.0),
    "popular_creator": (popular_creator, 19.0),
}
"""Each look-alike, and the hour of the day at which it begins."""
