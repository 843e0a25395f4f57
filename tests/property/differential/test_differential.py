"""The engine agrees with a slow and plain evaluator on random rulebooks and streams, clause by clause."""

import os
import random
from collections import Counter

import pytest

from tests.property.differential.campaign import smallest
from tests.property.differential.description import Arriving, Book, Sent
from tests.property.differential.description import Counter as Declared
from tests.property.differential.generation import START_MS
from tests.property.differential.making import KINDS, make
from tests.property.differential.running import Case, run

CASES = int(os.environ.get("FLOODGATE_DIFFERENTIAL_CASES", "40000"))
SHARES = 8


@pytest.mark.parametrize("share", range(SHARES))
def test_the_engine_answers_every_clause_as_the_reference_does(share: int) -> None:
    compare(f"test {share}", KINDS[0], CASES // SHARES)


@pytest.mark.parametrize("kind", KINDS[1:])
def test_it_does_so_for_what_needs_more_than_events(kind: str) -> None:
    compare(f"test {kind}", kind, CASES // 40)


def compare(seed: str, kind: str, cases: int) -> None:
    compared, streams = 0, 0
    answers: Counter[bool | None] = Counter()
    while compared < cases:
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
