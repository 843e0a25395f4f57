"""Labels wait for their events."""

from types import SimpleNamespace
from typing import Any

from faust.types import TP

from engine.stream.worker.label_gate import LabelGate

EVENTS, OTHERS, LABELS = TP("events", 0), TP("events", 1), TP("labels", 0)


def records(*offsets: int) -> list[Any]:
    return [SimpleNamespace(offset=offset) for offset in offsets]


def offsets(gate: LabelGate, *given: int) -> tuple[list[int], list[int]]:
    """Of records with these offsets: those that are free, and those that wait."""
    free, waiting = gate.part(LABELS, records(*given))
    return [one.offset for one in free], [one.offset for one in waiting]


def test_nothing_is_known_of_labels_that_have_never_waited() -> None:
    gate = LabelGate()
    assert (offsets(gate, 3, 4), LABELS in gate) == (([], [3, 4]), False)


def test_labels_go_on_when_their_events_are_decided_so_far() -> None:
    gate = LabelGate()
    gate.hold(LABELS, EVENTS, 5, 4)
    assert gate.release(EVENTS, 4) == gate.release(OTHERS, 9) == []
    assert LABELS in gate
    assert gate.release(EVENTS, 5) == [LABELS]
    assert LABELS not in gate
    assert offsets(gate, 2, 3, 4) == ([2, 3], [4])


def test_what_is_someone_elses_is_forgotten() -> None:
    gate = LabelGate()
    gate.hold(LABELS, EVENTS, 5, 4)
    gate.release(EVENTS, 5)
    gate.hold(LABELS, EVENTS, 9, 8)
    gate.forget(LABELS)
    assert (gate.held, gate.release(EVENTS, 9), offsets(gate, 2)) == ({}, [], ([], [2]))
