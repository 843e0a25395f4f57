"""Says where events meet of which something may come, and what they say there."""

from collections.abc import Mapping
from typing import Any

from engine.core.domain.counters import Counter
from engine.core.domain.outcomes import OutcomeSpec, OutcomeStep, ReadValue
from engine.core.values.hashing import hash32
from engine.rulebook.codegen.entities import EntityWriter, no_score
from engine.rulebook.codegen.functions import Vocabulary, compiled, concerns, function
from engine.rulebook.codegen.readings import from_series
from engine.rulebook.codegen.runtime import RUNTIME
from engine.rulebook.language.nodes import Expr
from engine.rulebook.sections.dependencies import reached
from engine.rulebook.sections.ordered import OutcomeDeclaration


class OutcomeWriter:
    """Holds the outcomes of a rulebook; `steps` tells what one type of events is to them."""

    def __init__(self, words: Vocabulary, entities: EntityWriter) -> None:
        self._words, self._declared = words, words.declared.outcomes
        self.outcomes = {name: self._spec(each, words.counters) for name, each in self._declared.items()}
        self._keys = {name: entities.finder(each.by, name) for name, each in self._declared.items()}
        self._values = {name: self._value(name, each.value) for name, each in self._declared.items()}

    def steps(self, event_type: str) -> tuple[OutcomeStep, ...]:
        """What events of this type are to each outcome that they concern."""
        return tuple([
            OutcomeStep(self.outcomes[name], opens, answers, self._keys[name], self._values[name])
            for name, each in self._declared.items()
            for opens, answers in [(concerns(each.after, event_type), concerns(each.comes, event_type))]
            if opens or answers
        ])  # fmt: skip

    def _spec(self, each: OutcomeDeclaration, counters: Mapping[str, Counter]) -> OutcomeSpec:
        declared = self._words.declared
        values = {ref.target for ref in (reached(declared, each.value) if each.value else ()) if ref.kind == "value"}
        said = [f"{name}: {declared.values[name].text}" for name in sorted(values)]
        types = sorted(each.after), sorted(each.comes)
        says = (each.name, *types, each.by, each.from_ms, each.until_ms, each.otherwise, each.value_text, said)
        after, comes = (counters[name].series_key for name in each.counters)
        return OutcomeSpec(
            each.name, hash32(repr(says)), each.by, each.from_ms, each.until_ms, each.otherwise, after, comes
        )

    def _value(self, name: str, value: Expr | None) -> ReadValue | None:
        if value is None:
            return None
        namespace: dict[str, Any] = dict(RUNTIME)
        scope = self._words.scope(namespace, from_series, no_score)
        lines = scope.lines(f" if {scope.true(value)}: return True")
        lines += scope.lines(f" if {scope.false(value)}: return False")
        compiled([function("value(f)", scope, [*lines, " return None"])], f"outcome {name}", namespace)
        read: ReadValue = namespace["value"]
        return read
