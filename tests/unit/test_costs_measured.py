"""What the benchmark of costs measures is a rulebook, whatever the language has become."""

from benchmarks.costs import cases
from engine.rulebook.checks.costs import estimate_costs


def test_all_that_is_measured_can_be_loaded_and_estimated() -> None:
    assert all(estimate_costs(one).dearest_us > 0 for one in cases().values())
