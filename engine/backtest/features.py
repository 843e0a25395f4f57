"""Signals of recorded events as rows, each as of its event's time: for those who train models elsewhere.

The events and the labels go through the engine in the order of their arrival. A row is taken when its event is decided,
so nothing that came later is in it. What is known later stands in the columns of the label alone.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import msgspec
import orjson

from engine.core.kernel import hash_bytes
from engine.core.values.bounds import LEAST
from engine.errors import EventError
from engine.learning.label_mapping import LabelMapping
from engine.reference.recorded import RecordedTables
from engine.rulebook.language.nodes import Type
from engine.rulebook.tools.observation import OBSERVED, Observed, observe
from engine.settings import Settings
from engine.stream.handlers.label_messages import translate_label
from engine.stream.handlers.messages import arrived_ms
from engine.stream.offline.arrivals import Arrival, merge
from engine.stream.offline.engine import OfflineEngine
from engine.stream.offline.recorded import Truth, truths

CHUNK = 2_000
EVENT_COLUMNS: Mapping[str, Type] = {"event_id": "text", "user_id": "text", "ts": "time", "type": "text"}
LABEL_COLUMNS: Mapping[str, Type] = {"label": "text", "label_ts": "time", "policy": "text"}
AT_LEAST = f"__{LEAST}"
"""Ends the name of the column that tells whether a number is a lower bound."""
_SIGNAL = "__signal"
"""Ends the name of a signal's column where the table has a column of its own under the signal's name."""

Row = dict[str, Any]
Place = tuple[str, str, str]
"""The id of an event, its user and its type."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Of which events, and which signals: all, or those of a type; all, or those that a model reads."""

    event_type: str | None = None
    model: str | None = None


def column_types(signals: Mapping[str, Type], labelled: bool) -> dict[str, Type]:
    """The columns and their types; those of bounds are not among them."""
    columns = {**EVENT_COLUMNS, **{_column(name): kind for name, kind in signals.items()}}
    return {**columns, **LABEL_COLUMNS} if labelled else columns


def rows(
    observed: Observed, asked: Asked, events: Iterable[Arrival], labels: Sequence[Arrival] | None, settings: Settings,
    tables: RecordedTables | None = None,
) -> Iterator[Row]:  # fmt: skip
    """One row for each event that the engine decides, in the order of arrival. Bounds are `True` in a column of their
    own beside the number."""
    settings = msgspec.structs.replace(settings, decision_sample=0.0, review_share=0.0)
    engine = OfflineEngine(
        observed.rulebook, settings, tables=tables,
        compiled=lambda sources, conceal: observe(sources, conceal, asked.event_type, asked.model).rulebook,
    )  # fmt: skip
    known = _known(labels, settings.labels.mapping()) if labels is not None else None
    arrivals, place_of = merge(events, labels or ()), _places(settings)
    while chunk := list(islice(arrivals, CHUNK)):
        decided: dict[Place | None, list[Row]] = {}
        for message in engine.run(chunk):
            if message.topic == settings.topics.decisions:
                decision = orjson.loads(message.value)
                signals = _observed(decision, observed.signals)
                if signals is not None:
                    place = decision["event_id"], decision["user_id"], decision["type"]
                    decided.setdefault(place, []).append(_row(decision, signals, known))
        for arrival in chunk:
            if at_place := decided.get(place_of(arrival)):
                yield at_place.pop(0)


def _known(labels: Iterable[Arrival], mapping: LabelMapping) -> dict[str, Truth]:
    """The last verdict on each event, by the labels' times."""
    in_order = sorted(labels, key=lambda label: label.ts_ms)
    return truths(translate_label(label.value, mapping) for label in in_order)


def _observed(decision: Any, signals: Mapping[str, Type]) -> dict[str, Any] | None:
    """What the observing rule has read; None where the decision tells of others alone."""
    for hit in decision["hits"]:
        if hit["rule"] == OBSERVED:
            value = hit["clauses"][0]["value"]
            return value if len(signals) > 1 else dict.fromkeys(signals, value)
    return None


def _row(decision: Any, signals: Mapping[str, Any], known: Mapping[str, Truth] | None) -> Row:
    row = {name: decision[name] for name in EVENT_COLUMNS}
    for name, value in signals.items():
        is_bound = isinstance(value, dict) and value.keys() == {LEAST}
        row[_column(name)] = value[LEAST] if is_bound else value
        if is_bound and value[LEAST] is not None:
            row[_column(name) + AT_LEAST] = True
    if known is not None:
        truth = known.get(decision["event_id"])
        row["label"] = None if truth is None else "spam" if truth.spam else "ham"
        row["label_ts"], row["policy"] = (None, None) if truth is None else (truth.known_ms, truth.policy)
    return row


def _column(signal: str) -> str:
    return signal + _SIGNAL if signal in EVENT_COLUMNS or signal in LABEL_COLUMNS else signal


def _places(settings: Settings) -> Callable[[Arrival], Place | None]:
    """Tells under which names an event is decided; None: it is none."""
    mapping, pseudonyms = settings.events.mapping(), settings.pseudonyms()

    def place_of(arrival: Arrival) -> Place | None:
        if arrival.kind != "event":
            return None
        line = arrival.value
        try:
            event = mapping.read(orjson.loads(line), arrived_ms(line), content=hash_bytes(line))
        except (EventError, orjson.JSONDecodeError):
            return None
        if pseudonyms is not None:
            pseudonyms.conceal(event)
        return event.event_id, event.user_id, event.type

    return place_of
