"""Windows over busy entities: bounded, sliding, and as wrong as is said."""

from random import Random

import pytest

from engine.core.entities import EntityRecord
from engine.core.hashing import hash64
from engine.core.packed import AHEAD
from engine.core.records import dump_record, load_record
from engine.core.sketches import (
    BucketSeries,
    SampledSeries,
    add_approx_amount,
    add_approx_distinct,
    read_approx_count,
    read_approx_distinct,
    read_approx_total,
)

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
