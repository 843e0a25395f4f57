"""Random counters of what becomes of events, rules about it, and what people do meanwhile: labels and revocations."""

import random

from tests.property.differential.description import (
    Arriving,
    Book,
    Labelled,
    Revoked,
    Sent,
)
from tests.property.differential.generation import Maker, is_duration

LABELS = (("label.spam",), ("label.spam",), ("label.ham",), ("label.spam", "label.ham"))


def add_counters(maker: Maker) -> None:
    """Counters of labels, of the hits of the rules that are there, and of actions. What comes of these rules is no
    question of theirs."""
    rng, book = maker.rng, maker.book
    hits = [(f"{'shadow' if rule.is_shadow else 'hit'}.{name}",) for name, rule in book.rules.items()]
    kinds = sorted({deed.kind for rule in book.rules.values() if not rule.is_shadow for deed in rule.then})
    actions = [("action.any",), *((f"action.{kind}",) for kind in kinds)]
    for number in range(rng.randint(1, 4)):
        pool = rng.choice((LABELS, hits, hits, actions) if hits else (LABELS,))
        name, of = f"f{number}", rng.choice(pool)
        counter = maker.counter(of)
        book.counters[name] = counter
        (maker.durations if is_duration(counter) else maker.numbers).append(name)


def with_people(rng: random.Random, book: Book, stream: list[Sent]) -> list[Arriving]:
    """The same stream, with labels and revocations in between."""
    asked = {kind for one in book.counters.values() for kind in one.of}
    asked |= {kind for one in book.rules.values() for kind in one.events}
    labels = any(kind.startswith("label.") for kind in asked)
    revocations = any(kind.startswith(("hit.", "action.")) for kind in asked)
    made, places, now = list[Arriving](), list[int](), 0
    for sent in stream:
        now = sent.arrived_ms
        places.append(len(made))
        made.append(sent)
        while labels and places and rng.random() < 0.35:
            place = rng.choice(places[-5:])
            verdict = rng.choice(("spam", "spam", "ham", "retracted"))
            made.append(Labelled(place, verdict, now - rng.choice((0, 0, 0, 1, 5_000, 10_000, 300_000)), now))
        while revocations and rng.random() < 0.3:
            place = rng.randrange(max(0, len(made) - 6), len(made))
            rules = [
                (name, deed.kind)
                for name, rule in book.rules.items()
                if not rule.is_shadow and isinstance(made[place], Labelled) == rule.events[0].startswith("label.")
                for deed in rule.then
            ]
            if rules:
                made.append(Revoked(place, *rng.choice(rules), now))
    return made
