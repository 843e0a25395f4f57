"""Bytes that are nearly right, from anywhere: refused with an error of ours, or taken; never anything else.
`make fuzz` tries a million of them, guided by what they reach."""

from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.targets import Target, targets, try_out

NAMES = (
    "clauses", "entity_budget", "entries", "events", "example", "examples", "hidden events", "hops", "labels",
    "layouts", "long events", "pauses", "pieces", "promotions", "provisional", "records", "river learners",
    "river snapshots", "rulebooks", "rules", "snapshots", "watermarks",
)  # fmt: skip
TOKENS = (b"", b"\x00", b"\xff", b"\xff" * 8, b'"', b"{", b"]", b"null", b"-1", b"1e999", b"NaN", b"\\ud800", b"9" * 25)


@cache
def made() -> dict[str, Target]:
    """All of them, once one is wanted: it takes seconds to make them."""
    return {target.name: target for target in targets()}


def test_all_are_tried() -> None:
    assert sorted(made()) == list(NAMES)


@st.composite
def nearly_right(draw: st.DrawFn, target: Target) -> bytes:
    """A message that the target expects, with a few places overwritten, cut out or filled in."""
    data = draw(st.sampled_from(target.seeds))
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.sampled_from((0, 0, 1, 4, 8, 1 << 20))))
        data = data[:start] + draw(st.sampled_from(TOKENS) | st.binary(max_size=8)) + data[end:]
    return data


@pytest.mark.parametrize("name", NAMES)
def test_what_is_expected_is_taken(name: str) -> None:
    target = made()[name]
    assert target.seeds
    assert all(try_out(target, seed) for seed in target.seeds)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_what_is_nearly_right_breaks_nothing(name: str, data: st.DataObject) -> None:
    target = made()[name]
    try_out(target, data.draw(nearly_right(target)))
