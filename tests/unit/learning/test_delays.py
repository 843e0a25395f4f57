"""How long labels take is learned, within bounds, and gives events waits of the same lengths."""

import math
from bisect import bisect
from random import Random

import pytest

from engine.core.kernel import hash64
from engine.learning.delay_curve import delay_curve
from engine.learning.delays import _MOST_COUNTED, FEWEST, LEAST_MS, MOST_MS, STEPS, Delays

HOUR_MS = 3_600_000


def delays(*times: int) -> Delays:
    made = Delays()
    for delay_ms in times:
        made.add(delay_ms)
    return made


def test_nobody_waits_before_enough_labels_tell() -> None:
    made = delays(*[HOUR_MS] * int(FEWEST))
    assert not made.is_known  # the first have faded a little
    assert (made.time_of(0.5), made.wait_ms(7)) == (0, 0)
    made.add(HOUR_MS)
    assert made.is_known
    assert made.time_of(0.5) == pytest.approx(HOUR_MS, rel=0.2)


def test_waits_are_as_long_as_the_longer_of_two_times() -> None:
    draws = Random(1)
    times = sorted(int(HOUR_MS * math.exp(draws.gauss(0, 1.3))) for _ in range(2_000))
    draws.shuffle(made := list(times))
    learned = delays(*made)
    for share in (0.1, 0.5, 0.9):
        wanted = times[int(share * len(times))]
        assert learned.time_of(share) == pytest.approx(wanted, rel=0.2)
        assert learned.come_by(wanted) == pytest.approx(share, abs=0.04)
    waits = sorted(learned.wait_ms(hash64(f"event {at}")) for at in range(4_000))
    for share in (0.1, 0.5, 0.9):  # both have come by then
        assert bisect(waits, learned.time_of(share)) / len(waits) == pytest.approx(share * share, abs=0.03)


@pytest.mark.parametrize("absurd", [-(1 << 62), -1, 0, LEAST_MS, MOST_MS - 1, MOST_MS, MOST_MS + 1, 1 << 62])
def test_absurd_times_stay_within_bounds(absurd: int) -> None:
    made = delays(*[absurd] * 5_000)
    assert 0 <= made.time_of(0.0) <= made.time_of(0.5) <= made.time_of(1.0) <= MOST_MS
    assert made.come_by(MOST_MS) == 1.0
    assert made.come_by(-1) == 0.0
    assert made.dump() == Delays.load(made.dump()).dump()
    assert len(made.dump()) == 8 * STEPS


def test_labels_of_nobody_who_is_trusted_change_nothing() -> None:
    made = delays(*[HOUR_MS] * 500)
    before = made.time_of(0.5)
    for _ in range(10_000):
        made.add(MOST_MS, 0.001)
    assert made.is_known
    assert made.time_of(0.5) == pytest.approx(before, rel=0.02)


def test_what_is_learned_reads_back_and_nothing_else_does() -> None:
    made = delays(5, HOUR_MS, 80 * HOUR_MS)
    loaded = Delays.load(made.dump())
    made.add(70)
    loaded.add(70)
    assert loaded.dump() == made.dump()
    assert Delays().dump() == b""
    assert Delays.load(b"").dump() == b""
    for wrong in (math.nan, math.inf, -1.0, 2 * _MOST_COUNTED):
        damaged = Delays((wrong, *[0.0] * (STEPS - 1))).dump()
        with pytest.raises(ValueError, match="not the times of labels"):
            Delays.load(damaged)
    with pytest.raises(ValueError, match="are not the times of labels"):
        Delays.load(b"12345678")


def test_people_see_by_when_labels_come() -> None:
    assert delay_curve(Delays()) == "nobody knows how long: there are too few"
    doubling = delays(*[HOUR_MS, 2 * HOUR_MS, 4 * HOUR_MS, 8 * HOUR_MS] * 100)
    assert delay_curve(doubling) == "1.1h ▂▄▆█ 9.1h; 50% within 3.8h, 90% within 8.5h, 99% within 9h"
    assert delay_curve(delays(*[0] * 100)).startswith("1s ▇")
    assert "24d" in delay_curve(delays(*[MOST_MS] * 100))
