"""Ages that are computed from the times that producers send."""

from typing import Any

import pytest

from engine.core.domain.ages import AgeMapping
from engine.core.domain.events import CLOCK_TOLERANCE_MS, EARLIEST_MS, LATEST_MS
from engine.errors import EventError

DAY_MS = 86_400_000
TS = 1_760_000_000_000
GOOD: dict[str, Any] = {"event_id": "e1", "type": "post", "user_id": "u1", "ts": TS}
AGES = {"account_age": "actor.created_at"}


def read(actor: object, arrived_ms: int | None = None, **changes: Any) -> dict[str, Any]:
    return AgeMapping(ages=AGES).read({**GOOD, "actor": actor, **changes}, arrived_ms).fields


@pytest.mark.parametrize(
    ("created_at", "age_ms"),
    [(TS - 3 * DAY_MS, 3 * DAY_MS), ("2025-10-08T08:53:20Z", DAY_MS), ("2025-10-08T10:53:20+02:00", DAY_MS), (TS, 0),
     (TS + 1, 0), (TS + CLOCK_TOLERANCE_MS, 0), (EARLIEST_MS, TS - EARLIEST_MS)],
)  # fmt: skip
def test_an_age_is_how_long_before_the_event_something_began(created_at: object, age_ms: int) -> None:
    fields = read({"created_at": created_at})
    assert fields["account_age"] == age_ms
    assert "invalid_fields" not in fields


@pytest.mark.parametrize(
    "created_at",
    [0, -1, EARLIEST_MS - 1, 1_759_000_000, TS + CLOCK_TOLERANCE_MS + 1, LATEST_MS, 10**30, "long ago", "9999-12-31",
     1.5, True, [], {}, "\ud800", ""],
)  # fmt: skip
def test_a_time_that_cannot_be_one_is_named_and_tells_no_age(created_at: object) -> None:
    fields = read({"created_at": created_at})
    assert "account_age" not in fields
    assert fields["invalid_fields"] == ["account_age"]


@pytest.mark.parametrize("actor", [None, {}, {"created_at": None}, "u1", []])
def test_without_the_time_there_is_no_age_and_nothing_is_wrong(actor: object) -> None:
    fields = read(actor, account_age=5)
    assert "account_age" not in fields
    assert "invalid_fields" not in fields


@pytest.mark.parametrize("sent", [1, "old", None, "x" * 70_000])
def test_what_is_sent_under_the_name_gives_way(sent: object) -> None:
    fields = read({"created_at": TS - DAY_MS}, account_age=sent)
    assert fields["account_age"] == DAY_MS
    assert "invalid_fields" not in fields


@pytest.mark.parametrize(("ts", "now_ms"), [(TS + 9 * DAY_MS, TS), (TS + 60_000, TS + 60_000), ("never", TS)])
def test_an_age_goes_by_the_time_that_is_believed(ts: object, now_ms: int) -> None:
    assert read({"created_at": TS - DAY_MS}, TS, ts=ts)["account_age"] == now_ms - TS + DAY_MS


def test_an_age_is_named_beside_whatever_else_is_wrong() -> None:
    assert read({"created_at": "soon"}, ip=5)["invalid_fields"] == ["ip", "account_age"]


def test_paths_are_the_producers_whatever_has_another_name_here() -> None:
    mapping = AgeMapping(
        {"actor": "who", "sent_age": "account_age", "ts": "at"}, "s", ages={"account_age": "actor.created_at"}
    )
    event = mapping.read(
        {"event_id": "e", "type": "post", "user_id": "u", "at": TS // 1000, "who": "u", "account_age": 7,
         "actor": {"created_at": (TS - DAY_MS) / 1000}}
    )  # fmt: skip
    assert (event.fields["actor"], event.fields["sent_age"], event.fields["account_age"]) == ("u", 7, DAY_MS)


def test_what_is_no_event_is_refused_as_ever() -> None:
    with pytest.raises(EventError, match="a JSON object"):
        AgeMapping(ages=AGES).read([])
