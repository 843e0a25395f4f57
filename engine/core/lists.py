"""Lists that change while rules are in use."""

from collections import Counter
from collections.abc import Callable, Iterable

Conceal = Callable[[str], str]
"""Gives an id its pseudonym."""


class LiveList(set[str]):
    """What generated code looks entries up in. `fixed`: the entries that the rulebook itself has, which stay;
    `conceal`: what gives ids pseudonyms, if they have some: events have those, people write the ids."""

    def __init__(self, fixed: Iterable[str], conceal: Conceal | None = None) -> None:
        super().__init__()
        self._fixed, self._conceal = frozenset(fixed), conceal
        self.entries: set[str] = set()
        self._reasons: Counter[str] = Counter()  # how many entries a member is there for
        self.replace(())

    def replace(self, entries: Iterable[str]) -> None:
        """Have these entries beside the fixed ones, and no others."""
        self.clear()
        self.entries.clear()
        self._reasons.clear()
        for entry in self._fixed:
            self._enter(entry)
        for entry in entries:
            self.put(entry)

    def put(self, entry: str) -> None:
        """Have one entry more."""
        if entry not in self.entries:
            self.entries.add(entry)
            self._enter(entry)

    def drop(self, entry: str) -> None:
        """Have one less, unless it is fixed."""
        if entry in self.entries:
            self.entries.remove(entry)
            for member in self._members(entry):
                self._reasons[member] -= 1
                if not self._reasons[member]:
                    del self._reasons[member]
                    self.discard(member)

    def _enter(self, entry: str) -> None:
        for member in self._members(entry):
            self._reasons[member] += 1
            self.add(member)

    def _members(self, entry: str) -> tuple[str, ...]:
        return (entry,) if self._conceal is None else (entry, self._conceal(entry))
