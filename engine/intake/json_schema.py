"""JSON by a schema, at a cost that the message's length bounds: whoever writes a message may know the schema.

Three things could cost anything. A pattern is matched in linear time, and one that cannot be is refused. Nothing is
fetched. A schema that has itself inside in two places could be followed along more ways than can be counted: whether a
message fits is found out by what remembers its answers, and where it does not fit, place and reason are asked for only
while the schema is small.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema_rs
import orjson

from engine.errors import EventError, SettingsError
from engine.intake.schemas import Language, Written

_MOST_FOLLOWED = 2_000
"""A schema with so many parts, those counted again that are referred to, may be followed to tell what is wrong."""
_MOST_STEPS = 20_000_000
"""Parts of the schema, times bytes of the message."""
_BASE = "json-schema:///"
_MOST_BEFORE, _MOST_BEHIND = 120, 180


class JsonSchema:
    """A schema. Raises whatever goes wrong where it is none, or refers to what is not there."""

    def __init__(self, written: Written) -> None:
        own = orjson.loads(written.text)
        referred = {name: orjson.loads(text) for name, text in written.referred.items()}

        def retrieve(uri: str) -> Any:
            name = uri if uri in referred else uri.removeprefix(_BASE)
            if name not in referred:
                raise ValueError(f"nothing is fetched, and {_short(uri)} is not in the registry")
            return referred[name]

        self._validator = jsonschema_rs.validator_for(
            own, pattern_options=jsonschema_rs.RegexOptions(), retriever=retrieve, validate_formats=True
        )
        self._parts = _MOST_FOLLOWED if referred else _count_parts(own)

    def check(self, document: Any, size_bytes: int) -> None:
        """Raise EventError where a document does not fit. `size_bytes`: of its text."""
        try:
            if self._validator.is_valid(document):
                return
            told = "it is not told where: the schema is too large for that"
            if self._parts < _MOST_FOLLOWED and self._parts * size_bytes <= _MOST_STEPS:
                self._validator.validate(document)
        except jsonschema_rs.ValidationError as error:
            place = "".join(f"/{part}" for part in error.instance_path)
            told = f"at {_short(place) or '/'}: {_short(error.message)}"
        except ValueError as error:  # whatever cannot be compared with a schema
            told = _short(str(error))
        raise EventError("breaks_schema", f"the message is not as its schema says; {told}")


def read_schema_file(path: str) -> JsonSchema:
    """A schema that operators have in a file. Raises SettingsError."""
    try:
        return JsonSchema(Written(Path(path).read_text("utf-8"), {}))
    except (OSError, ValueError, jsonschema_rs.ReferencingError) as error:
        raise SettingsError(f"`schema_file` {path} is no JSON Schema that can be used: {error}") from error


def _short(text: str) -> str:
    """Its beginning and its end: what a message says stands in front, what is wrong with it behind."""
    is_long = len(text) > _MOST_BEFORE + _MOST_BEHIND
    return f"{text[:_MOST_BEFORE]}…{text[-_MOST_BEHIND:]}" if is_long else text


def _count_parts(schema: Any) -> int:
    """Parts, each reference with all that it refers to; `_MOST_FOLLOWED` where there are as many or more."""
    left = _MOST_FOLLOWED
    waiting = [schema]
    while waiting and left > 0:
        left -= 1
        part = waiting.pop()
        if isinstance(part, list):
            waiting += part
        elif isinstance(part, dict):
            if "$id" in part and part is not schema:  # what is referred to within it is meant otherwise
                return _MOST_FOLLOWED
            waiting += part.values()
            for name in ("$ref", "$dynamicRef", "$recursiveRef"):
                if isinstance(part.get(name), str):
                    found = _referred(schema, part[name])
                    if found is None:
                        return _MOST_FOLLOWED
                    waiting.append(found)
    return _MOST_FOLLOWED - max(left, 0)


def _referred(schema: Any, reference: str) -> Any:
    """What a reference within the schema means; None for any other."""
    if reference[:2] != "#/":
        return None
    found = schema
    for name in reference[2:].split("/"):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


JSON_SCHEMA = Language("JSON", JsonSchema)
