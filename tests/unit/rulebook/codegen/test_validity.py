"""Which fields of an event are not what they should be."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.values.shapes import Usual
from engine.rulebook.codegen.validity import Declared, DeclaredTypes, declared_types, invalid

names = st.sampled_from(("a", "b", "c", "a.b"))
values = st.recursive(
    st.sampled_from((None, 5, 1.5, "x", True)), lambda inner: st.dictionaries(names, inner, max_size=3), max_leaves=6
)
paths = st.lists(names, min_size=1, max_size=3).map(".".join)
declarations = st.tuples(paths, st.sampled_from(((int,), (int, float), (str,), (bool,)))).map(
    lambda one: (one[0], one[0], one[0].partition(".")[0] if "." in one[0] else None, one[1])
)


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({"n": 5}, []),
        ({"n": "x"}, ["n"]),
        ({}, []),
        ({"n": None}, []),
        ({"n": "x", "invalid_fields": ["n", "m"]}, ["n", "m"]),
        ({"a.b": 5}, []),
        ({"a.b": "x"}, ["deep"]),
        ({"a": {"b": 5}}, []),
        ({"a": {"b": "x"}}, ["deep"]),
        ({"a": {}}, []),
        ({"a": 5}, ["deep", "deeper"]),
        ({"a": {"b": "x"}, "a.b": 5}, ["deep"]),
        ({"a": {"b": 5}, "a.b": "x"}, []),
        ({"a": {"b": 5, "c": 5}}, ["deeper"]),
        ({"a": {"c": {"d": "x"}}}, ["deeper"]),
        ({"a": {"c": {}}}, []),
        ({"a": {"c": {"d": None}}}, []),
        ({"o": {"p": 5}}, ["text"]),
        ({"o": "x"}, ["within"]),
        ({"a": {"x": "y", "b": 1.5}, "x": "y"}, []),
        ({"a": None, "a.b": "x"}, ["deep"]),
        ({"both": 5, "unknown": "x"}, []),
        ({"both": 5.5}, ["counted"]),
        ({"both": "x", "n": "x"}, ["n", "counted", "measured"]),
    ],
)
def test_a_field_is_invalid_where_something_else_stands(fields: dict[str, object], found: list[str]) -> None:
    number = (int, float)
    declared = (
        ("n", "n", None, number), ("deep", "a.b", "a", number), ("deeper", "a.c.d", "a", number),
        ("text", "o", None, (str,)), ("within", "o.p", "o", number),
        ("counted", "both", None, (int,)), ("measured", "both", None, number),
    )  # fmt: skip
    assert invalid(fields, declared_types(declared)) == found


@settings(max_examples=500, deadline=None)
@given(st.lists(declarations, max_size=4), st.dictionaries(names, values, max_size=4))
def test_what_is_usual_needs_no_further_look(declared: list[Declared], fields: dict[str, Any]) -> None:
    never = Usual({name: frozenset() for name in fields}, {})
    assert invalid(fields, declared_types(declared)) == invalid(fields, DeclaredTypes(tuple(declared), never))
