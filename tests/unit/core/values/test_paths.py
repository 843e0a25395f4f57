"""Where fields stand: the same in Python and compiled, whatever a sender nests."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.kernel import lookup as chosen
from engine.core.values.paths import lookup

names = st.sampled_from(["a", "b", "a.b", "a.b.c", "", "."])
documents = st.recursive(
    st.dictionaries(names, st.none() | st.integers(0, 3) | st.just([1])),
    lambda inner: st.dictionaries(names, inner | st.none() | st.integers(0, 3)),
)


@pytest.mark.parametrize("look", [lookup, chosen])
def test_what_is_nested_comes_before_a_key_with_dots(look: Callable[[dict[str, Any], str], Any]) -> None:
    assert look({"a": {"b": 1}}, "a.b") == 1
    assert look({"a.b": 2, "a": {"b": 1}}, "a.b") == 1  # the other one may be the sender's
    assert look({"a.b": 2, "a": {"c": 1}}, "a.b") == 2
    assert look({"a": 5}, "a.b") is None


@given(documents, names)
def test_both_find_the_same(document: dict[str, Any], path: str) -> None:
    assert chosen(document, path) == lookup(document, path)
