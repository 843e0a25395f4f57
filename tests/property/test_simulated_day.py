"""A whole simulated day, with moderators' labels: all that a rulebook knows at each event, against a plain look at all
that has happened.

The suite looks at a day of few people, and at so many events of each attack. `FLOODGATE_DAY_PEOPLE=1500` looks at all
of that of `floodgate sim`.
"""

import os
from collections.abc import Iterator, Mapping
from typing import Any

import orjson
import pytest

from engine.backtest.features import AT_LEAST, Asked, Row, rows
from engine.rulebook.tools.observation import observe
from engine.settings import Settings
from engine.stream.offline.arrivals import Arrival, merge
from tests.plain_look import REMEMBERED, RULES, SIGNALS, PlainLook, the_day

PEOPLE = int(os.environ.get("FLOODGATE_DAY_PEOPLE", "0"))


def looked_at(events: list[Arrival], labels: list[Arrival]) -> Iterator[tuple[Mapping[str, Any], dict[str, Any]]]:
    """Each event once, with what is known at it."""
    seen = PlainLook()
    for arrival in merge(events, labels):
        document = orjson.loads(arrival.value)
        if arrival.kind == "label":
            seen.label(document)
        elif document["event_id"] not in seen.events:
            yield document, seen.arrive(document)


def is_right(name: str, known: Mapping[str, Any], row: Row) -> bool:
    """Whether the engine says of a signal what is so, or no more than that."""
    right, said = known[name], row[name]
    if row.get(name + AT_LEAST):
        return right is None or bool(said <= right)
    if said is None and name in REMEMBERED and known["is_late"]:
        return True  # registers keep the last changes: what is before them is unknown
    return bool(said == pytest.approx(right)) if isinstance(right, float) else bool(said == right)


def test_a_day_is_known_as_a_look_at_all_of_it_says() -> None:
    events, labels = the_day(PEOPLE) if PEOPLE else the_day(25, most_of_a_kind=800)
    observed = observe({"rules.yaml": RULES}, None, None, None)
    said = {row["event_id"]: row for row in reversed(list(rows(observed, Asked(), events, labels, Settings())))}
    wrong, something = [], dict.fromkeys((*SIGNALS, *REMEMBERED), 0)
    for event, known in looked_at(events, labels):
        row = said[event["event_id"]]
        for name in something:
            something[name] += bool(known[name])
            if not is_right(name, known, row):
                wrong.append((event["event_id"], name, known[name], row[name]))
    assert wrong == []
    assert [name for name, count in something.items() if count == 0] == []
