"""How the simulated day went, for people: attacks caught, look-alikes left alone."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

from engine.cli.output import Console
from engine.core.domain.units import duration_text
from engine.sim.evasion import FACTORS, Evasion
from engine.sim.verdict import judge, judge_lookalikes
from engine.sim.week import WEEK_AREAS
from engine.sim.world import AREAS, PICTURE_AREAS, SimulatedEvent

CAUGHT_FROM = 0.95
SPARED_UP_TO = 0.01


def tell_verdict(
    console: Console, day: list[SimulatedEvent], actions: Sequence[dict[str, Any]],
    evasions: Mapping[str, Evasion] | None = None,
) -> bool:  # fmt: skip
    """Print what became of each attack and of each crowd that only looks like one, and what it costs to evade. True
    when every attack was caught and every crowd left alone."""
    judged, innocent = judge(day, actions)
    area_of = {attack: area for area, attacks in AREAS.items() for attack in attacks}
    area_of |= PICTURE_AREAS | WEEK_AREAS
    areas, order = list(AREAS), list(area_of)
    results = sorted(judged, key=lambda one: (areas.index(area_of[one.name]), order.index(one.name)))
    costs = ("slower", "accounts") if evasions is not None else ()
    attacks = Table(
        "area", "attack", "accounts", "recall", "precision", "acts after", *costs, "by rules", title="What was caught"
    )
    for result in results:
        precision = f"{result.precision:.3f}" if result.precision is not None else "-"
        after = duration_text(result.first_after_ms // 1_000 * 1_000) if result.first_after_ms is not None else "-"
        cost = _cost(evasions[result.name]) if evasions is not None else []
        attacks.add_row(
            area_of[result.name], result.name, str(len(result.accounts)), f"{result.recall:.3f}", precision, after,
            *cost, ", ".join(sorted(result.rules)),
        )  # fmt: skip
    console.print(attacks)
    console.print(
        "recall: the share of the attack's accounts that were acted on; precision: the share of attackers among all on "
        "whom these rules acted; acts after: how long the attack had gone on by then"
    )
    if evasions is not None:
        console.print(
            "slower, accounts: how many times as slow, or as many accounts, an attack has to be to get through"
        )
    crowds = judge_lookalikes(day, actions)
    table = Table("look-alike", "users", "acted on", "share", title="What only looks like an attack")
    for crowd in crowds:
        table.add_row(crowd.name, str(len(crowd.users)), str(len(crowd.acted_on)), f"{crowd.share:.3f}")
    console.print(table)
    people = len({simulated.event["user_id"] for simulated in day if simulated.attack is None})
    earlier = sum(bool(action.get("earlier")) for action in actions)
    console.print(f"{earlier} of {len(actions)} actions on events that had come before their rule's threshold")
    console.print(f"innocent accounts acted on: {len(innocent)} of {people}")
    return all(result.recall >= CAUGHT_FROM for result in results) and all(
        crowd.share <= SPARED_UP_TO for crowd in crowds
    )


def _cost(evasion: Evasion) -> list[str]:
    tried = (evasion.slower, evasion.spread)
    return [f"{factor} x" if factor is not None else f"> {FACTORS[-1]} x" for factor in tried]
