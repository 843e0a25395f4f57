"""Writes what entities remember: how events enter registers, and what is read of these just before."""

from collections.abc import Callable, Iterable
from typing import Any

from engine.core.domain.counters import Counter
from engine.core.domain.programs import Recall, Warming
from engine.core.domain.rules import Memory
from engine.core.series.entity_series import EntitySeries
from engine.core.values.hashing import hash32
from engine.rulebook.codegen.conditions import Scope
from engine.rulebook.codegen.functions import Vocabulary, compiled, concerns
from engine.rulebook.codegen.readings import reading
from engine.rulebook.codegen.runtime import RUNTIME
from engine.rulebook.language.nodes import names_in

_READERS = {
    "last": "recall_last({r}, {key}, until)", "first": "recall_first({r}, {key}, until)",
    "age of last": "recall_age({r}, {key}, now, until)", "age of first": "recall_first_age({r}, {key}, now, until)",
    "new": "recall_new({r}, {key}, until)",
}  # fmt: skip


def recalling(subject: str, memories: Iterable[Memory], counters: Iterable[Counter]) -> Recall:
    """Reads these of an entity's registers and series, as they were up to a time."""
    entries = [f"{one.name!r}: {_READERS[one.kind].format(r='s.registers', key=one.key)}" for one in memories]
    entries += [f"{one.name!r}: {reading(one, 'until', f'{one.over_ms} - now + until')}" for one in counters]
    namespace = dict(RUNTIME)
    compiled([f"def recall(s, now, until):\n return {{{', '.join(entries)}}}"], subject, namespace)
    recall: Callable[[EntitySeries, int, int], dict[str, Any]] = namespace["recall"]
    return recall


def rememberings(words: Vocabulary, scope: Scope, memories: Iterable[Memory]) -> list[str]:
    """Lines that enter an event into the registers of these, each register once."""
    lines: list[str] = []
    for memory in {memory.key: memory for memory in memories}.values():
        declared = words.declared.memories[memory.name]
        value = scope.loaded(declared.subject) if declared.subject is not None else "True"
        register = f"s.registers, {memory.key}, {memory.register}, now"
        entry = f"memorize({register}, {value}, {memory.keep_ms})"
        if declared.where is None:
            lines.append(f" {entry}")
            continue
        lines += scope.lines(f" if {scope.true(declared.where)}: {entry}")
        if names_in(declared.where):  # what may belong to it makes the answer unknown, or a bound
            lines.append(f" elif not {scope.false(declared.where)}: doubt_memory({register}, {memory.keep_ms})")
    return lines


def warming(memories: Iterable[Memory], read: Iterable[str], event_type: str) -> tuple[Warming, ...]:
    """What has to be watched for long enough, and is read or entered by events of this type."""
    names = set(read)
    return tuple(
        Warming(
            name=memory.watched,
            key=hash32(f"watched {memory.key} {memory.warm_ms}"),
            warm_ms=memory.warm_ms,
            enters=concerns(memory.of, event_type),
        )
        for memory in memories
        if memory.warm_ms and (memory.name in names or concerns(memory.of, event_type))
    )
