"""Distances on the earth."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.values.places import are_places, km

BERLIN, NEW_YORK = (52.52, 13.405), (40.7128, -74.006)
LATITUDES, LONGITUDES = st.floats(-90, 90), st.floats(-180, 180)


def test_berlin_and_new_york_are_6385_km_apart() -> None:
    assert km(*BERLIN, *NEW_YORK) == pytest.approx(6_385, rel=0.005)


@given(LATITUDES, LONGITUDES, LATITUDES, LONGITUDES)
def test_the_way_back_is_as_long_and_never_longer_than_half_the_earth(
    lat1: float, lon1: float, lat2: float, lon2: float
) -> None:
    there = km(lat1, lon1, lat2, lon2)
    assert there is not None
    assert 0 <= there <= 20_016
    assert there == pytest.approx(km(lat2, lon2, lat1, lon1), abs=0.002)


def test_the_date_line_and_the_poles_are_no_borders() -> None:
    assert km(0, 179.5, 0, -179.5) == pytest.approx(111.2, abs=0.1)
    assert km(90, 0, 90, 123) == pytest.approx(0, abs=0.001)


@pytest.mark.parametrize("wrong", [90.1, -91, 10**400, True, "52", None, float("nan"), float("inf")])
def test_other_numbers_are_no_places(wrong: Any) -> None:
    assert are_places(*BERLIN, *NEW_YORK)
    assert not are_places(wrong, 0, 0, 0)
    assert not are_places(0, 0, wrong, 0)
