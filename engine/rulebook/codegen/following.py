"""Which follow-ups come of events, as far as a rulebook asks about them."""

from collections.abc import Iterable, Sequence

from engine.core.domain.counters import Counter
from engine.core.domain.follow_ups import hit_type, is_follow_up, is_of_action, is_of_decision
from engine.core.domain.rules import Memory
from engine.rulebook.codegen.functions import concerns
from engine.rulebook.sections.rules import RuleDeclaration


class Following:
    """What follows from events of a type. `asked`: the types of follow-ups that something asks about."""

    def __init__(self, rules: Sequence[RuleDeclaration], entered: Iterable[Counter | Memory]) -> None:
        self._rules = rules
        kinds = [*(each.of for each in entered), *(rule.rule.events for rule in rules)]
        self.asked = {kind for each in kinds for kind in each if is_follow_up(kind)}

    def further(self, event_type: str) -> list[str]:
        """The types of follow-ups that rules about this type may bring about: of hits, of hits of these, of actions."""
        found = [event_type]
        for each in found:
            rules = [rule.rule.name for rule in self._rules if concerns(rule.rule.events, each)]
            made = {hit_type(name, is_shadow) for name in rules for is_shadow in (False, True)}
            made |= {kind for kind in self.asked if is_of_action(kind)} if rules else set()
            found += sorted((made & self.asked).difference(found))
        return found[1:]

    def followed_by(self, event_type: str) -> frozenset[str]:
        """The types of follow-ups that events of a producer's type may have: of labels and absences, of hits and
        actions, and what follows from these."""
        if is_follow_up(event_type):
            return frozenset()
        begun = sorted(kind for kind in self.asked if not is_of_decision(kind))
        return frozenset((*begun, *(kind for each in (event_type, *begun) for kind in self.further(each))))
