"""Series that add up, as the rest of a record needs them. Their answers are in `tests/property/test_windows.py`. And a
counter whose window has become longer: it acts from what it has found on, as if it had always been so long."""

from itertools import count
from math import nan

import orjson
import pytest

from engine.core.series.windows import SumSeries
from engine.core.values.bounds import AtLeast
from engine.rulebook.compiler import load_rulebook
from engine.settings import Settings
from engine.stream.offline.arrivals import Arrival
from engine.stream.offline.engine import OfflineEngine


def series_of(*entries: tuple[int, float], retention_ms: int = 10_000) -> SumSeries:
    series = SumSeries(retention_ms)
    for time, amount in entries:
        series.add_amount(time, amount, 10)
    return series


def test_later_times_are_told_up_to_a_limit() -> None:
    series = series_of((100, 1.0), (200, 2.0), (300, 3.0))
    assert series.after(100, 300) == [200, 300]
    assert series.after(99, 299) == [100, 200]
    assert series.after(300, 900) == series_of().after(0, 900) == []


def test_amounts_stay_with_their_times_when_the_base_moves() -> None:
    series = series_of((99, 1.0), (100, 2.0), (150, 4.0))
    series.floor = 130
    series.shift(100)
    assert (series.times, list(series.amounts), series.floor) == ([0, 50], [2.0, 4.0], 30)
    assert series.total(50, 50) == AtLeast(4.0)  # it begins before the floor
    assert series.total(50, 51) == 6.0


def test_later_times_are_told_while_there_are_any() -> None:
    series = series_of((100, 1.0), (200, 2.0), (300, 3.0))
    assert series.after(250, 400) == [300]
    assert series_of((100, 1.0)).after(99, 100) == [100]


def test_a_late_amount_is_entered_unless_it_lies_behind_the_retention() -> None:
    series = series_of((1_000, 1.0), (1_001, 1.0), (1_002, 1.0), (1_003, 1.0), retention_ms=100)
    for time, amount in ((900, 9.0), (901, 2.0), (1_001, 4.0), (1_003, 8.0)):
        series.add_amount(time, amount, 10)
    assert series.times == [901, 1_000, 1_001, 1_001, 1_002, 1_003, 1_003]
    assert list(series.amounts) == [2.0, 1.0, 1.0, 4.0, 1.0, 1.0, 8.0]


def test_a_full_series_merges_its_two_oldest_amounts_and_remembers_since_when() -> None:
    series = SumSeries(10_000)
    for time, amount in ((100, 1.0), (101, 2.0), (102, 4.0), (103, 8.0)):
        series.add_amount(time, amount, 4)
    assert (series.times, series.floor) == ([100, 101, 102, 103], 0)
    series.add_amount(104, 16.0, 4)
    assert (series.times, list(series.amounts), series.floor) == ([100, 102, 103, 104], [3.0, 4.0, 8.0, 16.0], 101)
    assert series.total(104, 3) == 28.0
    assert series.total(104, 4) == AtLeast(28.0)  # 2.0 is in the window, but has been merged with what is not
    assert series.total(104, 5) == 31.0
    assert series.total(103, 5) == 15.0  # as it was then


def test_a_merged_amount_is_a_bound_only_where_no_amount_is_negative() -> None:
    for amount, answer in ((0.0, AtLeast(24.0)), (-1.0, None)):
        series = SumSeries(10_000)
        for time, one in ((100, amount), (101, 2.0), (102, 0.0), (103, 8.0), (104, 16.0)):
            series.add_amount(time, one, 4)
        series.amounts[0] = amount
        assert series.total(104, 4) == answer


def test_what_has_been_lost_stays_so_when_older_amounts_are_merged() -> None:
    series = series_of((100, 1.0), (101, 2.0), (102, 4.0))
    series.floor = 500
    series.add_amount(103, 8.0, 3)
    assert series.floor == 500


def test_amounts_behind_the_retention_make_room_before_any_is_merged() -> None:
    series = SumSeries(100)
    for time in (10, 200, 201, 202, 203):
        series.add_amount(time, 1.0, 4)
    assert (series.times, series.floor, series.total(203, 100)) == ([200, 201, 202, 203], 0, 4.0)


