"""Which labels come before which event of an evaluation."""

from collections.abc import Mapping, Sequence

import orjson
import pytest

from engine.learning.evaluation import EvaluationCase, Scenario
from engine.learning.features import Inputs, Names
from engine.stream.offline.label_times import labels_before
from tests.events import START_MS

NAMES = Names((), (), ("n",), ())


def found(count: int, late_ms: int = 0) -> list[EvaluationCase]:
    """One event in each second, every other one spam."""
    return [
        EvaluationCase(
            event_id=f"e{at}", ts_ms=START_MS + at * 1_000, names=NAMES, inputs=Inputs((), (), (1.0,)),
            spam=at % 2 == 0, known_ms=START_MS + at * 1_000 + late_ms,
        )
        for at in range(count)
    ]  # fmt: skip


def read(labels: Mapping[str, Sequence[bytes]]) -> dict[str, list[tuple[str, str, int]]]:
    return {
        before: [(one["event_id"], one["label"], (one["ts"] - START_MS) // 1_000) for one in map(orjson.loads, lines)]
        for before, lines in labels.items()
    }


def test_labels_come_at_their_own_times() -> None:
    labels = read(labels_before(found(5, late_ms=2_500), Scenario()))
    assert labels == {"e3": [("e0", "spam", 2)], "e4": [("e1", "ham", 3)]}


@pytest.mark.parametrize(("delay", "first"), [(0, "e1"), (2, "e3")])
def test_or_so_many_events_late_and_then_they_count_from_there(delay: int, first: str) -> None:
    labels = read(labels_before(found(5, late_ms=60_000), Scenario(delay=delay)))
    assert min(labels) == first
    assert labels[first] == [("e0", "spam", delay + 1)]


def test_only_those_that_are_shown_and_as_they_are_shown() -> None:
    few = read(labels_before(found(400), Scenario(delay=0, fraction=0.1)))
    wrong = read(labels_before(found(400), Scenario(delay=0, flip=1.0)))
    assert 10 < sum(map(len, few.values())) < 90
    assert wrong["e1"] == [("e0", "ham", 1)]
