"""What generated functions call."""

from engine.core.entities import MAX_KEY_CHARS
from engine.rulebook.runtime import MAX_KEYS, keys


def test_only_a_key_that_is_too_long_is_hashed() -> None:
    longest = "k" * MAX_KEY_CHARS
    assert keys((longest,)) == (longest,)
    (hashed,) = keys((longest + "k",))
    assert len(hashed) < MAX_KEY_CHARS
    assert hashed != keys((longest + "l",))[0]


def test_an_event_names_no_more_entities_than_there_may_be() -> None:
    parts = tuple(map(str, range(9)))
    assert len(keys(parts, parts)) == MAX_KEYS
    assert keys(parts, ("x",))[0] == keys(("0",), ("x",))[0]
