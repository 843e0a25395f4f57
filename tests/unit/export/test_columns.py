"""Rows of messages, whatever strangers have written into them."""

from typing import Any

import pyarrow as pa
import pytest

from engine.export.columns import Columns
from engine.stream.admin.schemas import PUBLIC, topic_schema


def as_read(topic: str, document: dict[str, Any]) -> dict[str, Any]:
    """A message's row, as it is read back."""
    columns = Columns(topic)
    table = pa.Table.from_pylist([columns.row(3, 7, 1_772_452_800_000, document)], schema=columns.schema)
    (row,) = table.to_pylist()
    return dict(row)


@pytest.mark.parametrize("topic", PUBLIC)
def test_each_declared_field_is_a_column(topic: str) -> None:
    names = Columns(topic).schema.names
    assert names == ["kafka_partition", "kafka_offset", "published", *topic_schema(topic)["properties"]]
    assert len(set(names)) == len(names)


def test_a_decision() -> None:
    clause = {"text": "posts_1m > 8", "value": {"at_least": 31}, "result": None}
    hit = {"rule": "r", "mode": "enforce", "effect": "acted", "clauses": [clause]}
    row = as_read(
        "decisions",
        {
            "event_id": "e", "user_id": "u", "ts": 1_772_452_800_123, "outcome": "act", "hits": [hit], "new": 1,
            "scores": {"spam": 0.5, "odd": "x"}, "clusters": {"ring": ["a", "b"]}, "features": {"spam": {"a": [1]}},
        },
    )  # fmt: skip
    assert row["published"].isoformat() == "2026-03-02T12:00:00+00:00"
    assert row["ts"].isoformat() == "2026-03-02T12:00:00.123000+00:00"
    assert row["scores"] == [("spam", 0.5), ("odd", None)]
    assert row["clusters"] == [("ring", ["a", "b"])]
    assert row["features"] == '{"spam":{"a":[1]}}'
    (read,) = row["hits"]
    assert read["clauses"] == [{"text": "posts_1m > 8", "value": '{"at_least":31}', "result": None, "points": None}]
    assert read["counterfactual"] is None
    assert row["contributions"] is None


def test_the_time_of_a_label_may_be_a_text() -> None:
    assert as_read("labels", {"ts": "2026-03-02T12:00:00Z"})["ts"].isoformat() == "2026-03-02T12:00:00+00:00"


@pytest.mark.parametrize("value", [None, True, 7, 2**70, -0.5, "x", [], [1], {"a": 1}, {"a": {"b": []}}])
def test_what_is_not_of_its_type_is_null_and_stops_nothing(value: Any) -> None:
    for topic in PUBLIC:
        row = as_read(topic, dict.fromkeys(topic_schema(topic)["properties"], value))
        assert row["kafka_offset"] == 7
