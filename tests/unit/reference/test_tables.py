"""Rows of tables on topics: kept as they come, in bounded memory."""

from typing import Any

import orjson
import pytest

from engine.core.domain.reference import Column, Lookup
from engine.reference.tables import Tables

PROFILE = Lookup("topic", "profile", "user_id", (Column("a", "plan"), Column("b", "address.country")))


def tables(max_rows: int = 100, max_bytes: int = 1_000_000) -> Tables:
    made = Tables(max_rows, max_bytes)
    assert made.use([PROFILE]) == {"profile"}
    return made


def put(made: Tables, key: str, document: Any) -> str | None:
    return made.put("profile", key.encode(), orjson.dumps(document))


def test_only_declared_columns_are_kept() -> None:
    made = tables()
    assert (
        put(made, "ann", {"plan": "free", "address": {"country": "DE", "street": "x"}, "email": "a@b.example"}) is None
    )
    assert made.find(PROFILE, "ann", 0) == ("free", "DE")


def test_the_last_row_of_a_key_counts_and_null_removes_it() -> None:
    made = tables()
    put(made, "ann", {"plan": "free"})
    put(made, "ann", {"plan": "pro"})
    assert (made.find(PROFILE, "ann", 0), made.rows) == (("pro", None), 1)
    assert made.put("profile", b"ann", None) is None
    assert (made.find(PROFILE, "ann", 0), made.rows, made.bytes) == (None, 0, 0)


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        (b"ann", b"{", "not_json"),
        (b"ann", b"[1]", "not_an_object"),
        (b"\xff", b"{}", "not_json"),
        (None, b"{}", "no_key"),
        (b"x" * 1_000, b"{}", "no_key"),
    ],
)
def test_what_is_no_row_is_refused(key: bytes | None, value: bytes, reason: str) -> None:
    made = tables()
    assert made.put("profile", key, value) == reason
    assert made.rows == 0


def test_rows_beyond_the_limit_are_refused_and_known_ones_go_on() -> None:
    made = tables(max_rows=2)
    assert [put(made, key, {"plan": "free"}) for key in "abc"] == [None, None, "no_room"]
    assert put(made, "a", {"plan": "pro"}) is None
    assert (made.find(PROFILE, "a", 0), made.find(PROFILE, "c", 0)) == (("pro", None), None)


def test_bytes_are_bounded_too() -> None:
    made = tables(max_bytes=1_000)
    assert put(made, "a", {"plan": "x"}) is None
    assert put(made, "b", {"plan": "x" * 900}) == "no_room"
    assert put(made, "a", {"plan": "x" * 900}) == "no_room"
    assert 0 < made.bytes <= 1_000


def test_a_table_with_other_columns_begins_anew_and_others_stay() -> None:
    made, merchant = tables(), Lookup("topic", "merchant", "merchant_id", (Column("c", "risk"),))
    put(made, "ann", {"plan": "free"})
    assert made.use([PROFILE, merchant]) == {"merchant"}
    assert made.counts() == {"profile": 1, "merchant": 0}
    other = Lookup("topic", "profile", "user_id", (Column("a", "plan"),))
    assert made.use([other]) == {"profile"}
    assert made.counts() == {"profile": 0}
