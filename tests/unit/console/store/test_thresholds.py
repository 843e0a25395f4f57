"""What another threshold would have met."""

from typing import Any

import orjson
import pytest

from engine.console.store.rules import Hit
from engine.console.store.thresholds import explore


class Row:
    """A hit's row, as far as it is read."""

    def __init__(self, value: Any, text: str) -> None:
        self.document = orjson.dumps({"hits": [{"clauses": [{"text": text, "value": value, "result": True}]}]})


def hits_of(values: list[Any], text: str, labels: str = "") -> list[Hit]:
    """Hits whose clause has read these. `labels`: s, h or a blank for each."""
    rows: list[Any] = [Row(value, text) for value in values]
    named = {"s": "spam", "h": "ham"}
    return [Hit(row, named.get(label)) for row, label in zip(rows, labels.ljust(len(rows)), strict=True)]


@pytest.mark.parametrize(
    ("text", "values", "expected"),
    [
        ("posts_1m > 10", [11, 11, 20], [(10.0, 3), (11.0, 1), (20.0, 0)]),
        ("posts_1m >= 11", [11, 11, 20], [(11.0, 3), (20.0, 1)]),
        ("account_age < 7.5", [1, 2, 7], [(7.5, 3), (7.0, 2), (2.0, 1), (1.0, 0)]),
    ],
)
def test_stricter_thresholds_meet_fewer(text: str, values: list[Any], expected: list[tuple[float, int]]) -> None:
    (explored,) = explore([text], hits_of(values, text))
    assert [(step.threshold, step.met) for step in explored.steps] == expected
    assert [step.is_present for step in explored.steps] == [True, *[False] * (len(expected) - 1)]


def test_labels_judge_each_threshold() -> None:
    (explored,) = explore(["a > 1"], hits_of([2, 2, 9, 9], "a > 1", "hhss"))
    assert [(step.threshold, step.judged.spam, step.judged.ham) for step in explored.steps] == [
        (1.0, 2, 2), (2.0, 2, 0), (9.0, 0, 0)
    ]  # fmt: skip


def test_a_bound_counts_as_what_is_certain_and_the_rest_as_unknown() -> None:
    (explored,) = explore(["a > 1"], hits_of([{"at_least": 5}, None, "x", True, {"a": 1}], "a > 1"))
    assert [(step.threshold, step.met) for step in explored.steps] == [(1.0, 1), (5.0, 0)]
    assert explored.unknown == 4


def test_other_clauses_have_no_threshold() -> None:
    assert explore(["not verified", "a > b", "a > 1 and b > 2", "text matches '> 1'"], []) == []


def test_many_values_make_few_steps() -> None:
    (explored,) = explore(["a > 0"], hits_of(list(range(1, 500)), "a > 0"))
    assert len(explored.steps) <= 13
