"""So many events of an hour, and so many of one user."""

from engine.enrich.classifiers.budget import HourlyBudget
from engine.enrich.classifiers.options import BudgetOptions


def test_who_floods_uses_up_their_own_share_and_an_hour_begins_anew() -> None:
    now = 100.0
    budget = HourlyBudget(BudgetOptions(per_hour=100), lambda: now)
    assert [budget.take("flooder") for _ in range(50)].count(True) == 5
    assert sum(budget.take(f"user {n}") for n in range(200)) == 95
    now += 3_599
    assert not budget.take("someone")
    now += 1
    assert budget.take("flooder")