@pytest.mark.parametrize(
    ("amounts", "answer"),
    [
        ([nan, 1.0], AtLeast(1.0)),
        ([0.0, nan], AtLeast(0.0)),
        ([nan, -1.0, 5.0], None),
        ([nan], None),
        ([2.0, -1.0], 1.0),
        ([], 0.0),
    ],
)
def test_beside_an_amount_that_cannot_be_read_the_others_are_a_bound(
    amounts: list[float], answer: float | AtLeast | None
) -> None:
    assert series_of(*((100 + place, amount) for place, amount in enumerate(amounts))).total(200, 150) == answer


def test_a_window_may_reach_back_as_far_as_the_retention() -> None:
    series = series_of((1_000, 1.0), (1_001, 1.0), (1_002, 1.0), (1_003, 1.0), retention_ms=100)
    assert series.total(1_003, 103) == 4.0
    assert series.total(1_003, 104) is None


def test_trimming_drops_what_lies_at_the_retention_and_forgets_a_loss_that_does() -> None:
    for floor, later_floor in ((899, 0), (900, 0), (901, 901)):
        entries = ((900, 1.0), (901, 2.0), (1_000, 1.0), (1_001, 1.0), (1_002, 1.0), (1_003, 1.0))
        series = series_of(*entries, retention_ms=100)
        series.floor = floor
        series.trim()
        assert (series.times[0], series.amounts[0], series.floor) == (901, 2.0, later_floor)
    series_of().trim()  # nothing to do, nothing to say


@pytest.mark.parametrize(
    ("retention_ms", "floor", "later_floor", "first"),
    [(100, 0, 0, 900), (101, 0, 900, 901), (101, 950, 950, 901), (99, 0, 0, 901)],
)
def test_another_retention_brings_nothing_back(retention_ms: int, floor: int, later_floor: int, first: int) -> None:
    entries = ((900, 1.0), (901, 2.0), (1_000, 1.0), (1_001, 1.0), (1_002, 1.0), (1_003, 1.0))
    series = series_of(*entries, retention_ms=100)
    series.floor = floor
    series.retain(retention_ms)
    assert (series.retention_ms, series.floor, series.times[0]) == (retention_ms, later_floor, first)


def test_a_longer_retention_of_a_young_series_costs_nothing() -> None:
    for entries in ([(50, 1.0)], [(50, 1.0), (51, 1.0), (52, 1.0), (53, 1.0)], []):
        series = series_of(*entries, retention_ms=1_000)
        series.retain(2_000)
        assert series.floor == 0
        assert series.total(100, 500) == float(len(entries))


START_MS = 1_772_449_200_000
RULES = """
version: 1
counters:
  c: {{count: post, by: user_id, over: {over}}}
  d: {{distinct: target_id, of: post, by: user_id, over: {over}}}
rules:
  flood: {{event: post, when: [{name} > 10], then: {{limit: posting, for: 1h}}}}
"""


def acted(windows: tuple[str, str], name: str, before: int = 8) -> list[str]:
    """The events that are acted on: so many posts, half a minute each, before the window changes, then one a
    minute."""
    first, second = (load_rulebook({"r.yaml": RULES.format(over=over, name=name)}) for over in windows)
    engine, numbers, found = OfflineEngine(first, Settings()), count(), list[str]()
    for rulebook, posts in ((first, before), (second, 60)):
        engine._rulebook = rulebook
        engine._use_models()
        arrivals = []
        for number in (next(numbers) for _ in range(posts)):
            ts = START_MS + (number * 30_000 if number < before else before * 30_000 + (number - before) * 60_000)
            event = {"event_id": f"p{number}", "type": "post", "user_id": "u", "ts": ts, "target_id": f"t{number}"}
            arrivals.append(Arrival("event", ts, orjson.dumps(event)))
        found += [orjson.loads(one.value)["event_id"] for one in engine.run(arrivals) if one.topic == "actions"]
    return found


@pytest.mark.parametrize("name", ["c", "d"])
def test_a_longer_window_acts_from_the_11th_on(name: str) -> None:
    always = acted(("1h", "1h"), name)
    assert always[0] == "p10"
    assert acted(("10m", "1h"), name) == always


@pytest.mark.parametrize("name", ["c", "d"])
def test_a_window_that_is_shorter_again_acts_as_it_did(name: str) -> None:
    assert acted(("1h", "10m"), name) == acted(("10m", "10m"), name)


def test_what_the_short_window_had_given_up_is_not_made_up() -> None:
    assert acted(("1s", "1h"), "c", before=60)[0] <= "p60"
