"""What lies do to the recall of each attack, for people."""

from collections.abc import Mapping

from rich.box import SIMPLE_HEAD
from rich.table import Column, Table

from engine.cli.output import Console
from engine.sim.lies import LIES, LyingDay
from engine.sim.world import AREAS

KEPT_FROM = 0.95
"""A lie is harmless when so much of the honest recall is left."""

INNOCENT_UP_TO = 0.001
_WIDTH = 140


def tell_lies(console: Console, honest: LyingDay, lying: Mapping[str, LyingDay]) -> bool:
    """Print the recall of each attack beside what it is with each lie, by the lies' names. True when no lie helps an
    attacker, other than those that nobody can tell from the truth, and innocents are left alone."""
    lies = [lie for lie in LIES if lie.name in lying]
    title, attacks = "What is caught of liars", Column("attack", no_wrap=True)
    table = Table(attacks, "honest", *(lie.title for lie in lies), title=title, box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for attack in (name for names in AREAS.values() for name in names):
        row = (_cell(honest.recalls[attack], lying[lie.name].recalls[attack]) for lie in lies)
        table.add_row(attack, f"{honest.recalls[attack]:.3f}", *row)
    table.add_row("innocents acted on", str(honest.innocent), *(str(lying[lie.name].innocent) for lie in lies))
    console.width = max(console.width, _WIDTH)  # where lines are wrapped, better lines than numbers
    console.print(table)
    for lie in lies:
        console.print(f"{lie.title}: {lie.says}", soft_wrap=True)
    console.print(f"-: the lie cannot be told; !: less than {KEPT_FROM} of the honest recall", soft_wrap=True)
    harmless = all(day.innocent <= INNOCENT_UP_TO * day.people for day in (honest, *lying.values()))
    for lie in lies:
        recalls = lying[lie.name].recalls
        low = [attack for attack, recall in recalls.items() if _is_low(honest.recalls[attack], recall)]
        helped = [attack for attack in low if attack not in lie.beyond]
        harmless = harmless and not helped
        if helped:
            console.print(f"{lie.title} helps {', '.join(helped)}", soft_wrap=True)
        for attack in low:
            if attack in lie.beyond:
                console.print(f"{lie.title}, {attack}: {lie.beyond[attack]}", soft_wrap=True)
    return harmless


def _cell(honest: float | None, recall: float | None) -> str:
    return "-" if recall is None else f"{recall:.3f}{'!' if _is_low(honest, recall) else ''}"


def _is_low(honest: float | None, recall: float | None) -> bool:
    return recall is not None and recall < KEPT_FROM * (honest or 0.0)
