"""How the simulated day went, for people: attacks caught, look-alikes left alone."""

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from engine.sim.verdict import judge, judge_lookalikes
from engine.sim.world import SimulatedEvent

CAUGHT_FROM = 0.95
SPARED_UP_TO = 0.01


def tell_verdict(console: Console, day: list[SimulatedEvent], actions: Sequence[dict[str, Any]]) -> bool:
    """Print what became of each attack and of each crowd that only looks like one. True when every attack was
    caught and every crowd left alone."""
    results, innocent = judge(day, actions)
    attacks = Table("attack", "accounts", "caught", "recall", "precision", "by rules", title="What was caught")
    for result in results:
        precision = f"{result.precision:.3f}" if result.precision is not None else "-"
        attacks.add_row(
            result.name, str(len(result.accounts)), str(len(result.caught)), f"{result.recall:.3f}", precision,
            ", ".join(sorted(result.rules)),
        )  # fmt: skip
    console.print(attacks)
    crowds = judge_lookalikes(day, actions)
    table = Table("look-alike", "users", "acted on", "share", title="What only looks like an attack")
    for crowd in crowds:
        table.add_row(crowd.name, str(len(crowd.users)), str(len(crowd.acted_on)), f"{crowd.share:.3f}")
    console.print(table)
    people = len({one.event["user_id"] for one in day if one.attack is None})
    earlier = sum(bool(action.get("earlier")) for action in actions)
    console.print(f"{earlier} of {len(actions)} actions on events that had come before their rule's threshold")
    console.print(f"innocent accounts acted on: {len(innocent)} of {people}")
    return all(result.recall >= CAUGHT_FROM for result in results) and all(
        crowd.share <= SPARED_UP_TO for crowd in crowds
    )
