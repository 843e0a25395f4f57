"""What counters say of recorded events, of spam and of the rest, and which thresholds would tell them apart.

Each counter is read by a rule of its own, in shadow, on the engine that runs live: what is suggested is what a rule
would see.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import Any

import msgspec
import orjson

from engine.backtest.comparison import Arrived, Estimate, estimate
from engine.backtest.run import CHUNK, arriving, known_spam
from engine.core.domain.counters import Counter
from engine.core.domain.rules import Rulebook
from engine.core.values.bounds import LEAST
from engine.errors import RulebookError
from engine.rulebook.compiler import load_rulebook
from engine.settings import Settings
from engine.stream.kafka.records import Recorded
from engine.stream.offline.engine import OfflineEngine

_FILE = "observed.yaml"
_RULE = "observed_"
_HIGHEST, _HIGHEST_SUM = 900, 10**12
"""Higher values are not told apart: counters keep no more entries than the largest threshold needs."""

QUANTILES = (0.5, 0.9, 0.99, 0.999)
RARE = 0.001
"""Without labels: a threshold that one event in a thousand is above."""


class ValueGroup(msgspec.Struct, frozen=True):
    """A counter's values at some events: how many there were, QUANTILES of them, the highest."""

    events: int
    quantiles: list[float]
    highest: float


class Suggestion(msgspec.Struct, frozen=True):
    """A counter, and above which value. `precision`, `recall`: of events above `threshold`, among those labelled; None
    without labels. `share`: of all events that are above it."""

    counter: str
    groups: dict[str, ValueGroup]
    threshold: float | None
    precision: Estimate | None
    recall: Estimate | None
    share: float


def suggest(
    rulebook: Rulebook, events: Iterable[bytes | Recorded], labels: list[bytes], settings: Settings, precision: float,
    done: Callable[[int], None] = lambda count: None,
) -> list[Suggestion]:  # fmt: skip
    """For each counter the lowest threshold above which, with 95 % confidence, `precision` of the labelled events are
    spam; without labels, the one that few events are above."""
    spam, arrived = known_spam(labels), Arrived()
    settings = msgspec.structs.replace(settings, decision_sample=0.0, review_share=0.0)
    engine = OfflineEngine(_observing(rulebook), settings)
    values: dict[str, dict[str, list[float]]] = {name: {} for name in rulebook.counters}
    arrivals = arriving(events, [], settings, arrived, spam)
    while chunk := list(islice(arrivals, CHUNK)):
        for message in engine.run(chunk):
            if message.topic == settings.topics.decisions:
                _note(values, orjson.loads(message.value), spam)
        done(arrived.events)
    return [_suggestion(name, groups, precision) for name, groups in values.items()]


def _note(values: dict[str, dict[str, list[float]]], decision: Any, spam: Mapping[str, bool]) -> None:
    truth = spam.get(decision["event_id"])
    group = "unlabelled" if truth is None else "spam" if truth else "ham"
    for hit in decision["hits"]:
        name = hit["rule"].removeprefix(_RULE)
        if hit["rule"].startswith(_RULE) and name in values:
            value = hit["clauses"][0]["value"]
            values[name].setdefault(group, []).append(float(value[LEAST] if isinstance(value, dict) else value))


def _observing(rulebook: Rulebook) -> Rulebook:
    """The rulebook, with a rule in shadow for each counter. Raises RulebookError."""
    sources = dict(rulebook.sources)
    try:
        return load_rulebook({**sources, _FILE: _rules(rulebook, lambda counter: _HIGHEST)})
    except RulebookError:  # some counters have caps of their own
        return load_rulebook({**sources, _FILE: _rules(rulebook, lambda counter: min(_HIGHEST, counter.cap - 1))})


def _rules(rulebook: Rulebook, highest: Callable[[Counter], int]) -> str:
    rules = {}
    for name, counter in rulebook.counters.items():
        if counter.type != "number":
            continue  # explained as a text: there is no number to take
        below = highest(counter) if counter.kind in ("count", "distinct") and not counter.approx else _HIGHEST_SUM
        rules[_RULE + name] = {
            "event": list(counter.of),
            "when": [f"{name} >= 0", f"{name} <= {below}"],
            "then": {"flag": "observed"},
            "mode": "shadow",
        }
    return orjson.dumps({"version": 1, "rules": rules}).decode()


def _suggestion(name: str, groups: Mapping[str, list[float]], precision: float) -> Suggestion:
    for values in groups.values():
        values.sort()
    spam, ham = groups.get("spam", []), groups.get("ham", [])
    everything = sorted(value for values in groups.values() for value in values)
    threshold = _threshold(spam, ham, precision) if spam else _rare(everything)
    summaries = {group: _group(values) for group, values in sorted(groups.items())}
    if threshold is None:
        return Suggestion(counter=name, groups=summaries, threshold=None, precision=None, recall=None, share=0.0)
    above, wrong = len(spam) - bisect_right(spam, threshold), len(ham) - bisect_right(ham, threshold)
    share = (len(everything) - bisect_right(everything, threshold)) / max(1, len(everything))
    return Suggestion(
        counter=name,
        groups=summaries,
        threshold=threshold,
        precision=estimate(above, above + wrong),
        recall=estimate(above, len(spam)),
        share=round(share, 6),
    )


def _threshold(spam: list[float], ham: list[float], precision: float) -> float | None:
    """The lowest value above which the precision is high enough."""
    lowest = None
    for value in sorted({0.0, *spam, *ham}, reverse=True):
        above = len(spam) - bisect_right(spam, value)
        estimated = estimate(above, above + len(ham) - bisect_right(ham, value))
        if estimated is not None and estimated.low >= precision:
            lowest = value
    return lowest


def _rare(values: list[float]) -> float | None:
    """The lowest value that at most one event in a thousand is above; None where nothing is."""
    if not values:
        return None
    value = values[min(len(values) - 1, int(len(values) * (1 - RARE)))]
    return value if bisect_right(values, value) < len(values) else values[max(0, bisect_left(values, value) - 1)]


def _group(values: list[float]) -> ValueGroup:
    quantiles = [values[min(len(values) - 1, int(len(values) * share))] for share in QUANTILES]
    return ValueGroup(len(values), quantiles, values[-1])
