"""A comparison for the terminal."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from engine.backtest.comparison import Comparison, Concerned, Estimate, RuleReport
from engine.backtest.targets import USERS

_BARS = " ▁▂▃▄▅▆▇█"
_WIDTH = 24
_FEW = 10


def tell(console: Console, comparison: Comparison) -> None:
    """What a rulebook does, and what is different from the one before."""
    for change in comparison.changes:
        console.print(change, highlight=False)
    console.print(f"{comparison.events:,} events, {comparison.labelled:,} labelled; {_acted_on(comparison.users)}")
    for concerned in comparison.others:
        console.print(_acted_on(concerned))
    console.print(_rules(comparison))
    for rule in comparison.rules:
        for absence in rule.never:
            console.print(f"rule {rule.rule} never fired: {absence}", style="yellow", highlight=False)
    if comparison.against is not None:
        for concerned in comparison.concerned:
            _tell_whom(console, f"{named(concerned.kind)} newly acted on", concerned.newly, concerned.newly_count)
            _tell_whom(
                console, f"{named(concerned.kind)} no longer acted on", concerned.no_longer, concerned.no_longer_count
            )
        for name in comparison.removed:
            console.print(f"rule {name} is gone")
    for pair in comparison.overlaps[:_FEW]:
        console.print(f"{pair.rules[0]} and {pair.rules[1]} meet the same {pair.events:,} events ({pair.share:.0%})")
    for reason, count in comparison.dead_letters.items():
        console.print(f"{count:,} events or labels could not be used: {reason}", style="yellow")


def _acted_on(whom: Concerned) -> str:
    before = f", {whom.acted_on_before:,} before" if whom.acted_on_before is not None else ""
    return f"{whom.acted_on:,} of {whom.active:,} {named(whom.kind)} acted on ({whom.share_acted_on:.2%}){before}"


def named(kind: str) -> str:
    """A kind of targets, for people: "users", "values of target_id"."""
    return "users" if kind == USERS else f"values of {kind}"


def _rules(comparison: Comparison) -> Table:
    table = Table("rule", "mode", "met", "before", "acted", "whom", "precision", "recall", "when", show_lines=False)
    for column in table.columns[2:8]:
        column.justify = "right"
    for rule in comparison.rules:
        before = "-" if comparison.against is None else "new" if rule.before is None else f"{rule.before:,}"
        table.add_row(
            rule.rule, rule.mode, _met(rule), before, f"{rule.acted:,}", about(rule),
            share_text(rule.precision), share_text(rule.recall), _bars(rule.met_by_step),
        )  # fmt: skip
    return table


def _met(rule: RuleReport) -> str | Text:
    return f"{rule.met:,}" if rule.met else Text("never", "yellow")


def about(rule: RuleReport) -> str:
    """Whom a rule is about: how many users, or how many values of a field."""
    return f"{rule.targets:,}" if rule.about == USERS else f"{rule.targets:,} {rule.about}"


def share_text(share: Estimate | None) -> str:
    """A share with its bounds."""
    return "no labels" if share is None else f"{share.share:.0%} ({share.low:.0%} to {share.high:.0%})"


def _bars(counts: list[int]) -> str:
    step = max(1, -(-len(counts) // _WIDTH))
    sums = [sum(counts[start : start + step]) for start in range(0, len(counts), step)]
    most = max(sums, default=0)
    return "".join(_BARS[-(-count * (len(_BARS) - 1) // most)] for count in sums) if most else ""


def _tell_whom(console: Console, title: str, whom: dict[str, str], count: int) -> None:
    few = ", ".join(f"{name} ({rule})" for name, rule in list(whom.items())[:_FEW])
    console.print(f"{count:,} {title}{': ' if few else ''}{few}{' ...' if count > _FEW else ''}")
