"""Which fields of an event are not what they should be."""

import pytest

from engine.rulebook.codegen.validity import invalid


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
    ],
)
def test_a_field_is_invalid_where_something_else_stands(fields: dict[str, object], found: list[str]) -> None:
    number = (int, float)
    declared = (("n", "n", None, number), ("deep", "a.b", "a", number), ("deeper", "a.c.d", "a", number))
    assert invalid(fields, declared) == found
