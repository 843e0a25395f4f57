"""Random cases of all kinds."""

import random
from dataclasses import replace

from engine.errors import RulebookError
from engine.rulebook.compiler import load_rulebook
from tests.property.differential.description import Arriving, Book, Expr
from tests.property.differential.generation import Maker, make_case, stream
from tests.property.differential.generation_follow_ups import add_consequences, add_counters, add_lookbacks, with_people
from tests.property.differential.generation_sequences import add_absences, add_sequences
from tests.property.differential.generation_tables import make_tables, with_lies
from tests.property.differential.running import Case

KINDS = ("plain", "follow-ups", "consequences", "lookbacks", "sequences", "absences", "tables")


def make(rng: random.Random, kind: str | None = None) -> Case:
    """A case of a kind, or of any: one in two is plain."""
    chosen = kind or rng.choice((KINDS[0], rng.choice(KINDS)))
    makers = {"follow-ups": make_follow_ups, "consequences": make_consequences, "lookbacks": make_lookbacks,
              "sequences": make_sequences,
              "absences": make_absences, "tables": with_tables}  # fmt: skip
    return makers.get(chosen, make_case)(rng)


def make_follow_ups(rng: random.Random, clauses: int = 8) -> Case:
    """Rules, counters of what becomes of events, and rules that read these."""
    dense = rng.random() < 0.1
    maker = Maker(rng, dense)
    maker.make_rules(rng.randint(1, 3), follow_ups=True)
    add_counters(maker)
    maker.make_rules(rng.randint(0, 2), follow_ups=True)
    asked = [maker.about_counter(rng.choice([one for one in maker.book.counters if one[0] == "f"])) for _ in range(4)]
    asked += [maker.condition(rng.choice((0, 0, 1, 1, 2))) for _ in range(clauses - 4)]
    sent: list[Arriving] = [*stream(rng, dense)]
    if rng.random() < 0.7:
        sent = with_people(rng, maker.book, stream(rng, dense))
    return Case(maker.book, asked, sent, stored=rng.random() < 0.15)


def make_consequences(rng: random.Random, clauses: int = 8) -> Case:
    """Rules that rest, ladders and marks, and rules that read these; with counters of follow-ups, at times."""
    dense = rng.random() < 0.1
    maker = Maker(rng, dense)
    maker.make_rules(rng.randint(1, 3), follow_ups=True)
    add_consequences(maker)
    if rng.random() < 0.5:
        add_counters(maker)
    maker.make_rules(rng.randint(0, 2), follow_ups=True)
    asked: list[Expr] = [("name", name) for name in maker.flags if name.startswith("marked.")]
    asked += [maker.condition(rng.choice((0, 0, 1, 1, 2))) for _ in range(clauses - len(asked))]
    sent: list[Arriving] = [*stream(rng, dense)]
    if rng.random() < 0.7:
        sent = with_people(rng, maker.book, stream(rng, dense))
    case = Case(maker.book, asked, sent, stored=rng.random() < 0.15)
    return case if _is_taken(case) else replace(case, book=_resting_at_users(case.book))


def make_lookbacks(rng: random.Random, clauses: int = 8) -> Case:
    """Rules that reach earlier events, and counters of what comes of that."""
    dense = rng.random() < 0.15
    maker = Maker(rng, dense)
    add_lookbacks(maker)
    if rng.random() < 0.5:
        add_counters(maker)
    maker.make_rules(rng.randint(0, 1), follow_ups=True)
    asked = [maker.about_counter(name) for name in maker.book.counters if name[0] in "abf"][:5]
    asked += [maker.condition(rng.choice((0, 0, 1))) for _ in range(clauses - len(asked))]
    sent: list[Arriving] = [*stream(rng, dense)]
    if rng.random() < 0.4:
        sent = with_people(rng, maker.book, stream(rng, dense))
    case = Case(maker.book, asked, sent, stored=rng.random() < 0.3)
    return case if _is_taken(case, "`also: earlier`") else make_lookbacks(rng, clauses)


def _is_taken(case: Case, unless: str = "with a cooldown per") -> bool:
    """Whether the language takes the rulebook: of a rule that rests at an entity by which it counts, or that reaches
    earlier events, no clause may be about both the entity and the event."""
    try:
        load_rulebook(case.rulebook().sources())
    except RulebookError as error:
        if unless in str(error):
            return False
        raise
    return True


def _resting_at_users(book: Book) -> Book:
    rules = {
        name: rule if rule.rest is None else rule._replace(rest=rule.rest._replace(per=("user_id",)))
        for name, rule in book.rules.items()
    }
    return replace(book, rules=rules)


def make_sequences(rng: random.Random, clauses: int = 8) -> Case:
    """Sequences, alone and in conditions."""
    dense = rng.random() < 0.2
    maker = Maker(rng, dense)
    add_sequences(maker)
    asked: list[Expr] = [("name", name) for name in maker.book.sequences]
    asked += [maker.condition(rng.choice((0, 1, 1, 2))) for _ in range(clauses - len(asked))]
    maker.make_rules(rng.randint(0, 2))
    return Case(maker.book, asked, [*stream(rng, dense)], stored=rng.random() < 0.3)


def make_absences(rng: random.Random, clauses: int = 8) -> Case:
    """Waits: they end while events come."""
    maker = Maker(rng, dense=False)
    add_absences(maker)
    if rng.random() < 0.5:
        add_counters(maker)
    counted = [name for name in maker.book.counters if name[0] in "af"]
    asked = [maker.about_counter(rng.choice(counted)) for _ in range(3 if counted else 0)]
    asked += [maker.condition(rng.choice((0, 1, 1, 2))) for _ in range(clauses - len(asked))]
    return Case(maker.book, asked, with_people(rng, maker.book, stream(rng, dense=False)))


def with_tables(rng: random.Random, clauses: int = 8) -> Case:
    """Reference data, alone and with what becomes of events."""
    dense, tables = rng.random() < 0.1, make_tables(rng)
    maker = Maker(rng, dense, tables)
    maker.make_rules(rng.randint(1, 2), follow_ups=True)
    if rng.random() < 0.4:
        add_counters(maker)
    asked = [maker.condition(rng.choice((0, 0, 1, 1, 2))) for _ in range(clauses)]
    if rng.random() < 0.5:  # else follow-ups may be all that needs them
        asked += [("known", ("name", name)) for name in maker.book.columns]
    sent = with_lies(rng, tables, stream(rng, dense))
    return Case(maker.book, asked, with_people(rng, maker.book, sent))
