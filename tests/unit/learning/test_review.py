"""Which events are worth a label."""

from dataclasses import replace

import numpy as np
import pytest

from engine.core.kernel import hash64
from engine.learning.review import choose, propensity
from engine.learning.scored import ScoredRows
from tests.unit.learning.inputs import HAM, NAMES


def rows(scores: list[float]) -> ScoredRows:
    count = len(scores)
    keys = np.array([hash64(f"e{at}") for at in range(count)], np.uint64)
    return ScoredRows(
        "spam", "spam-9", NAMES, keys, np.array(scores), np.zeros((count, 2)), [HAM[:2]] * count, np.arange(count)
    )


def test_what_a_model_cannot_tell_is_more_likely_to_be_chosen() -> None:
    sure, unsure, unknown = (propensity(score, 0.01) for score in (0.001, 0.5, float("nan")))
    assert sure == pytest.approx(0.01, rel=0.1)
    assert unsure == pytest.approx(0.21)
    assert unknown == pytest.approx(0.06)
    assert propensity(0.5, 0.5) == 1.0


def test_as_many_are_chosen_as_their_chances_say_and_always_the_same() -> None:
    batch = rows([0.0] * 20_000 + [0.5] * 20_000)
    chosen = choose(batch, 0.01)
    certain = [one for one in chosen if one.row < 20_000]
    assert len(certain) == pytest.approx(200, abs=50)
    assert len(chosen) - len(certain) == pytest.approx(4_200, abs=300)
    assert {one.why for one in certain} == {"exploration"}
    assert {one.why for one in chosen} == {"exploration", "uncertain"}
    assert choose(batch, 0.01) == chosen
    assert choose(batch, 0.0) == []
    assert {one.why for one in choose(rows([float("nan")] * 2_000), 0.01)} == {"unknown"}


STEP = 1 << 26
"""One in 64 of what the upper half of a key can draw."""


@pytest.mark.parametrize(
    ("drawn", "score", "why"),
    [
        (STEP - 1, 0.0, "exploration"),
        (STEP, 0.0, None),
        (STEP - 1, 0.5, "exploration"),
        (STEP, 0.5, "uncertain"),
        (21 * STEP - 1, 0.5, "uncertain"),
        (21 * STEP, 0.5, None),
        (STEP, 0.2, "uncertain"),
        (STEP, 0.19, "exploration"),  # by chance, if with a better one
        (STEP, 0.02, "exploration"),
        (STEP, 0.81, "exploration"),
        (6 * STEP - 1, None, "unknown"),
        (6 * STEP, None, None),
    ],
)
def test_what_draws_less_than_its_chance_is_chosen(drawn: int, score: float | None, why: str | None) -> None:
    given = rows([float("nan") if score is None else score])
    found = choose(replace(given, keys=np.array([drawn << 32 | 0xFFFFFFFF], np.uint64)), 1 / 64)
    assert [(one.score, one.why) for one in found] == ([] if why is None else [(score, why)])
