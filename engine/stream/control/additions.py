"""What rules add to live lists: which of their actions become entries, and until when.

An action of the kind `add` is a wish. It becomes an entry if its rule has room: so many entries of a rule stand in a
list at once as the rule says, and no more. What people have entered, or removed since, is theirs.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from engine.core.domain.rules import Rulebook
from engine.core.values.identity import MAX_ID_CHARS
from engine.core.values.lists import is_wide
from engine.keys.network import V4_BITS, V6_BITS
from engine.rulebook.language.rule_schema import ADD

_PREFIX_BITS = {4: V4_BITS, 6: V6_BITS}
"""A network that an event names itself has at least so many bits, as one that is computed from an address."""


class Addition(NamedTuple):
    """An entry that a rule wants to be in a list."""

    rule: str
    list_name: str
    entry: str
    until_ms: int


def addition_of(action: Mapping[str, Any], published_ms: int) -> Addition | None:
    """What an action adds, if it does; its time begins when it is published. What senders have written is an entry only
    where it stands for itself: `*.co.uk` or `0.0.0.0/0` would meet others."""
    if action["kind"] != ADD or "scope" not in action or "for_ms" not in action:
        return None
    kind, entry = action["target"]["type"], action["target"]["id"]
    if not 0 < len(entry) <= MAX_ID_CHARS or (is_wide(entry, _PREFIX_BITS) if kind == "ip_prefix" else is_wide(entry)):
        return None
    return Addition(action["rule"], action["scope"], entry, published_ms + action["for_ms"])


class Standing:
    """The entries of rules that stand. `most`: by rule and list, how many may."""

    def __init__(self, rulebook: Rulebook) -> None:
        self._most = {
            (rule.name, then.scope): then.most
            for rule in rulebook.rules
            for then in (rule.then, *rule.further)
            if then.kind == ADD and then.most is not None
        }
        self._named: dict[tuple[str, str], Addition] = {}

    @property
    def are_wanted(self) -> bool:
        """Whether any rule adds something."""
        return bool(self._most)

    def take(self, wanted: Addition) -> bool:
        """Whether an entry stands now that did not stand before. One that stands is not prolonged."""
        most = self._most.get((wanted.rule, wanted.list_name), 0)
        name = wanted.list_name, wanted.entry
        standing = sum((one.rule, one.list_name) == (wanted.rule, wanted.list_name) for one in self._named.values())
        if name in self._named or standing >= most:
            return False
        self._named[name] = wanted
        return True

    def expire(self, now_ms: int) -> list[Addition]:
        """Those whose time is over; they stand no more."""
        over = [one for one in self._named.values() if one.until_ms <= now_ms]
        for one in over:
            del self._named[one.list_name, one.entry]
        return over
