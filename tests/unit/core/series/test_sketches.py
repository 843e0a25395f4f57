"""Windows over busy entities: bounded, sliding, and as wrong as is said."""

from array import array
from math import nan
from random import Random

import pytest

from engine.core.series.packed import AHEAD
from engine.core.series.sketches import (
    BucketSeries,
    SampledSeries,
    add_approx_amount,
    add_approx_count,
    add_approx_distinct,
    doubt_approx,
    read_approx_count,
    read_approx_distinct,
    read_approx_total,
)
from engine.core.series.windows import SeriesByKey
from engine.core.state.entities import EntityRecord
from engine.core.state.records import dump_record, load_record
from engine.core.values.bounds import AtLeast
from engine.core.values.hashing import hash64

OVER_MS = 60_000
WIDTH_MS = OVER_MS // 60
CAP = 1_000


def test_a_bucketed_count_reaches_back_between_59_60ths_and_all_of_the_window() -> None:
    rng, series, times = Random(1), BucketSeries(2 * OVER_MS), []
    now = 200_000
    for _ in range(5_000):
        now += rng.randrange(60)
        times.append(now)
        series.put(now, 1.0, WIDTH_MS)
        answer = series.total(now, OVER_MS)
        assert answer is not None
        least = sum(now - OVER_MS + WIDTH_MS <= time <= now for time in times[-4_000:])
        most = sum(now - OVER_MS < time <= now for time in times[-4_000:])
        assert least <= answer <= most
    assert len(series.times) <= 2 * 60 + 2 + AHEAD


def test_late_amounts_go_where_they_belong_or_are_too_late() -> None:
    series = BucketSeries(2 * OVER_MS)
    for step in range(AHEAD):  # a few lie ahead, as somebody's clock is wrong: they take nothing away
        series.put(900_000 + step * WIDTH_MS, 1.0, WIDTH_MS)
    for now, amount in ((300_000, 5.0), (290_000, 2.0), (100_000, 100.0)):
        series.put(now, amount, WIDTH_MS)
    assert series.total(300_000, OVER_MS) == 7.0
    assert series.total(290_500, OVER_MS) == 2.0
    assert series.total(200_000, OVER_MS) is None


def test_a_sample_is_exact_up_to_its_cap() -> None:
    series = SampledSeries(OVER_MS * 2)
    rng = Random(2)
    values = [rng.getrandbits(64) for _ in range(CAP)]
    for value in [*values, *values[:500]]:
        series.put(100_000, value, CAP)
    assert series.estimate(100_000, OVER_MS) == CAP


def test_beyond_its_cap_a_sample_is_about_right_and_bounded() -> None:
    errors = []
    for seed in range(30):
        rng, series = Random(seed), SampledSeries(OVER_MS * 2)
        for index in range(20_000):
            series.put(200_000 + index, rng.getrandbits(64), CAP)
        estimate = series.estimate(219_999, OVER_MS)
        assert estimate is not None
        assert len(series.times) <= CAP
        errors.append(estimate / 20_000 - 1)
    deviation = (sum(error * error for error in errors) / len(errors)) ** 0.5
    assert deviation < 0.06  # 1.2 / sqrt(1,000) is 3.8 %
    assert abs(sum(errors)) / len(errors) < 0.03


