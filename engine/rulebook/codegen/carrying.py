"""What an event takes along to its entities and back, or to where something follows from it."""

from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass

from engine.core.domain.actions import ActionTemplate
from engine.core.domain.counters import Counter
from engine.rulebook.codegen.entities import Asked
from engine.rulebook.codegen.functions import Rules
from engine.rulebook.language.keys import KEY_PATHS
from engine.rulebook.language.nodes import Ref
from engine.rulebook.sections.declarations import Declarations
from engine.rulebook.sections.dependencies import behind_value, reached


@dataclass(frozen=True, slots=True)
class Load:
    """What has to be taken along where these rules are decided, and these counters and memories are entered, elsewhere
    or later. `needed`: the names that the rules read; `unasked`: counters whose `where` has been asked before."""

    declared: Declarations
    rules: Rules
    needed: list[Ref]
    entering: Asked
    unasked: Set[str] = frozenset()

    def paths(self) -> tuple[str, ...]:
        """The paths of the event."""
        return tuple(sorted({path for path in [*self._read(), *self._counted(self.entering.counters)] if path}))

    def shortened(self, followed: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
        """Those of them that nothing reads but counters of the distinct items of lists. `followed`: what goes along for
        what follows."""
        distinct = [each for each in self.entering.counters if each.kind == "distinct" and each.field not in KEY_PATHS]
        others = [each for each in self.entering.counters if each not in distinct]
        read = {*self._read(), *self._counted(others), *(path for paths in followed for path in paths)}
        return tuple(sorted({self.declared.path_of(each.field or "") for each in distinct} - read - {""}))

    def _read(self) -> Iterator[str]:
        """Whatever is read, but for what counters count."""
        named = [then for then in deeds(self.rules) if then.target not in ("user", "event")]
        for then in named:
            yield from KEY_PATHS[then.target] if then.keys is not None else (then.path,)
        refs = list(self.needed)
        for counter in self.entering.counters:
            refs += behind_value(self.declared, counter.field)
            where = self.declared.counters[counter.name].where if counter.name not in self.unasked else None
            refs += reached(self.declared, where) if where is not None else ()
        for memory in self.entering.memories:
            yield self.declared.path_of(memory.field or "")
            where = self.declared.memories[memory.name].where
            refs += reached(self.declared, where) if where is not None else ()
        for ref in refs:
            if ref.kind == "field":
                yield self.declared.fields[ref.target].path
            elif ref.kind == "event":
                yield ref.target
            elif ref.kind == "keys":
                yield from KEY_PATHS[ref.target]

    def _counted(self, counters: Iterable[Counter]) -> Iterator[str]:
        for counter in counters:
            if counter.field not in self.declared.values:
                yield from KEY_PATHS.get(counter.field or "", (self.declared.path_of(counter.field or ""),))


def deeds(rules: Rules) -> Iterator[ActionTemplate]:
    """Whatever these rules do."""
    return (then for _, rule in rules for then in (rule.rule.then, *rule.rule.further))
