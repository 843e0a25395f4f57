"""What an event says about itself: in Python, and as it serves."""

from collections.abc import Callable
from typing import Any

import pytest

from engine.core import kernel
from engine.core.values import identity
from engine.core.values.identity import COMPUTED_FIELDS, IDENTITY_FIELDS, MAX_ID_CHARS, TEXT_FIELDS

PLAIN: dict[str, Any] = {"event_id": "e", "type": "post", "user_id": "ann", "ts": 5}
READERS = pytest.mark.parametrize(
    "read", [identity.plain_identity, kernel.plain_identity], ids=["python", "as it serves"]
)
Reader = Callable[[dict[str, Any]], tuple[str, str, str, int] | None]


@READERS
def test_a_plain_event_is_known_by_its_names_and_its_time(read: Reader) -> None:
    assert read(PLAIN) == ("e", "post", "ann", 5)
    assert read({**PLAIN, **dict.fromkeys(TEXT_FIELDS)}) == ("e", "post", "ann", 5)
    assert read({**PLAIN, **dict.fromkeys(TEXT_FIELDS, "x"), "more": 1}) == ("e", "post", "ann", 5)


@READERS
@pytest.mark.parametrize("name", IDENTITY_FIELDS)
def test_a_name_is_a_text_neither_empty_nor_too_long(read: Reader, name: str) -> None:
    for value in ("x", "x" * MAX_ID_CHARS):
        assert read({**PLAIN, name: value}) == tuple({**PLAIN, name: value}.values())
    for wrong in ("", "x" * (MAX_ID_CHARS + 1), None, 7, ["x"]):
        assert read({**PLAIN, name: wrong}) is None
    assert read({field: value for field, value in PLAIN.items() if field != name}) is None


@READERS
@pytest.mark.parametrize("ts", [5.0, "5", None, True])
def test_a_time_is_an_integer(read: Reader, ts: object) -> None:
    assert read({**PLAIN, "ts": ts}) is None


@READERS
@pytest.mark.parametrize("name", TEXT_FIELDS)
def test_a_text_field_that_is_no_text_makes_an_event_not_plain(read: Reader, name: str) -> None:
    for wrong in (0, 7, False, ["x"]):
        assert read({**PLAIN, name: wrong}) is None


@READERS
@pytest.mark.parametrize("name", COMPUTED_FIELDS)
def test_what_the_engine_finds_out_nobody_else_says(read: Reader, name: str) -> None:
    assert read({**PLAIN, name: None}) is None


@READERS
def test_an_address_with_a_comma_makes_an_event_not_plain(read: Reader) -> None:
    assert read({**PLAIN, "ip": "1.2.3.4, 5.6.7.8"}) is None
    assert read({**PLAIN, "ip": "1.2.3.4", "device_id": "a, b", "text": "a, b"}) == ("e", "post", "ann", 5)
