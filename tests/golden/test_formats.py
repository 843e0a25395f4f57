"""State and snapshots as this version wrote them: whatever comes later reads them, or says that it does not.

A new format gets files of its own beside these (REFRESH_FORMATS=1 writes those that are missing); the old ones stay.
"""

import base64
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.core.state.records import VERSION, dump_record, load_record
from engine.errors import SnapshotError, StateError
from engine.learning.features import VERSION as FEATURES
from engine.learning.models import LearnedModel
from engine.learning.scored import kept
from engine.learning.snapshots import read_whole, whole
from engine.state.entity_budget import load_entity_budget
from engine.state.scored import BLOCK, events_of, payload_of
from engine.state.store import ENTITY, ENTITY_BUDGET, USER, WATERMARKS, dump_watermarks, load_watermarks
from engine.stream.handlers.hop_messages import decode_hop
from engine.stream.handlers.label_messages import decode_example
from tests.fuzz.targets import recorded, sent, stored

FORMATS = Path(__file__).parents[1] / "formats"


def snapshot() -> bytes:
    """A model that has learned something, as lines of key and value."""
    model = LearnedModel("spam")
    for example in sent(recorded()[0].settings.topics.examples)[:20]:
        model.learn(decode_example(example))
    lines = (key.encode() + b" " + base64.b64encode(value) for key, value in whole(model, 1))
    return b"\n".join(lines)


def read_snapshot(data: bytes) -> LearnedModel:
    """What `snapshot` wrote."""
    lines = (line.partition(b" ") for line in data.splitlines())
    return read_whole([(key.decode(), base64.b64decode(value)) for key, _, value in lines])


def longest(prefix: bytes) -> bytes:
    """The largest thing in the state under a prefix."""
    return max(stored(prefix), key=len)


WRITTEN: dict[str, Callable[[], bytes]] = {
    f"user-record-{VERSION}": lambda: longest(USER),
    f"entity-record-{VERSION}": lambda: longest(ENTITY),
    "block-4": lambda: longest(BLOCK),
    "watermarks-1": lambda: longest(WATERMARKS),
    "entity_budget-1": lambda: longest(ENTITY_BUDGET),
    "hop-2": lambda: sent(recorded()[0].settings.topics.hops)[0],
    f"snapshot-{FEATURES}": snapshot,
}
REWRITTEN: dict[str, Callable[[bytes], bytes]] = {
    "user-record": lambda data: dump_record(load_record(data)),
    "entity-record": lambda data: dump_record(load_record(data)),
    "block": lambda data: (
        data[: 4 + 24 * len(events_of(data).ids)] + kept(payload_of(data), events_of(data).identities.tolist())
    ),
    "watermarks": lambda data: dump_watermarks(load_watermarks(data)),
    "entity_budget": lambda data: load_entity_budget(data).dump(),
}


GONE: dict[str, Callable[[bytes], object]] = {"hop-1": decode_hop, "snapshot-1": read_snapshot}
"""What is not read any more, and says so. Blocks of before version 4 have another key and are passed over."""


def test_each_format_is_kept() -> None:
    FORMATS.mkdir(exist_ok=True)
    for name, write in WRITTEN.items():
        path = FORMATS / name
        if not path.exists() and os.environ.get("REFRESH_FORMATS"):
            path.write_text(base64.encodebytes(write()).decode(), "ascii")
        assert path.exists(), f"{name} is new: keep one of it, with REFRESH_FORMATS=1"


@pytest.mark.parametrize("path", sorted(FORMATS.iterdir()), ids=lambda path: path.name)
def test_what_was_written_is_read(path: Path) -> None:
    data = base64.decodebytes(path.read_bytes())
    kind, _, version = path.name.rpartition("-")
    if path.name in GONE:
        with pytest.raises((StateError, SnapshotError)):
            GONE[path.name](data)
    elif kind in REWRITTEN:
        assert f"{kind}-{version}" not in WRITTEN or REWRITTEN[kind](data) == data
    elif kind == "hop":
        assert decode_hop(data)
    else:
        model = read_snapshot(data)
        assert (model.name, model.labels) == ("spam", 20)
        assert any(model.ngrams.weights)
