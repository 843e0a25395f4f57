"""How well an attack was caught: actions against the ground truth."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.sim.world import SimulatedEvent


@dataclass(slots=True)
class AttackResult:
    """One attack: its accounts, those acted on, and by which rules. Precision is of those rules. `began_ms`: its first
    event; `acted_ms`: the event at which one of its accounts was acted on first."""

    name: str
    accounts: set[str] = field(default_factory=set)
    caught: set[str] = field(default_factory=set)
    rules: set[str] = field(default_factory=set)
    precision: float | None = None
    began_ms: int | None = None
    acted_ms: int | None = None

    @property
    def first_after_ms(self) -> int | None:
        """How long the attack went on before anything was done."""
        return None if self.acted_ms is None or self.began_ms is None else self.acted_ms - self.began_ms

    @property
    def recall(self) -> float:
        """The share of the attack's accounts on which something was done."""
        return len(self.caught) / len(self.accounts) if self.accounts else 0.0


@dataclass(slots=True)
class LookAlikeResult:
    """A crowd that only looked like an attack: its users, and those acted on for what they did in it."""

    name: str
    users: set[str] = field(default_factory=set)
    acted_on: set[str] = field(default_factory=set)

    @property
    def share(self) -> float:
        """The share of its users on which something was done."""
        return len(self.acted_on) / len(self.users) if self.users else 0.0


def judge_lookalikes(events: Iterable[SimulatedEvent], actions: Iterable[Mapping[str, Any]]) -> list[LookAlikeResult]:
    """Each look-alike's result. An action is a mapping with `event_id`, `user_id` and
    `target`; one that is about somebody else than the crowd is not counted there."""
    results: dict[str, LookAlikeResult] = {}
    crowd_of: dict[str, LookAlikeResult] = {}
    for simulated in events:
        if simulated.lookalike is not None:
            result = results.setdefault(simulated.lookalike, LookAlikeResult(simulated.lookalike))
            result.users.add(str(simulated.event["user_id"]))
            crowd_of[str(simulated.event["event_id"])] = result
    for action in actions:
        crowd, user = crowd_of.get(action["event_id"]), concerned(action)
        if crowd is not None and user in crowd.users:
            crowd.acted_on.add(user)
    return list(results.values())


def judge(
    events: Iterable[SimulatedEvent], actions: Iterable[Mapping[str, Any]]
) -> tuple[list[AttackResult], set[str]]:
    """Each attack's result, and the innocent accounts that were acted on.

    An action is a mapping with `user_id`, `target`, `rule` and `ts`; whom it targets is acted on. A rule's precision is
    the share of attackers among all accounts that it acted on; an attack's is that of all the rules that caught a tenth
    of it.
    """
    results: dict[str, AttackResult] = {}
    attacker_of: dict[str, str] = {}
    accounts: set[str] = set()
    for simulated in events:
        user_id = str(simulated.event["user_id"])
        accounts.add(user_id)
        if simulated.attack is not None:
            result = results.setdefault(simulated.attack, AttackResult(simulated.attack))
            result.accounts.add(user_id)
            result.began_ms = _earlier(result.began_ms, int(str(simulated.event["ts"])))
            attacker_of[user_id] = simulated.attack
    acted: dict[str, set[str]] = {}
    for action in actions:
        user = concerned(action)
        if user not in accounts:  # what it is about is a thing
            continue
        acted.setdefault(action["rule"], set()).add(user)
        attack = attacker_of.get(user)
        if attack is not None and not action.get("earlier"):
            results[attack].acted_ms = _earlier(results[attack].acted_ms, int(action["ts"]))
    for result in results.values():
        targets: set[str] = set()
        for rule, users in acted.items():
            caught = users & result.accounts
            result.caught |= caught
            if len(caught) >= 0.1 * len(result.accounts):
                result.rules.add(rule)
                targets |= users
        if targets:
            result.precision = len(targets & attacker_of.keys()) / len(targets)
    innocent = {user for users in acted.values() for user in users if user not in attacker_of}
    return list(results.values()), innocent


def concerned(action: Mapping[str, Any]) -> str:
    """Whom an action is about: its target; of an event, the user whose it is."""
    target = action["target"]
    return str(action["user_id"] if target["type"] in ("user", "event") else target["id"])


def _earlier(known: int | None, ts_ms: int) -> int:
    return ts_ms if known is None else min(known, ts_ms)
