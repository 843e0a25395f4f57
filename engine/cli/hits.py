"""`floodgate hits`: what rules have met."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import click
import orjson
from rich.table import Table

from engine.cli.of_candidate import of_candidate
from engine.cli.options import FILE, with_settings
from engine.cli.output import Console, echo
from engine.cli.recordings import read_lines
from engine.cli.times import SINCE, UNTIL, Moment
from engine.core.domain.units import time_text
from engine.settings import Settings
from engine.stream.admin.hits import HitQuery, Hits, Key, Met, find_hits, keys_of, names_of
from engine.stream.admin.published import DECISION, read_documents
from engine.stream.handlers.messages import value_text

_EXCERPT, _SHOWN = 60, 4


@click.command("hits")
@click.option("--rule", help="Of this rule.")
@click.option("--mode", type=click.Choice(("enforce", "canary", "shadow")), help="Of rules that were in this mode.")
@click.option("--user", help="On this user's events.")
@click.option("--entity", help="On events of which a clause has read this text, domain, address, device or target.")
@SINCE
@UNTIL
@click.option("--neighbours", metavar="EVENT_ID", help="The others that have a text or entity in common with it.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1), help="How many, the newest first.")
@click.option("--decisions", "files", multiple=True, type=FILE, help="From what `replay` wrote; not from the topic.")
@click.option("--json", "as_json", is_flag=True, help="JSON Lines.")
@with_settings
@of_candidate
def command(
    settings: Settings, rule: str | None, mode: str | None, user: str | None, entity: str | None, since: Moment | None,
    until: Moment | None, neighbours: str | None, limit: int, files: tuple[Path, ...], as_json: bool,
) -> None:  # fmt: skip
    """Tell what rules have met, in shadow too: when, whose event, and which clauses held with which values.

    Reads the decisions that are still on their topic. With --decisions, durations count back from the newest decision.
    """

    def read(containing: str | None = None) -> Iterator[Any]:
        return _recorded(files) if files else _published(settings, containing)

    now_ms = int(time.time() * 1000)
    if files and any(moment is not None and moment.span_ms is not None for moment in (since, until)):
        now_ms = max((decision["ts"] for decision in read()), default=0)
    near = _decisions_on(neighbours, read) if neighbours is not None else None
    keys = frozenset(key for decision in near for key in keys_of(decision)) if near is not None else None
    others = (decision for decision in read(rule or user) if decision["event_id"] != neighbours)
    query = HitQuery(
        rule=rule, mode=mode, users=_names(settings, user), entities=_names(settings, entity),
        since_ms=since and since.before(now_ms), until_ms=until and until.before(now_ms), near=keys,
    )  # fmt: skip
    hits = find_hits(others, query, limit)
    if as_json:
        for met in hits.newest:
            echo(orjson.dumps(_document(met)))
        return
    if near is not None:
        echo(f"{neighbours} names {_names_text(key for decision in near for key in names_of(decision))}; the others:")
    _tell(hits)


def _recorded(files: Iterable[Path]) -> Iterator[Any]:
    return (decision for path in files for line in read_lines(path) if (decision := DECISION.read(line)) is not None)


def _published(settings: Settings, containing: str | None) -> Iterator[Any]:
    """`containing`: a name that those which are asked for have; a user's may be a pseudonym there."""
    part = orjson.dumps(containing) if containing is not None and settings.pseudonyms() is None else b""
    return (decision for _, decision in read_documents(settings, settings.topics.decisions, DECISION, part))


def _names(settings: Settings, name: str | None) -> frozenset[str]:
    """Under which names decisions may have somebody or something."""
    if name is None:
        return frozenset()
    pseudonyms = settings.pseudonyms()
    return frozenset((name, *(pseudonyms.every(name) if pseudonyms is not None else ())))


def _decisions_on(event_id: str, read: Callable[[str], Iterable[Any]]) -> list[Any]:
    """Those that name something."""
    decisions = [decision for decision in read(event_id) if decision["event_id"] == event_id]
    if not decisions:
        echo(f"there is no decision on {event_id}: no rule has met it, or it is older than the topic keeps")
        sys.exit(1)
    if not any(map(names_of, decisions)):
        echo(
            f"the decision on {event_id} names nothing that others may share: its rules read no text, domain, address, "
            "device or target, and found no cluster. `--rule` and `--since` find what the same rules met then"
        )
        sys.exit(1)
    return decisions


def _document(met: Met) -> dict[str, Any]:
    taken = {name: met.decision[name] for name in ("event_id", "user_id", "ts", "type", "outcome", "rulebook")}
    return {**taken, **met.hit, "names": names_of(met.decision)}


def _tell(hits: Hits) -> None:
    table = Table("when (UTC)", "rule", "came of it", "user", "event", "names", "what held")
    for decision, hit in hits.newest:
        held = [_clause_text(clause) for clause in hit["clauses"] if clause["result"]]
        came = hit["effect"] if hit["mode"] == "enforce" else f"{hit['effect']} ({hit['mode']})"
        row = (time_text(decision["ts"]), hit["rule"], came, decision["user_id"], decision["event_id"])
        table.add_row(*row, _names_text(names_of(decision)), "\n".join(held))
    if hits.newest:
        Console().print(table)
    more = f", the newest {len(hits.newest)} are shown" if hits.count > len(hits.newest) else ""
    echo(f"{hits.count:,} hits on {hits.users:,} users{more}")


def _clause_text(clause: Any) -> str:
    return f"{clause['text']} ({value_text(clause['value'], clause.get('points'))})"


def _names_text(names: Iterable[Key]) -> str:
    """A few of them, each cut short."""
    distinct = sorted(set(names))
    listed = [
        f"{name} {value if len(value) <= _EXCERPT else value[:_EXCERPT] + '…'}" for name, value in distinct[:_SHOWN]
    ]
    return ", ".join(listed) + (f" and {len(distinct) - _SHOWN} more" if len(distinct) > _SHOWN else "")
