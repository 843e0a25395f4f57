"""Random sequences and absences, and counters of and rules about these."""

from tests.property.differential.description import Absence, Rule, Sequence, Step
from tests.property.differential.generation import OVERS, TYPES, Maker, is_duration
from tests.property.differential.running import SEVERAL

OF = (("post",), ("comment",), ("pay",), ("post", "comment"))


def add_sequences(maker: Maker) -> None:
    """Sequences, as flags that clauses name."""
    rng = maker.rng
    for number in range(rng.randint(1, 3)):
        by = rng.choice((("user_id",), ("user_id",), ("device_id",), ("title",), ("user_id", "device_id"), ("box",)))
        steps = []
        for _ in range(rng.choice((1, 2, 2, 2, 3))):
            where = maker.where(by) if rng.random() < 0.25 else None
            steps.append(Step(rng.choice(OF), rng.choice((1, 1, 1, 2, 3)), where))
        if len(steps) == 1:
            steps = [steps[0]._replace(times=rng.randint(2, 4))]
        without = tuple(rng.sample(TYPES, 1)) if rng.random() < 0.4 else ()
        if any(kind in step.of for kind in without for step in steps):
            without = ()
        maker.book.sequences[f"q{number}"] = Sequence(tuple(steps), rng.choice(OVERS), by, without)
        maker.flags.append(f"q{number}")


def add_absences(maker: Maker) -> None:
    """Absences; counters count some, and rules are about them."""
    rng, book = maker.rng, maker.book
    for number in range(rng.randint(1, 2)):
        name, after = f"w{number}", rng.choice(OF)
        book.sequences[name] = Absence(after, rng.choice(OF), rng.choice(OVERS))
        if rng.random() < 0.6:
            counter = book.counters[f"a{number}"] = maker.counter((f"absent.{name}",))
            (maker.durations if is_duration(counter) else maker.numbers).append(f"a{number}")
    for name in [name for name, one in book.sequences.items() if isinstance(one, Absence)]:
        clause = maker.condition(rng.choice((0, 0, 1)))
        book.rules[f"{SEVERAL}{len(book.rules)}"] = Rule((f"absent.{name}",), any=(clause, maker.condition(0)))
