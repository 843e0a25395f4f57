"""What another threshold of a rule would have met, as far as its recorded hits tell."""

import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import orjson

from engine.console.store.rules import Hit, Judged, judged
from engine.core.values.bounds import LEAST

_COMPARED = re.compile(r"([A-Za-z_][\w.]*) (>=|>|<=|<) (-?\d+(?:\.\d+)?)")
_MOST_STEPS = 12


class Step(NamedTuple):
    """A threshold. `met`: of the hits that were looked at, how many it would have met too."""

    threshold: float
    met: int
    judged: Judged
    is_present: bool


class Explored(NamedTuple):
    """A clause that compares with a number. `steps`: the present threshold first, then stricter ones; `unknown`: hits
    whose value does not stand in their decision."""

    clause: str
    name: str
    operator: str
    threshold: float
    steps: list[Step]
    unknown: int


def explore(clauses: Iterable[str], hits: Sequence[Hit]) -> list[Explored]:
    """Each clause of a rule that compares with a number, at stricter thresholds."""
    hit_values = [(hit, orjson.loads(hit.row.document)["hits"]) for hit in hits]
    explored = []
    for text in clauses:
        match = _COMPARED.fullmatch(text)
        if match is not None:
            known = [(hit, value) for hit, found in hit_values if (value := _value(found, text)) is not None]
            explored.append(_explored(text, match, known, len(hits) - len(known)))
    return explored


def _explored(text: str, match: re.Match[str], known: Sequence[tuple[Hit, float]], unknown: int) -> Explored:
    name, operator, threshold = match[1], match[2], float(match[3])
    rises, is_strict = operator in (">", ">="), operator in (">", "<")
    values = sorted({value for _, value in known}, reverse=not rises)
    candidates = values[:: -(-len(values) // _MOST_STEPS)] if values else []
    stricter = [value for value in candidates if (value > threshold if rises else value < threshold)]
    steps = []
    for at in [threshold, *stricter]:
        met = [hit for hit, value in known if _holds(value, at, rises, is_strict)]
        steps.append(Step(at, len(met), judged(met), at == threshold))
    return Explored(text, name, operator, threshold, steps, unknown)


def _holds(value: float, threshold: float, rises: bool, is_strict: bool) -> bool:
    if value == threshold:
        return not is_strict
    return (value > threshold) is rises


def _value(hits: Sequence[Any], clause: str) -> float | None:
    """The number that a clause has read; of a bound, what is certain."""
    for hit in hits:
        for trace in hit["clauses"]:
            if trace["text"] == clause:
                value = trace["value"]
                value = value.get(LEAST) if isinstance(value, dict) else value
                if isinstance(value, (int, float)) and not isinstance(value, bool):
                    return float(value)
    return None
