"""Lists: what is in them, as people mean their entries, and those that change while rules are in use."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Set
from types import MappingProxyType
from typing import Any

from engine.core.values.networks import Network, address_of, network_of

Conceal = Callable[[str], str]
"""Gives an id its pseudonym."""

MAX_NAME_CHARS = 320
"""Longer values are no addresses, e-mail addresses or host names."""

_NAME = re.compile(r"[^@\s/]+@[^@\s/]+\.[^@\s/.]+|[^@\s/:*]+\.[^\W\d][^@\s/:*.]+")
"""An e-mail address or the name of a host."""

_WILDCARD = re.compile(r"\*\.([^@\s/:*]+\.[^@\s/:*.]+)")

Meaning = tuple[object, ...]

_ADDRESS_BITS: Mapping[int, int] = MappingProxyType({4: 32, 6: 128})


def entries_of(values: Iterable[Any]) -> Set[Any]:
    """What a list that does not change looks its entries up in."""
    entries = frozenset(values)
    texts = [value for value in entries if isinstance(value, str)]
    return Entries(texts) if any(meaning_of(value) is not None for value in texts) else entries


def meaning_of(entry: str) -> Meaning | None:
    """What an entry stands for beside itself: a network for its addresses, in any writing; `*.x.com` for x.com and all
    below it; e-mail addresses and hosts for themselves without case. None for any other entry."""
    if len(entry) > MAX_NAME_CHARS:
        return None
    network = network_of(entry)
    if network is not None:
        return ("network", *network)
    below = _WILDCARD.fullmatch(entry)
    if below is not None:
        return "below", below[1].casefold()
    return ("name", entry.casefold()) if _NAME.fullmatch(entry) else None


def is_wide(entry: str, bits: Mapping[int, int] = _ADDRESS_BITS) -> bool:
    """Whether an entry stands for many things, which nobody may choose who writes events: all that is below a name, or
    a network larger than one of so many `bits` by version, which is a single address where nothing else is said."""
    meaning = meaning_of(entry)
    if meaning is None or meaning[0] == "name":
        return False
    network = network_of(entry)
    return network is None or network.bits < bits[network.version]


class Entries(set[str]):
    """Entries that are found as they are meant (`meaning_of`)."""

    def __init__(self, entries: Iterable[str] = ()) -> None:
        super().__init__()
        self._meanings: Counter[Meaning] = Counter()
        self._lengths: Counter[tuple[object, object]] = Counter()  # of networks: version and bits
        self._depths: Counter[int] = Counter()  # of wildcards: how many labels stand below the star
        for entry in entries:
            self.add(entry)

    def add(self, entry: str) -> None:
        """Have one entry more."""
        if not super().__contains__(entry):
            super().add(entry)
            self._note(entry, 1)

    def discard(self, entry: object) -> None:
        """Have one less, if it is there."""
        if isinstance(entry, str) and super().__contains__(entry):
            super().discard(entry)
            self._note(entry, -1)

    def clear(self) -> None:
        """Have none."""
        super().clear()
        self._meanings.clear()
        self._lengths.clear()
        self._depths.clear()

    def __contains__(self, value: object) -> bool:
        if set.__contains__(self, value):  # `super` is dearer than what it asks
            return True
        return bool(self._meanings) and isinstance(value, str) and len(value) <= MAX_NAME_CHARS and self._means(value)

    def _means(self, value: str) -> bool:
        meanings, folded = self._meanings, value.casefold()
        if ("name", folded) in meanings:
            return True
        network = network_of(address_of(value)) if self._lengths else None
        if network is not None:
            return self._has_network(network)
        return bool(self._depths) and self._has_wildcard(folded.split("."))

    def _has_network(self, network: Network) -> bool:
        return any(
            version == network.version
            and bits <= network.bits  # type: ignore[operator]  # a number
            and ("network", *network.within(bits)) in self._meanings  # type: ignore[arg-type]  # a number
            for version, bits in self._lengths
        )

    def _has_wildcard(self, labels: list[str]) -> bool:
        return any(
            depth <= len(labels) and ("below", ".".join(labels[-depth:])) in self._meanings for depth in self._depths
        )

    def _note(self, entry: str, by: int) -> None:
        meaning = meaning_of(entry)
        if meaning is None:
            return
        counted: list[tuple[Counter[Any], object]] = [(self._meanings, meaning)]
        if meaning[0] == "network":
            counted.append((self._lengths, meaning[1:3]))
        elif meaning[0] == "below":
            counted.append((self._depths, str(meaning[1]).count(".") + 1))
        for counter, key in counted:
            counter[key] += by
            if not counter[key]:
                del counter[key]


class LiveList(Entries):
    """What generated code looks entries up in. `fixed`: the entries that the rulebook itself has, which stay;
    `conceal`: what gives ids pseudonyms, if they have some: events have those, people write the ids. `changes`: how
    often it has become another one."""

    def __init__(self, fixed: Iterable[str], conceal: Conceal | None = None) -> None:
        super().__init__()
        self.fixed, self._conceal = frozenset(fixed), conceal
        self.entries: set[str] = set()
        self._reasons: Counter[str] = Counter()  # how many entries a member is there for
        self.changes = 0
        self.replace(())

    def replace(self, entries: Iterable[str]) -> None:
        """Have these entries beside the fixed ones, and no others."""
        self.changes += 1
        self.clear()
        self.entries.clear()
        self._reasons.clear()
        for entry in self.fixed:
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
            self.changes += 1
            self.entries.remove(entry)
            for member in self._members(entry):
                self._reasons[member] -= 1
                if not self._reasons[member]:
                    del self._reasons[member]
                    self.discard(member)

    def _enter(self, entry: str) -> None:
        self.changes += 1
        for member in self._members(entry):
            self._reasons[member] += 1
            self.add(member)

    def _members(self, entry: str) -> tuple[str, ...]:
        return (entry,) if self._conceal is None else (entry, self._conceal(entry))
