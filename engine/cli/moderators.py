"""`floodgate labels moderators`."""

import sys
from typing import Any

import click
import orjson
from rich.table import Table

from engine.backtest.comparison import Estimate, estimate
from engine.cli.options import with_settings
from engine.cli.output import Console, echo
from engine.core.domain.units import time_text
from engine.learning.moderator_trust import ModeratorTrust
from engine.learning.moderators import JUDGES, Judge, Moderator, review_moderators
from engine.settings import Settings
from engine.stream.admin.given import read_examples
from engine.stream.admin.published import DECISION, read_documents
from engine.stream.admin.publishing import read_models

_EXCERPT = 60


@click.command("moderators")
@click.option("--list", "listed", metavar="NAME", help="The labels of one moderator with which somebody disagrees.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(min=1), help="With --list: how many.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of a table.")
@with_settings
def command(settings: Settings, listed: str | None, limit: int, as_json: bool) -> None:
    """How often each moderator disagrees: with the scores at the time, with what rules did, with colleagues.

    The interval holds the share with 95 %. Who is contradicted most comes first. Labels count as long as their examples
    are on their topic.
    """
    outcomes = {
        one["event_id"]: one["outcome"] for _, one in read_documents(settings, settings.topics.decisions, DECISION)
    }
    models = read_models(settings).values()
    quarantined = {name for model in models for name in model.quarantined}
    found = review_moderators(read_examples(settings), outcomes, quarantined)
    if listed is not None and listed not in found:
        known = ", ".join(sorted(found)) or "nobody"
        echo(f"floodgate: {listed} has given no label that is known; these have: {known}", err=True)
        sys.exit(2)
    if listed is not None:
        _list(listed, found[listed], limit, as_json)
        return
    trust = {name: _trust(name, [model.moderator_trust for model in models]) for name in {*found, *quarantined}}
    if as_json:
        told = {name: _document(one, trust[name], name in quarantined) for name, one in sorted(found.items())}
        echo(orjson.dumps(told).decode())
        return
    _show(found, trust, quarantined)


def _show(found: dict[str, Moderator], trust: dict[str, float], quarantined: set[str]) -> None:
    if not found:
        echo("no label of a named moderator has met a scored event yet")
        return
    table = Table(title="how often moderators disagree, with 95 % bounds")
    table.add_column("moderator", overflow="fold")
    for name in ("labels", "with the score", "with rules", "with colleagues", "trust"):
        table.add_column(name, justify="right")
    for name, one in sorted(found.items(), key=lambda item: (-_worst(item[1]), item[0])):
        standing = "quarantined" if name in quarantined else f"{trust[name]:.2f}"
        shares = (_share(one, judge) for judge in JUDGES)
        table.add_row(name, f"{len(one.verdicts):,}", *shares, standing)
    Console().print(table)
    echo("`floodgate labels moderators --list NAME` shows whose labels are contradicted, and by whom")


def _list(name: str, moderator: Moderator, limit: int, as_json: bool) -> None:
    disputed = moderator.disputed
    if as_json:
        for one in disputed[:limit]:
            told = {"event_id": one.event_id, "label": _said(one.spam), "ts": one.ts_ms, "score": one.score}
            echo(orjson.dumps({**told, "against": one.against, "text": one.text}).decode())
        return
    table = Table(title=f"{len(disputed):,} of the {len(moderator.verdicts):,} labels of {name} are contradicted")
    table.add_column("event", overflow="fold")
    for column in ("label", "given", "score", "by", "text"):
        table.add_column(column)
    for one in disputed[:limit]:
        score = "-" if one.score is None else f"{one.score:.2f}"
        text = one.text if len(one.text) <= _EXCERPT else f"{one.text[: _EXCERPT - 1]}…"
        table.add_row(one.event_id, _said(one.spam), time_text(one.ts_ms), score, ", ".join(one.against), text)
    Console().print(table)


def _said(spam: bool) -> str:
    return "spam" if spam else "ham"


def _share(moderator: Moderator, judge: Judge) -> str:
    found = _estimate(moderator, judge)
    if found is None:
        return "-"
    counts = f"{moderator.opposed[judge]} of {moderator.judged[judge]}"
    return f"{counts}: {found.share:.0%} ({found.low:.0%} to {found.high:.0%})"


def _worst(moderator: Moderator) -> float:
    return max(found.low if (found := _estimate(moderator, judge)) is not None else 0.0 for judge in JUDGES)


def _estimate(moderator: Moderator, judge: Judge) -> Estimate | None:
    return estimate(moderator.opposed[judge], moderator.judged[judge])


def _trust(name: str, moderator_trust: list[ModeratorTrust]) -> float:
    return min((one.trust(name) for one in moderator_trust), default=1.0)


def _document(moderator: Moderator, trust: float, is_quarantined: bool) -> dict[str, Any]:
    told: dict[str, Any] = {"labels": len(moderator.verdicts), "trust": trust, "quarantined": is_quarantined}
    for judge in JUDGES:
        found = _estimate(moderator, judge)
        told[judge] = found and {
            "opposed": moderator.opposed[judge], "judged": found.of, "share": found.share, "low": found.low,
            "high": found.high,
        }  # fmt: skip
    return told
