"""A comparison for the terminal."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from engine.backtest.comparison import Comparison, Estimate, RuleReport

_BARS = " ▁▂▃▄▅▆▇█"
_WIDTH = 24
_FEW = 10


def tell(console: Console, found: Comparison) -> None:
    """What a rulebook does, and what is different from the one before."""
    for change in found.changes:
        console.print(change, highlight=False)
    users = f"{found.users_acted_on:,} of {found.active_users:,} users acted on ({found.share_acted_on:.2%})"
    if found.users_acted_on_before is not None:
        users += f", {found.users_acted_on_before:,} before"
    console.print(f"{found.events:,} events, {found.labelled:,} labelled; {users}")
    console.print(_rules(found))
    if found.against is not None:
        _tell_users(console, "newly acted on", found.newly, found.newly_count)
        _tell_users(console, "no longer acted on", found.no_longer, found.no_longer_count)
        for rule in found.removed:
            console.print(f"rule {rule} is gone")
    for one in found.overlaps[:_FEW]:
        console.print(f"{one.rules[0]} and {one.rules[1]} meet the same {one.events:,} events ({one.share:.0%})")
    for reason, count in found.dead_letters.items():
        console.print(f"{count:,} events or labels could not be used: {reason}", style="yellow")


def _rules(found: Comparison) -> Table:
    table = Table("rule", "mode", "met", "before", "acted", "users", "precision", "recall", "when", show_lines=False)
    for column in table.columns[2:6]:
        column.justify = "right"
    for rule in found.rules:
        before = "-" if found.against is None else "new" if rule.before is None else f"{rule.before:,}"
        table.add_row(
            rule.rule, rule.mode, _met(rule), before, f"{rule.acted:,}", f"{rule.users:,}", told(rule.precision),
            told(rule.recall), _bars(rule.met_by_step),
        )  # fmt: skip
    return table


def _met(rule: RuleReport) -> str | Text:
    return f"{rule.met:,}" if rule.met else Text("never", "yellow")


def told(share: Estimate | None) -> str:
    """A share with its bounds."""
    return "no labels" if share is None else f"{share.share:.0%} ({share.low:.0%} to {share.high:.0%})"


def _bars(counts: list[int]) -> str:
    step = max(1, -(-len(counts) // _WIDTH))
    sums = [sum(counts[start : start + step]) for start in range(0, len(counts), step)]
    most = max(sums, default=0)
    return "".join(_BARS[-(-count * (len(_BARS) - 1) // most)] for count in sums) if most else ""


def _tell_users(console: Console, what: str, users: dict[str, str], count: int) -> None:
    few = ", ".join(f"{user} ({rule})" for user, rule in list(users.items())[:_FEW])
    console.print(f"{count:,} users {what}{': ' if few else ''}{few}{' ...' if count > _FEW else ''}")
