"""JSON by a schema: what fits, what is told, and that nothing a message has costs more than its length."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from engine.errors import EventError, SettingsError
from engine.intake.json_schema import JsonSchema, read_schema_file
from engine.intake.schemas import Written
from tests.costs import cost_by_length

POST = {
    "type": "object", "required": ["id"],
    "properties": {
        "id": {"type": "string", "pattern": "^(p+)+-[0-9]+$"}, "tags": {"items": {"type": "string"}},
        "at": {"format": "date-time"}, "by": {"$ref": "#/$defs/author"},
    },
    "$defs": {"author": {"type": "object", "properties": {"id": {"minimum": 1}}}},
}  # fmt: skip


def schema(document: Any, **referred: Any) -> JsonSchema:
    texts = {name: orjson.dumps(one).decode() for name, one in referred.items()}
    return JsonSchema(Written(orjson.dumps(document).decode(), texts))


def told(document: Any, of: JsonSchema) -> str:
    with pytest.raises(EventError) as error:
        of.check(document, len(orjson.dumps(document)))
    assert error.value.reason == "breaks_schema"
    return str(error.value)


def test_place_and_reason_are_told() -> None:
    post = schema(POST)
    post.check({"id": "pp-1", "tags": [], "at": "2026-03-02T11:00:00Z", "by": {"id": 1}}, 99)
    assert 'at /: "id" is a required property' in told({}, post)
    assert 'at /tags/1: 7 is not of type "string"' in told({"id": "p-1", "tags": ["a", 7]}, post)
    assert "at /by/id: 0 is less than" in told({"id": "p-1", "by": {"id": 0}}, post)
    assert "date-time" in told({"id": "p-1", "at": "yesterday"}, post)
    assert len(told({"id": "p-1", "by": "x" * 100_000}, post)) < 1_000
    assert len(told({"id": "p-1", "tags": [{"k" * 100_000: 1}]}, post)) < 1_000


def test_a_pattern_costs_by_the_length_of_the_text() -> None:
    with cost_by_length():
        assert "does not match" in told({"id": "p" * 200_000}, schema(POST))


@pytest.mark.parametrize(
    "document",
    [
        {"pattern": "^(?=a)(a+)+$"}, {"pattern": "(a)\\1"}, {"patternProperties": {"(?<!a)b": {}}},
        {"pattern": "(a{1000}){1000}"}, {"$ref": "http://127.0.0.1:9/x"}, {"$ref": "file:///etc/passwd"},
        {"$ref": "other.json"}, {"$ref": "#/nowhere"}, {"$schema": "http://127.0.0.1:9/x"}, {"type": "no type"}, 5, [],
    ],
)  # fmt: skip
def test_what_could_hang_or_fetch_is_no_schema(document: Any, tmp_path: Path) -> None:
    (tmp_path / "schema.json").write_bytes(orjson.dumps(document))
    with pytest.raises(SettingsError, match=r"schema\.json is no JSON Schema"):
        read_schema_file(str(tmp_path / "schema.json"))


def test_a_file_that_is_no_json_and_one_that_is_not_there_are_told(tmp_path: Path) -> None:
    (tmp_path / "schema.json").write_text("{")
    for name in ("schema.json", "missing.json"):
        with pytest.raises(SettingsError, match=name):
            read_schema_file(str(tmp_path / name))


def test_what_is_referred_to_comes_from_the_registry() -> None:
    post = schema({"properties": {"by": {"$ref": "author.json"}}}, **{"author.json": {"required": ["id"]}})
    post.check({"by": {"id": 1}}, 20)
    told({"by": {}}, post)
    named = schema({"$ref": "https://example.com/a"}, **{"https://example.com/a": {"type": "object"}})
    named.check({}, 2)
    told([], named)


_AGAIN: dict[str, Any] = {"properties": {"c": {"$ref": "#"}}}
BRANCHING: dict[str, dict[str, Any]] = {
    "any": {"anyOf": [_AGAIN, {**_AGAIN, "required": ["x"]}]},
    "one": {"oneOf": [_AGAIN, {**_AGAIN, "required": ["c"]}]},
    "if": {"if": _AGAIN, "then": _AGAIN, "else": _AGAIN},
    "unevaluated": {"anyOf": [_AGAIN, {**_AGAIN, "required": ["x"]}], "unevaluatedProperties": {"$ref": "#"}},
    "dynamic": {
        "$dynamicAnchor": "n",
        "anyOf": [{"properties": {"c": {"$dynamicRef": "#n"}}}, {"additionalProperties": {"$dynamicRef": "#n"}}],
    },
    "named": {"$defs": {"n": {"$id": "n", "anyOf": [_AGAIN, {"$ref": "#"}]}}, **_AGAIN, "$ref": "n"},
}


@pytest.mark.parametrize("name", BRANCHING)
def test_a_schema_that_has_itself_inside_twice_costs_by_the_length_of_the_message(name: str) -> None:
    document: Any = "no object"
    for _ in range(150):
        document = {"c": document}
    with cost_by_length():
        assert "not told where" in told(document, schema({"type": "object", **BRANCHING[name]}))


def test_a_schema_that_refers_to_the_same_again_and_again_is_not_followed() -> None:
    parts: dict[str, Any] = {f"d{n}": {"anyOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(24)}
    again = schema({"$ref": "#/$defs/d0", "$defs": {**parts, "d24": {"type": "string"}}})
    with cost_by_length():
        assert "not told where" in told({}, again)


def test_a_message_that_is_nested_as_deeply_as_json_may_be_ends_no_process() -> None:
    document = orjson.loads(b"[" * 1_024 + b"1" + b"]" * 1_024)
    again = {"anyOf": [{"type": "integer"}, {"items": {"$ref": "#"}, "unevaluatedItems": False}]}
    schema(again).check(document, 2_049)
    with pytest.raises(EventError):
        schema({**again, "maxItems": 0}).check(document, 2_049)


def test_what_is_told_costs_by_the_length_of_the_message() -> None:
    many = schema({"items": {"anyOf": [{"pattern": f"^{number}"} for number in range(900)]}})
    with cost_by_length():
        told(["x" * 10_000, *map(str, range(1_000))], many)
