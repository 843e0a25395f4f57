"""Lists that change while rules are in use."""

from collections.abc import Callable, Iterable

Conceal = Callable[[str], str]
"""Gives an id its pseudonym."""


class LiveList(set[str]):
    """What generated code looks entries up in. `fixed`: the entries that the rulebook itself has, which stay;
    `conceal`: what gives ids pseudonyms, if they have some: events have those, people write the ids."""

    def __init__(self, fixed: Iterable[str], conceal: Conceal | None = None) -> None:
        self.fixed, self._conceal = frozenset(fixed), conceal
        super().__init__()
        self.replace(())

    def replace(self, entries: Iterable[str]) -> None:
        """Have these entries beside the fixed ones, and no others."""
        self.clear()
        for entry in (*self.fixed, *entries):
            self.put(entry)

    def put(self, entry: str) -> None:
        """Have one entry more."""
        self.add(entry)
        if self._conceal is not None:
            self.add(self._conceal(entry))

    def drop(self, entry: str) -> None:
        """Have one less, unless it is fixed."""
        if entry not in self.fixed:
            self.discard(entry)
            if self._conceal is not None:
                self.discard(self._conceal(entry))
