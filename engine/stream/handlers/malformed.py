"""JSON as careless writers make it: read all the same, as its author may have chosen what is wrong with it.

Python's `json.dumps` and JavaScript's `JSON.stringify` write halves of surrogate pairs; Python's writes NaN. What
somebody has typed must not keep an event from being decided.
"""

import json
import re
from math import isfinite

import orjson

from engine.errors import EventError

MAX_DEPTH = 64
"""What is nested more deeply is left out."""

_LONGEST_INTEGER = 19
_TOKEN = re.compile(r'"(?:[^"\\]|\\.|\\\Z)*(?:"|\Z)|[\[\]{}]', re.DOTALL)


def read_malformed(data: bytes) -> object:
    """The document in a message that is no JSON: bytes that are no UTF-8 and halves of pairs become replacement
    characters, NaN, infinite and endless numbers an empty list, which is no number and not nothing either: an amount
    that is there and cannot be read is not taken for none. Control characters stay. Takes time in proportion to the
    message. Raises EventError (not_json)."""
    text = _shallow(data.decode("utf-8", "replace").removeprefix("\ufeff"))
    try:
        document = json.loads(text, strict=False, parse_constant=lambda _: [], parse_float=_real, parse_int=_whole)
        return orjson.loads(json.dumps(document, ensure_ascii=False).encode("utf-8", "replace"))
    except (ValueError, RecursionError) as error:
        raise EventError("not_json", f"the message is not JSON: {error}") from error


def _shallow(text: str) -> str:
    """The text without what is nested too deeply."""
    kept, depth, begins = [], 0, 0
    for token in _TOKEN.finditer(text):
        sign = token[0]
        if sign in ("[", "{"):
            depth += 1
            if depth == MAX_DEPTH + 1:
                kept += [text[begins : token.start()], "null"]
                begins = len(text)
        elif sign in ("]", "}"):
            depth -= 1
            if depth == MAX_DEPTH:
                begins = token.end()
    return "".join([*kept, text[begins:]])


def _real(text: str) -> float | list[object]:
    number = float(text)
    return number if isfinite(number) else []


def _whole(text: str) -> int | float | list[object]:
    return int(text) if len(text) <= _LONGEST_INTEGER else _real(text)
