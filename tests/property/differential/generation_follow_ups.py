"""Random counters of what becomes of events, rules about it, and what people do meanwhile: labels and revocations."""

import random

from tests.property.differential.description import (
    Arriving,
    Book,
    Counter,
    Deed,
    Expr,
    Labelled,
    Ladder,
    Mark,
    Rest,
    Revoked,
    Rule,
    Sent,
)
from tests.property.differential.generation import ACTIONS, COMPARISONS, MAX_ACTIONS, OVERS, Maker, is_duration
from tests.property.differential.running import SEVERAL

LABELS = (("label.spam",), ("label.spam",), ("label.ham",), ("label.spam", "label.ham"))


def add_counters(maker: Maker) -> None:
    """Counters of labels, of the hits of the rules that are there, and of actions. What comes of these rules is no
    question of theirs."""
    rng, book = maker.rng, maker.book
    hits = [(f"{'shadow' if rule.is_shadow else 'hit'}.{name}",) for name, rule in book.rules.items()]
    kinds = sorted({deed.kind for rule in book.rules.values() if not rule.is_shadow for deed in deeds_of(book, rule)})
    actions = [("action.any",), *((f"action.{kind}",) for kind in kinds)]
    first = sum(name[0] == "f" for name in book.counters)
    for number in range(first, first + rng.randint(1, 4)):
        pool = rng.choice((LABELS, hits, hits, actions) if hits else (LABELS,))
        name, of = f"f{number}", rng.choice(pool)
        counter = maker.counter(of)
        book.counters[name] = counter
        (maker.durations if is_duration(counter) else maker.numbers).append(name)


def deeds_of(book: Book, rule: Rule) -> list[Deed]:
    """What a rule may do."""
    return [*rule.then] if rule.ladder is None else [deed for _, deed in book.ladders[rule.ladder].steps]


def add_consequences(maker: Maker) -> None:
    """The rules that are there rest, stand on ladders, and set marks that others may ask about."""
    rng, book = maker.rng, maker.book
    places = (("user_id",), ("user_id",), ("device_id",), ("target_id",), ("title",), ("user_id", "target_id"))
    for name in [name for name in ("k0", "k1") if rng.random() < 0.6]:
        book.marks[name] = Mark(rng.choice(places), rng.choice((*OVERS, *OVERS[-2:])))
    for name in [name for name in ("l0",) if rng.random() < 0.6]:
        most = sorted(rng.sample(range(1, 6), rng.randint(1, 3)))
        steps = tuple((at, Deed(rng.choice(ACTIONS), "x", "user", rng.choice((None, "1h")))) for at in most)
        book.ladders[name] = Ladder(rng.choice(OVERS), steps)
    marks, names = [*book.marks], [*book.rules]
    for name in names:
        rule = _easy(maker, book.rules[name]) if rng.random() < 0.7 else book.rules[name]
        if book.ladders and rng.random() < 0.4:
            rule = rule._replace(ladder="l0", then=(Deed("flag"),))
        elif marks and rng.random() < 0.6:
            deeds = rule.then[: MAX_ACTIONS - 1]
            at = rng.choice((0, len(deeds)))
            rule = rule._replace(then=(*deeds[:at], Deed("mark", marks.pop()), *deeds[at:]))
        if rng.random() < 0.6:
            rule = rule._replace(rest=Rest(rng.choice(places), rng.choice(OVERS)))
        book.rules[name] = rule
    for mark in marks:  # no rule sets it
        del book.marks[mark]
    if book.ladders and not any(rule.ladder for rule in book.rules.values()):
        book.ladders.clear()
    maker.flags += [f"marked.{name}" for name in book.marks]


def _easy(maker: Maker, rule: Rule) -> Rule:
    """The same rule with a clause that holds often: else little follows."""
    rng = maker.rng
    known = [("known", ("name", name)) for name in ("user_id", "amount", "title")]
    return rule._replace(when=(rng.choice((*known, maker.condition(0))),), any=(), unless=(), macro=None)


def add_lookbacks(maker: Maker) -> None:
    """Rules that reach those who came before: a counter of something shared is high enough, and the event is so."""
    rng, book = maker.rng, maker.book
    for number in range(rng.randint(1, 2)):
        by = rng.choice((("device_id",), ("target_id",), ("title",), ("type",), ("user_id", "target_id"), ("small",)))
        theirs: list[Expr] = []
        for at in range(rng.choice((1, 1, 1, 2))):
            name, field = f"b{number}{at}", rng.choice(("user_id", "event_id", "amount", "tags"))
            kind = rng.choice(("count", "distinct")) if field not in by else "count"
            where = maker.where(by) if rng.random() < 0.2 else None
            of = rng.choice((("any",), ("post",), ("post", "comment"), *LABELS[:1]))
            cap = rng.randint(6, 9) if rng.random() < 0.1 else None
            counted = (kind, field if kind == "distinct" else None, of, by, rng.choice(OVERS), where, cap)
            book.counters[name] = Counter(*counted)
            maker.numbers.append(name)
            op = rng.choice((">=", ">=", ">=", ">")) if rng.random() < 0.9 else rng.choice(COMPARISONS)
            theirs.append(("compare", op, ("name", name), ("const", rng.randint(1, 4))))
        ours = [maker.where(("user_id",)) for _ in range(rng.choice((0, 0, 1)))]
        without = (maker.where(("user_id",)),) if rng.random() < 0.2 else ()
        one_of = len(theirs) == 2 and rng.random() < 0.4
        when, some = ((*ours,), (*theirs,)) if one_of else ((*ours, *theirs), ())
        deeds = maker.deeds()
        known = ("user", "event", deeds[0].target)
        deeds = (deeds[0], *(deed for deed in deeds[1:] if deed.target in known))
        rest = Rest(("user_id",), rng.choice(OVERS)) if rng.random() < 0.3 else None
        events = rng.choice((("any",), ("post",), ("comment", "pay")))
        book.rules[f"{SEVERAL}{len(book.rules)}"] = Rule(
            events, when, some, without, None, rng.random() < 0.2, deeds, rest, None, rng.choice(OVERS)
        )


def with_people(rng: random.Random, book: Book, stream: list[Sent]) -> list[Arriving]:
    """The same stream, with labels and revocations in between."""
    asked = {kind for one in book.counters.values() for kind in one.of}
    asked |= {kind for one in book.rules.values() for kind in one.events}
    labels = any(kind.startswith("label.") for kind in asked)
    revocations = any(kind.startswith(("hit.", "action.")) for kind in asked) or bool(book.marks or book.ladders)
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
                for deed in deeds_of(book, rule)
            ]
            if rules:
                made.append(Revoked(place, *rng.choice(rules), now))
    return made