def test_a_sample_slides() -> None:
    rng, series = Random(5), SampledSeries(OVER_MS * 2)
    for index in range(40_000):
        series.put(200_000 + index * 5, rng.getrandbits(64), CAP)
    now = 200_000 + 39_999 * 5
    for over_ms in (OVER_MS, OVER_MS // 4):
        estimate = series.estimate(now, over_ms)
        assert estimate == pytest.approx(over_ms / 5, rel=0.25)


def test_after_a_pause_a_sample_is_exact_again() -> None:
    rng, series = Random(6), SampledSeries(OVER_MS * 2)
    for index in range(10_000):
        series.put(200_000 + index, rng.getrandbits(64), CAP)
    assert series.floor > 0
    later = 200_000 + 10 * OVER_MS
    for index in range(3):
        series.put(later + index, hash64(str(index)), CAP)
    assert series.estimate(later + 10, OVER_MS) == 3


def test_they_survive_their_bytes() -> None:
    record = EntityRecord()
    now = record.relative(1_760_000_000_000)
    assert now is not None
    record.newest = now
    for value in range(3_000):
        add_approx_distinct(record.series.others, 1, now, hash64(str(value)), CAP, OVER_MS * 2)
        add_approx_amount(record.series.others, 2, now, 2.5, WIDTH_MS, OVER_MS * 2)
    again = load_record(dump_record(record))
    for series in (record.series.others, again.series.others):
        assert read_approx_total(series, 2, now, OVER_MS, WIDTH_MS) == 7_500
        assert read_approx_count(series, 2, now, OVER_MS, WIDTH_MS) == 7_500
        assert read_approx_distinct(series, 1, now, OVER_MS, CAP) == pytest.approx(3_000, rel=0.15)
    assert dump_record(again) == dump_record(record)
    assert read_approx_distinct(None, 1, now, OVER_MS, CAP) is None


def test_after_a_burst_a_steady_trickle_is_never_mistaken_for_one() -> None:
    rng, series, hour_ms = Random(7), SampledSeries(2 * 3_600_000), 3_600_000
    now = 10 * hour_ms
    for _ in range(100_000):
        now += 10
        series.put(now, rng.getrandbits(64), CAP)
    answers = []
    for _ in range(120 * 12):
        now += 30_000
        series.put(now, rng.getrandbits(64), CAP)
        answers.append(series.estimate(now, hour_ms))
    assert answers[-1] == 120
    settled = answers[120:]
    assert all(answer is None or answer < 500 for answer in settled)


def hashed(beginning: int, number: int = 0) -> int:
    """A hash with these four highest bits."""
    return beginning << 60 | number << 6


def sample(*entries: tuple[int, int], level: int = 0, retention_ms: int = 100) -> SampledSeries:
    """One that has kept these times and hashes."""
    series = SampledSeries(retention_ms)
    series.times = [time for time, _ in entries]
    series.hashes = array("Q", [kept for _, kept in entries])
    series.floor = level
    return series


def buckets(*amounts: float, retention_ms: int = 1_000) -> BucketSeries:
    """Ten wide, from 2,000 on."""
    series = BucketSeries(retention_ms)
    for place, amount in enumerate(amounts):
        series.put(2_000 + 10 * place, amount, 10)
    return series


def test_amounts_of_one_bucket_are_one_entry() -> None:
    series = buckets(1.0, 1.0)
    for now, amount in ((2_009, 2.0), (2_010, 4.0), (1_999, 8.0), (2_019, 16.0)):
        series.put(now, amount, 10)
    assert (series.times, list(series.amounts)) == ([1_990, 2_000, 2_010], [8.0, 3.0, 21.0])


def test_a_late_bucket_is_entered_unless_it_lies_behind_the_retention() -> None:
    series = buckets(1.0, 1.0, 1.0, 1.0, retention_ms=100)
    for now in (1_909, 1_910):
        series.put(now, 2.0, 10)
    assert series.times == [1_910, 2_000, 2_010, 2_020, 2_030]


def test_buckets_go_once_a_whole_one_lies_behind_the_retention() -> None:
    series = buckets(1.0, 1.0, 1.0, 1.0, 1.0, retention_ms=20)
    assert series.times == [2_000, 2_010, 2_020, 2_030, 2_040]
    series.put(2_050, 1.0, 10)
    assert series.times[0] == 2_000  # the horizon is 2,000: not a bucket's width farther
    series.put(2_060, 1.0, 10)
    assert series.times == [2_020, 2_030, 2_040, 2_050, 2_060]


def test_a_sum_with_an_amount_that_cannot_be_read_is_unknown() -> None:
    series = buckets(1.0, nan)
    assert series.whole(2_010, 500) is None
    assert series.whole(2_005, 500) == 1.0


def test_a_sample_that_is_too_large_keeps_those_whose_hashes_begin_with_more_zeros() -> None:
    series = SampledSeries(100)
    for time, beginning in enumerate((8, 4, 0, 1)):
        series.put(1_000 + time, hashed(beginning), 4)
    assert (series.floor, series.estimate(1_010, 50)) == (0, 4)
    series.put(1_004, hashed(2), 4)
    assert series.times == [1_001, 1_002, 1_003, 1_004]
    assert list(series.hashes) == [hashed(beginning) | 1 for beginning in (4, 0, 1, 2)]
    assert (series.floor, series.estimate(1_010, 50, least=1)) == (1, 8)
    series.put(1_005, hashed(8), 4)  # it does not belong to the sample any more
    assert series.times[-1] == 1_004
    series.put(1_005, hashed(3), 4)
    assert list(series.hashes) == [hashed(beginning) | 2 for beginning in (0, 1, 2, 3)]


def test_a_sample_rises_as_often_as_it_must() -> None:
    series = SampledSeries(100)
    for time in range(3):
        series.put(1_000 + time, hashed(2, time), 2)
    assert (series.floor, series.times) == (3, [])


@pytest.mark.parametrize(("kept", "level"), [(0, 0), (1, 2), (3, 2), (4, 3), (5, 3)])
def test_a_sample_of_less_than_a_quarter_takes_in_more(kept: int, level: int) -> None:
    series = sample(*((1_000 + time, hashed(0, time) | 3) for time in range(kept)), level=3)
    series.put(1_050, hashed(0, 99), 16)
    assert series.floor == level
    assert series.hashes[-1] == hashed(0, 99) | level


def test_a_value_that_rises_with_the_sample_keeps_the_higher_level() -> None:
    series = sample((1_000, hashed(0, 1) | 3), (1_001, hashed(0, 2)), (1_002, hashed(8, 3)))
    series.put(1_003, hashed(8, 4), 3)
    assert list(series.hashes) == [hashed(0, 1) | 3, hashed(0, 2) | 1]


@pytest.mark.parametrize(("now", "times"), [(999, [1_000, 1_005]), (1_000, [1_000, 1_005]), (1_001, [1_001, 1_005])])
def test_a_value_that_is_seen_again_moves_only_to_a_later_time(now: int, times: list[int]) -> None:
    series = sample((1_000, hashed(1) | 3), (1_005, hashed(2)))
    series.put(now, hashed(1), 10)
    assert series.times == times
    assert series.hashes[0] == (hashed(1) if now > 1_000 else hashed(1) | 3)
    series.put(1_006, hashed(2), 10)
    assert series.times == [times[0], 1_006]


def test_values_that_differ_only_where_the_level_is_kept_are_one() -> None:
    series = SampledSeries(100)
    series.put(1_000, hashed(1, 1), 10)
    series.put(1_001, hashed(1, 1) | 5, 10)
    series.put(1_002, hashed(1, 2), 10)
    assert series.times == [1_001, 1_002]


def test_a_late_value_is_entered_in_its_place_unless_it_lies_behind_the_retention() -> None:
    series = sample((1_000, hashed(1)), (1_005, hashed(2)))
    for now, number in ((905, 3), (906, 4), (1_002, 5)):
        series.put(now, hashed(number), 10)
    assert series.times == [906, 1_000, 1_002, 1_005]
    assert list(series.hashes) == [hashed(number) for number in (4, 1, 5, 2)]


def test_a_newer_value_drops_those_at_the_retention() -> None:
    series = sample((900, hashed(1)), (901, hashed(2)))
    series.put(1_000, hashed(1), 10)
    assert (series.times, list(series.hashes)) == ([901, 1_000], [hashed(2), hashed(1)])


def test_trimming_a_sample_drops_those_at_the_retention() -> None:
    series = sample((899, hashed(1)), (900, hashed(2)), (901, hashed(3)), (1_000, hashed(4)))
    series.trim()
    assert (series.times, list(series.hashes)) == ([901, 1_000], [hashed(3), hashed(4)])
    series = sample((900, hashed(2)), (1_000, hashed(4)))
    series.trim()
    assert series.times == [1_000]
    SampledSeries(100).trim()  # nothing to do, nothing to say


def test_a_sample_answers_for_windows_within_its_retention() -> None:
    series = sample((950, hashed(1)), (960, hashed(2)), (1_000, hashed(3)))
    assert series.estimate(1_000, 100) == 3
    assert series.estimate(1_000, 101) is None
    assert series.estimate(1_000, 50) == 2
    assert series.estimate(1_000, 51) == 3
    assert series.estimate(960, 20) == 2
    assert series.estimate(959, 20) == 1
    assert SampledSeries(100).estimate(1_000, 500) == 0


def test_each_kept_value_stands_for_as_many_as_its_level_says() -> None:
    series = sample((1_000, hashed(0, 1)), (1_001, hashed(0, 2) | 3), (1_002, hashed(0, 3)))
    assert series.estimate(1_010, 50, least=3) == 10
    assert series.estimate(1_010, 50, least=4) is None
    assert series.estimate(1_001, 50, least=3) is None
    assert series.estimate(1_010, 9, least=3) == 1  # whatever was kept at level 0 is exact
    series.floor = 1
    assert series.estimate(1_010, 9, least=3) is None  # others may have been refused since


def test_a_later_base_leaves_the_level() -> None:
    series = sample((99, hashed(0, 1) | 2), (100, hashed(0, 2) | 2), (150, hashed(0, 3) | 2), level=2)
    series.shift(100)
    assert (series.times, list(series.hashes), series.floor) == ([0, 50], [hashed(0, 2) | 2, hashed(0, 3) | 2], 2)


def test_what_is_in_doubt_is_a_bound_of_windows_with_the_doubt_and_no_other() -> None:
    series: SeriesByKey = {}
    for now in (2_000, 2_100):
        add_approx_count(series, 1, now, 10, 1_000)
        add_approx_distinct(series, 2, now, hashed(0, now), 10, 1_000)
    for key in (1, 2, 3):
        doubt_approx(series, key, 2_050, 1_000)
    assert read_approx_count(series, 1, 2_100, 51, 10) == AtLeast(1)
    assert read_approx_total(series, 1, 2_100, 500, 10) == AtLeast(2.0)
    assert read_approx_distinct(series, 2, 2_100, 500, 10) == AtLeast(2)
    assert read_approx_count(series, 1, 2_100, 50, 10) == 1
    assert read_approx_distinct(series, 2, 2_100, 50, 10) == 1
    assert read_approx_count(series, 1, 2_049, 500, 10) == 1
    assert read_approx_distinct(series, 2, 2_049, 500, 10) == 1
    for read in (read_approx_count, read_approx_total, read_approx_distinct):
        assert read(series, 3, 2_100, 500, 10) is None  # there is nothing but the doubt
        assert read(series, 3, 2_100, 50, 10) == 0
        assert read(series, 4, 2_100, 500, 10) == 0
        assert read(None, 3, 2_100, 500, 10) is None


@pytest.mark.parametrize(
    ("amounts", "answer"), [((0.0, 2.0), AtLeast(2.0)), ((0.0, 0.0), None), ((-1.0, 2.0), None), ((nan, 2.0), None)]
)
def test_an_approximate_sum_in_doubt_is_a_bound_only_of_amounts_that_add_to_it(
    amounts: tuple[float, ...], answer: AtLeast | None
) -> None:
    series: SeriesByKey = {}
    for place, amount in enumerate(amounts):
        add_approx_amount(series, 1, 2_000 + 10 * place, amount, 10, 1_000)
    doubt_approx(series, 1, 2_010, 1_000)
    assert read_approx_total(series, 1, 2_010, 500, 10) == answer


def test_a_series_of_another_kind_is_begun_anew() -> None:
    series: SeriesByKey = {}
    add_approx_distinct(series, 1, 2_000, hashed(1), 10, 1_000)
    add_approx_count(series, 1, 2_000, 10, 1_000)
    add_approx_count(series, 1, 2_000, 10, 1_000)
    assert read_approx_count(series, 1, 2_000, 500, 10) == 2
    assert read_approx_distinct(series, 1, 2_000, 500, 10) == 0
