"""What a model sees in pictures, as a few numbers."""

import numpy as np
import pytest

from engine.enrich.pictures.embedding import MOST_SEEN, Reduction, pooled


def test_what_was_alike_is_alike_and_what_was_not_is_not() -> None:
    random = np.random.default_rng(1)
    reduce = Reduction(32, "a model").reduced
    one, other = random.normal(0, 1, (2, 2_000)).astype(np.float32) + 5
    near = one + random.normal(0, 0.3, 2_000)
    assert reduce(one).shape == (32,)
    assert abs(float(reduce(one).std()) - 1) < 0.01
    assert np.linalg.norm(reduce(one) - reduce(near)) < 0.5 * np.linalg.norm(reduce(one) - reduce(other))


def test_the_same_model_reduces_in_the_same_way_everywhere() -> None:
    seen = np.arange(100, dtype=np.float32) ** 2
    assert Reduction(4, "a model").reduced(seen) == pytest.approx([-0.5286, 0.7751, -1.3661, 1.1196], abs=1e-3)
    assert Reduction(4, "a model").reduced(seen).tolist() != Reduction(4, "another").reduced(seen).tolist()


def test_few_numbers_stay_as_many_and_one_that_is_none_is_told() -> None:
    assert Reduction(8, "").reduced([1.0, 2.0, 3.0]) == pytest.approx([-1.2247, 0.0, 1.2247], abs=1e-3)
    assert Reduction(8, "").reduced([2.0, 2.0]).tolist() == [0.0, 0.0]
    assert np.isnan(Reduction(2, "").reduced([1.0, np.inf, 3.0])).all()


@pytest.mark.parametrize("count", [0, MOST_SEEN + 1])
def test_a_tensor_that_is_empty_or_too_large(count: int) -> None:
    with pytest.raises(ValueError, match=f"{count} numbers"):
        Reduction(8, "").reduced(np.zeros(count))


def test_of_several_pictures_what_stands_out_counts() -> None:
    assert pooled([{"0": 0.5, "1": -2.0}, {"0": -0.4, "1": 1.0}]) == {"0": 0.5, "1": -2.0}
    assert pooled([]) == {}
