"""Real purchases: what the engine says of each is what a recount says."""

import os
from pathlib import Path

import pytest

from benchmarks.outcomes import decided, purchases, recount

DATA = Path(os.environ.get("FLOODGATE_CDNOW", Path(__file__).parents[3] / "shared" / "data" / "cdnow"))


def test_every_purchase_has_the_outcome_that_a_recount_gives_it() -> None:
    if not (DATA / "events.jsonl.gz").exists():
        pytest.skip(f"THE PURCHASES ARE NOT HERE: put CDNOW's into {DATA}, or name their place in FLOODGATE_CDNOW")
    truth = recount(purchases(DATA))
    said = {case.event_id: case.spam for case in decided(DATA) if case.counts and case.spam is not None}
    assert said == truth
    assert (len(said), sum(truth.values())) == (63_798, 32_025)
