"""The engine agrees with a slow and plain evaluator on random rulebooks and streams, clause by clause."""

import os
import random
from collections import Counter

import pytest

from tests.property.differential.campaign import smallest
from tests.property.differential.description import (
    Absence,
    Arriving,
    Book,
    Deed,
    Expr,
    Field,
    Labelled,
    Ladder,
    Mark,
    Rest,
    Revoked,
    Row,
    Rule,
    Sent,
    Sequence,
    Step,
    Table,
)
from tests.property.differential.description import Counter as Declared
from tests.property.differential.generation import START_MS
from tests.property.differential.making import KINDS, make
from tests.property.differential.running import Case, run

CASES = int(os.environ.get("FLOODGATE_DIFFERENTIAL_CASES", "20000"))
SHARES = 4


@pytest.mark.parametrize("share", range(SHARES))
def test_the_engine_answers_every_clause_as_the_reference_does(share: int) -> None:
    compare(f"test {share}", KINDS[0], CASES // SHARES)


@pytest.mark.parametrize("kind", KINDS[1:])
def test_it_does_so_for_what_needs_more_than_events(kind: str) -> None:
    compare(f"test {kind}", kind, CASES // 40)


def compare(seed: str, kind: str, cases: int) -> None:
    compared, streams = 0, 0
    answers: Counter[bool | None] = Counter()
    while compared < cases or streams < 3:
        case = make(random.Random(f"{seed} {streams}"), kind)
        outcome = run(case)
        if outcome.differences:
            pytest.fail(smallest(case, outcome.differences, False), pytrace=False)
        compared, streams = compared + outcome.compared, streams + 1
        answers.update(outcome.answers)
    assert all(answers[answer] > compared / 20 for answer in (True, False, None))


def posts(*at_s: float, **fields: object) -> list[Arriving]:
    made: list[Arriving] = []
    for index, seconds in enumerate(at_s):
        ts = START_MS + round(seconds * 1000)
        made.append(Sent({"event_id": f"e{index}", "type": "post", "user_id": "u", "ts": ts, **fields}, ts))
    return made


def differs(counter: Declared, limit: int, stream: list[Arriving], other: Declared) -> bool:
    """Whether the comparison tells two counters apart."""
    clause = ("compare", ">", ("name", "n"), ("const", limit))
    engine, reference = (Case(Book(counters={"n": one}), [clause], stream) for one in (counter, other))
    return bool(run(engine, against=reference).differences)


@pytest.mark.parametrize(
    "other",
    [
        Declared("count", None, ("any",), ("user_id",), "9999ms"),
        Declared("count", None, ("any",), ("user_id",), "10001ms"),
        Declared("count", None, ("comment",), ("user_id",), "10s"),
        Declared("distinct", "device_id", ("any",), ("user_id",), "10s"),
    ],
)
def test_another_counter_would_be_noticed(other: Declared) -> None:
    """Shows that the test above can fail."""
    stream = posts(0, 0.001, 5, 10, 10.001, device_id="d")
    counter = Declared("count", None, ("any",), ("user_id",), "10s")
    found = [differs(counter, limit, stream, other) for limit in range(5)]
    assert not any(differs(counter, limit, stream, counter) for limit in range(5))
    assert any(found)


ANY = ("known", ("name", "user_id"))


def counting(kind: str, over: str = "1h") -> dict[str, Declared]:
    return {"n": Declared("count", None, (kind,), ("user_id",), over)}


def acting(*deeds: Deed, is_shadow: bool = False) -> dict[str, Rule]:
    return {"several_0": Rule(("post",), (ANY,), is_shadow=is_shadow, then=deeds)}


def ordered(*steps: Step, within: str = "10s") -> Book:
    return Book(sequences={"n": Sequence(steps, within, ("user_id",))})


def waiting(within: str, none: str = "comment") -> Book:
    rules = {"several_0": Rule(("absent.n",), (ANY,))}
    return Book(sequences={"n": Absence(("post",), (none,), within)}, rules=rules)


def resting(lasts: str) -> Book:
    return Book(rules={"several_0": Rule(("post",), (ANY,), rest=Rest(("user_id",), lasts))})


def climbing(at: int, decay: str = "10s") -> Book:
    ladders = {"l": Ladder(decay, ((1, Deed("flag")), (at, Deed("limit"))))}
    return Book(rules={"several_0": Rule(("post",), (ANY,), ladder="l")}, ladders=ladders)


def marking(lasts: str) -> Book:
    rules = {"several_0": Rule(("post",), (ANY,), then=(FLAG, Deed("mark", "k")))}
    return Book(rules=rules, marks={"k": Mark(("device_id",), lasts)})


def reaching(lookback: str | None, least: int = 2) -> Book:
    enough = ("compare", ">=", ("name", "n"), ("const", least))
    counter = Declared("count", None, ("any",), ("device_id",), "1h")
    rules = {"several_0": Rule(("post",), (enough, ANY), lookback=lookback)}
    return Book(counters={"n": counter}, rules=rules)


def looking_up(*rows: Row) -> Book:
    return Book(tables={"t": Table("user_id", {"n": Field("number", "n")}, rows, is_file=False)})


FLAG, LIMIT = Deed("flag"), Deed("limit", target="device_id", lasts="10s")
POST, PAY = Step(("post",)), Step(("pay",))


@pytest.mark.parametrize(
    ("book", "other"),
    [
        (Book(counters=counting("label.spam")), Book(counters=counting("label.ham"))),
        (Book(counters=counting("label.spam", "2s")), Book(counters=counting("label.spam", "30s"))),
        (
            Book(counters=counting("hit.several_0"), rules=acting(FLAG)),
            Book(counters=counting("shadow.several_0"), rules=acting(FLAG)),
        ),
        (
            Book(counters=counting("action.flag"), rules=acting(FLAG, LIMIT)),
            Book(counters=counting("action.limit"), rules=acting(FLAG, LIMIT)),
        ),
        (Book(rules=acting(FLAG, LIMIT)), Book(rules=acting(LIMIT, FLAG))),
        (Book(rules=acting(FLAG)), Book(rules=acting(FLAG, is_shadow=True))),
        (ordered(POST, PAY), ordered(PAY, POST)),
        (ordered(POST, POST), ordered(POST._replace(times=2), POST)),
        (ordered(POST, POST, within="5s"), ordered(POST, POST, within="5001ms")),
        (waiting("10s"), waiting("10s", none="pay")),
        (waiting("10s"), waiting("20s")),
        (resting("10s"), resting("4s")),
        (resting("10s"), Book(rules=acting(FLAG))),
        (climbing(2), climbing(3)),
        (climbing(2), climbing(2, decay="4s")),
        (marking("10s"), marking("1s")),
        (reaching("10s"), reaching("4s")),
        (reaching("10s"), reaching(None)),
        (reaching("10s"), reaching("10s", least=3)),
        (looking_up(Row("u", {"n": 1})), looking_up(Row("u", {"n": 1}), Row("u", None, START_MS + 5_000))),
    ],
)
def test_something_else_would_be_noticed(book: Book, other: Book) -> None:
    """The same for the other kinds."""
    stream = posts(0, 5, device_id="d")
    now = START_MS + 6_000
    stream += [Labelled(0, "spam", now, now), Revoked(0, "several_0", "flag", now)]
    stream += [
        Sent({"event_id": f"pay{at}", "type": "pay", "user_id": "u", "ts": START_MS + at}, START_MS + at)
        for at in (7_000, 8_001, 252_000, 600_000)
    ]
    asked: list[Expr] = []
    if book.counters or book.tables:
        asked = [("compare", ">", ("name", "t.n" if book.tables else "n"), ("const", least)) for least in range(2)]
    elif book.marks:
        asked = [("name", "marked.k")]
    elif isinstance(book.sequences.get("n"), Sequence):
        asked = [("name", "n")]
    engine, reference = (Case(one, asked, stream) for one in (book, other))
    assert not run(engine).differences
    assert run(engine, against=reference).differences
