"""What is believed of a classifier's answer: what has been declared, where it was declared."""

from typing import Any

import orjson

from engine.enrich.answers import Missing
from engine.enrich.classifiers.options import AnswerOptions, HttpOptions

UNEXPECTED = "unexpected_answer"
_ABSENT = object()


class Findings:
    """Reads answers. Raises Missing where one is not as it should be: half a verdict is none."""

    def __init__(self, options: HttpOptions) -> None:
        self._inner = options.answer_json
        self._list_at = options.batch.answers_at if options.batch is not None else None
        self._places = {
            name: AnswerOptions(place) if isinstance(place, str) else place for name, place in options.answers.items()
        }

    def each(self, answer: Any, count: int) -> list[Any]:
        """What an answer says of each of so many events."""
        if self._list_at is None:
            return [answer]
        found = _at(answer, self._list_at) if self._list_at else answer
        if not isinstance(found, list) or len(found) != count:
            raise Missing(UNEXPECTED)
        return found

    def of(self, answer: Any) -> dict[str, Any]:
        """What was found: by the declared names, or the whole object where none is declared."""
        if self._inner:
            answer = _parsed(_at(answer, self._inner))
        if not self._places:
            if not isinstance(answer, dict):
                raise Missing(UNEXPECTED)
            return answer
        return {name: self._one(answer, place) for name, place in self._places.items()}

    def _one(self, answer: Any, place: AnswerOptions) -> Any:
        found = _at(answer, place.at)
        if found is _ABSENT or found is None:
            raise Missing(UNEXPECTED)
        if place.one_of and not any(found == one and isinstance(found, bool) == isinstance(one, bool)
                                    for one in place.one_of):  # fmt: skip
            raise Missing(UNEXPECTED)
        return found


def parsed(data: bytes | str) -> Any:
    """The JSON in an answer. Raises Missing."""
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        raise Missing("no_json") from None


def _parsed(text: Any) -> Any:
    if not isinstance(text, str):
        raise Missing(UNEXPECTED)
    fenced = text.strip()
    if fenced.startswith("```") and fenced.endswith("```"):  # models like to say that it is JSON
        fenced = fenced.strip("`").removeprefix("json")
    return parsed(fenced)


def _at(value: Any, path: str) -> Any:
    for part in path.split("."):
        if isinstance(value, dict):
            value = value.get(part, _ABSENT)
        elif isinstance(value, list) and part.isascii() and part.isdigit() and len(part) < 6:
            value = value[int(part)] if int(part) < len(value) else _ABSENT
        else:
            return _ABSENT
    return value
