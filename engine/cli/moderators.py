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
        decision["event_id"]: decision["outcome"]
        for _, decision in read_documents(settings, settings.topics.decisions, DECISION)
    }
    models = read_models(settings).values()
    quarantined = {name for model in models for name in model.quarantined}
    moderators = review_moderators(read_examples(settings), outcomes, quarantined)
    if listed is not None and listed not in moderators:
        known = ", ".join(sorted(moderators)) or "nobody"
        echo(f"floodgate: {listed} has given no label that is known; these have: {known}", err=True)
        sys.exit(2)
    if listed is not None:
        _list(listed, moderators[listed], limit, as_json)
        return
    trust = {name: _trust(name, [model.moderator_trust for model in models]) for name in {*moderators, *quarantined}}
    if as_json:
        documents = {
            name: _document(moderator, trust[name], name in quarantined)
            for name, moderator in sorted(moderators.items())
        }
        echo(orjson.dumps(documents).decode())
        return
    _show(moderators, trust, quarantined)


def _show(moderators: dict[str, Moderator], trust: dict[str, float], quarantined: set[str]) -> None:
    if not moderators:
        echo("no label of a named moderator has met a scored event yet")
        return
    table = Table(title="how often moderators disagree, with 95 % bounds")
    table.add_column("moderator", overflow="fold")
    for name in ("labels", "with the score", "with rules", "with colleagues", "trust"):
        table.add_column(name, justify="right")
    for name, moderator in sorted(moderators.items(), key=lambda item: (-_worst(item[1]), item[0])):
        standing = "quarantined" if name in quarantined else f"{trust[name]:.2f}"
        shares = (_share(moderator, judge) for judge in JUDGES)
        table.add_row(name, f"{len(moderator.verdicts):,}", *shares, standing)
    Console().print(table)
    echo("`floodgate labels moderators --list NAME` shows whose labels are contradicted, and by whom")


def _list(name: str, moderator: Moderator, limit: int, as_json: bool) -> None:
    disputed = moderator.disputed
    if as_json:
        for verdict in disputed[:limit]:
            document = {
                "event_id": verdict.event_id,
                "label": _label_text(verdict.spam),
                "ts": verdict.ts_ms,
                "score": verdict.score,
            }
            echo(orjson.dumps({**document, "against": verdict.against, "text": verdict.text}).decode())
        return
    table = Table(title=f"{len(disputed):,} of the {len(moderator.verdicts):,} labels of {name} are contradicted")
    table.add_column("event", overflow="fold")
    for column in ("label", "given", "score", "by", "text"):
        table.add_column(column)
    for verdict in disputed[:limit]:
        score = "-" if verdict.score is None else f"{verdict.score:.2f}"
        text = verdict.text if len(verdict.text) <= _EXCERPT else f"{verdict.text[: _EXCERPT - 1]}…"
        table.add_row(
            verdict.event_id,
            _label_text(verdict.spam),
            time_text(verdict.ts_ms),
            score,
            ", ".join(verdict.against),
            text,
        )
    Console().print(table)


def _label_text(spam: bool) -> str:
    return "spam" if spam else "ham"


def _share(moderator: Moderator, judge: Judge) -> str:
    estimated = _estimate(moderator, judge)
    if estimated is None:
        return "-"
    counts = f"{moderator.opposed[judge]} of {moderator.judged[judge]}"
    return f"{counts}: {estimated.share:.0%} ({estimated.low:.0%} to {estimated.high:.0%})"


def _worst(moderator: Moderator) -> float:
    return max(estimated.low if (estimated := _estimate(moderator, judge)) is not None else 0.0 for judge in JUDGES)


def _estimate(moderator: Moderator, judge: Judge) -> Estimate | None:
    return estimate(moderator.opposed[judge], moderator.judged[judge])


def _trust(name: str, moderator_trust: list[ModeratorTrust]) -> float:
    return min((model_trust.trust(name) for model_trust in moderator_trust), default=1.0)


def _document(moderator: Moderator, trust: float, is_quarantined: bool) -> dict[str, Any]:
    document: dict[str, Any] = {"labels": len(moderator.verdicts), "trust": trust, "quarantined": is_quarantined}
    for judge in JUDGES:
        estimated = _estimate(moderator, judge)
        document[judge] = estimated and {
            "opposed": moderator.opposed[judge], "judged": estimated.of, "share": estimated.share, "low": estimated.low,
            "high": estimated.high,
        }  # fmt: skip
    return document
