"""What strangers have written is kept, or passed over by itself: it stops nothing."""

import secrets
from typing import Any

import pytest

from engine.console.following.storable import make_storable
from engine.console.store.followed import CASES, DEAD_LETTERS, LABELS
from engine.core.values.identity import MAX_ID_CHARS
from tests.console import START_MS

LABEL = {
    "partition": 0, "offset": 1, "event_id": "e1", "label": "spam", "moderator": "ann", "policy": None,
    "propensity": None, "ts": START_MS,
}  # fmt: skip
LONG = "\N{GRINNING FACE}" * MAX_ID_CHARS


@pytest.mark.parametrize(
    ("table", "row"),
    [
        (LABELS, {**LABEL, "event_id": secrets.token_hex(2_000)}),
        (LABELS, {**LABEL, "ts": 1 << 63}),
        (DEAD_LETTERS, {"ts": 1, "reason": secrets.token_hex(2_000)}),
        (CASES, {"source": "review", "key": secrets.token_hex(2_000), "event_id": "e1"}),
    ],
)
def test_what_no_database_can_keep_is_refused_by_itself(table: Any, row: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"64 bits|too long for an index"):
        make_storable(table, row)


def test_the_longest_ids_that_an_event_can_have_are_kept() -> None:
    key = {"source": "report", "key": f"{LONG} {LONG}", "event_id": LONG}
    assert make_storable(CASES, {**key})["key"] == key["key"]
    assert make_storable(LABELS, {**LABEL, "event_id": "e\ud800\0"})["event_id"] == "e??"
