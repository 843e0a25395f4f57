"""Hostile pictures cost themselves alone: a small part of what `python -m tests.chaos.hostile_pictures` sends."""

import asyncio

import pytest

pytest.importorskip("PIL", reason="NOT TESTED: the extra `images` is not installed")
pytest.importorskip("zxingcpp", reason="NOT TESTED: the extra `images` is not installed")

from tests.chaos.hostile_files import KINDS
from tests.chaos.hostile_pictures import Campaign, Seen, campaign


def test_hostile_pictures_cost_themselves_alone() -> None:
    made = asyncio.run(campaign(60, seed=11))
    assert list(made.problems()) == []
    assert sum(seen.outcomes.total() for seen in made.kinds.values()) == 60
    assert all(seen.outcomes for seen in made.kinds.values())
    assert max(seen.worst_mb for seen in made.kinds.values()) > 0


@pytest.mark.parametrize(
    ("escaped", "started", "reads", "seen"),
    [(1, 1, True, Seen()), (0, 2, True, Seen()), (0, 1, False, Seen()), (0, 1, True, Seen(worst_s=60.0)),
     (0, 1, True, Seen(worst_mb=2_000.0))],
)  # fmt: skip
def test_a_campaign_tells_what_went_wrong(escaped: int, started: int, reads: bool, seen: Seen) -> None:
    kinds = {**{kind: Seen() for kind in KINDS}, "bomb": seen}
    assert len(list(Campaign(kinds, escaped, started, reads).problems())) == 1
    assert not list(Campaign({"bomb": Seen()}, 0, 1, True).problems())
