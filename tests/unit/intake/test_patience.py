"""How long numbers that lead to nothing may hold up a source."""

from engine.intake.patience import LEAST_S, MOST_S, SHARE, Patience


class Clock:
    """Told what time it is."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def test_it_is_a_minute_and_then_a_tenth_of_the_time() -> None:
    clock = Clock()
    patience = Patience(clock)
    asked_s = 0.0
    for _ in range(10_000):  # each takes a second, and one comes after the other
        if not patience.is_spent:
            patience.spend(1.0)
            asked_s += 1.0
        clock.now_s += 1.0
    assert 60 < asked_s <= MOST_S + SHARE * 10_000 + 1


def test_what_is_not_spent_is_not_saved_up() -> None:
    clock = Clock()
    patience = Patience(clock)
    clock.now_s += 1e6
    patience.spend(MOST_S)
    assert patience.is_spent
    clock.now_s += 1.0
    assert not patience.is_spent


def test_a_registry_that_answers_at_once_is_not_asked_for_ever() -> None:
    patience, asked = Patience(Clock()), 0
    while not patience.is_spent:
        patience.spend(0.0)
        asked += 1
    assert asked <= MOST_S / LEAST_S + 1
