"""How well an attack was caught: actions against the ground truth."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from engine.sim.world import SimulatedEvent


@dataclass(slots=True)
class AttackResult:
    """One attack: its accounts, those acted on, and by which rules. Precision is of those rules."""

    name: str
    accounts: set[str] = field(default_factory=set)
    caught: set[str] = field(default_factory=set)
    rules: set[str] = field(default_factory=set)
    precision: float | None = None

    @property
    def recall(self) -> float:
        """The share of the attack's accounts on which something was done."""
        return len(self.caught) / len(self.accounts) if self.accounts else 0.0


def judge(
    events: Iterable[SimulatedEvent], actions: Iterable[Mapping[str, str]]
) -> tuple[list[AttackResult], set[str]]:
    """Each attack's result, and the innocent accounts that were acted on.

    An action is a mapping with `user_id` and `rule`. A rule's precision is the share of attackers among
    all accounts that it acted on; an attack's is that of all the rules that caught a tenth of it.
    """
    results: dict[str, AttackResult] = {}
    attacker_of: dict[str, str] = {}
    for simulated in events:
        if simulated.attack is not None:
            user_id = str(simulated.event["user_id"])
            results.setdefault(simulated.attack, AttackResult(simulated.attack)).accounts.add(user_id)
            attacker_of[user_id] = simulated.attack
    acted: dict[str, set[str]] = {}
    for action in actions:
        acted.setdefault(action["rule"], set()).add(action["user_id"])
    for result in results.values():
        targets: set[str] = set()
        for rule, users in acted.items():
            found = users & result.accounts
            result.caught |= found
            if len(found) >= 0.1 * len(result.accounts):
                result.rules.add(rule)
                targets |= users
        if targets:
            result.precision = len(targets & attacker_of.keys()) / len(targets)
    innocent = {user for users in acted.values() for user in users if user not in attacker_of}
    return list(results.values()), innocent
