"""`floodgate hits`: what rules have met."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import click
import orjson
from rich.table import Table

from engine.cli.options import FILE, with_settings
from engine.cli.output import Console, echo
from engine.cli.recordings import read_lines
from engine.cli.times import SINCE, UNTIL, Moment
from engine.core.domain.units import time_text
from engine.settings import Settings
from engine.stream.admin.hits import Found, Key, Met, Wanted, find_hits, keys_of, names_of
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
@click.option("--limit", default=20, show_default=True, help="How many, the newest first.")
@click.option("--decisions", "files", multiple=True, type=FILE, help="From what `replay` wrote; not from the topic.")
@click.option("--json", "as_json", is_flag=True, help="JSON Lines.")
@with_settings
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
    if files and any(one is not None and one.span_ms is not None for one in (since, until)):
        now_ms = max((one["ts"] for one in read()), default=0)
    near = _decisions_on(neighbours, read) if neighbours is not None else None
    keys = frozenset(key for one in near for key in keys_of(one)) if near is not None else None
    others = (one for one in read(rule or user) if one["event_id"] != neighbours)
    wanted = Wanted(
        rule, mode, _names(settings, user), _names(settings, entity),
        since and since.before(now_ms), until and until.before(now_ms), keys,
    )  # fmt: skip
    found = find_hits(others, wanted, limit)
    if as_json:
        for one in found.newest:
            echo(orjson.dumps(_document(one)))
        return
    if near is not None:
        echo(f"{neighbours} names {_told(key for one in near for key in names_of(one))}; the others:")
    _tell(found)


def _recorded(files: Iterable[Path]) -> Iterator[Any]:
    return (found for path in files for line in read_lines(path) if (found := DECISION.read(line)) is not None)


def _published(settings: Settings, containing: str | None) -> Iterator[Any]:
    """`containing`: a name that those which are asked for have; a user's may be a pseudonym there."""
    part = orjson.dumps(containing) if containing is not None and settings.pseudonyms() is None else b""
    return (one for _, one in read_documents(settings, settings.topics.decisions, DECISION, part))


def _names(settings: Settings, name: str | None) -> frozenset[str]:
    """Under which names decisions may have somebody or something."""
    if name is None:
        return frozenset()
    pseudonyms = settings.pseudonyms()
    return frozenset((name, *(pseudonyms.every(name) if pseudonyms is not None else ())))


def _decisions_on(event_id: str, read: Callable[[str], Iterable[Any]]) -> list[Any]:
    """Those that name something."""
    decisions = [one for one in read(event_id) if one["event_id"] == event_id]
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


def _document(one: Met) -> dict[str, Any]:
    taken = {name: one.decision[name] for name in ("event_id", "user_id", "ts", "type", "outcome", "rulebook")}
    return {**taken, **one.hit, "names": names_of(one.decision)}


def _tell(found: Found) -> None:
    table = Table("when (UTC)", "rule", "came of it", "user", "event", "names", "what held")
    for decision, hit in found.newest:
        held = [f"{one['text']} ({value_text(one['value'])})" for one in hit["clauses"] if one["result"]]
        came = hit["effect"] if hit["mode"] == "enforce" else f"{hit['effect']} ({hit['mode']})"
        row = (time_text(decision["ts"]), hit["rule"], came, decision["user_id"], decision["event_id"])
        table.add_row(*row, _told(names_of(decision)), "\n".join(held))
    if found.newest:
        Console().print(table)
    more = f", the newest {len(found.newest)} are shown" if found.count > len(found.newest) else ""
    echo(f"{found.count:,} hits on {found.users:,} users{more}")


def _told(names: Iterable[Key]) -> str:
    """A few of them, each cut short."""
    found = sorted(set(names))
    told = [f"{name} {value if len(value) <= _EXCERPT else value[:_EXCERPT] + '…'}" for name, value in found[:_SHOWN]]
    return ", ".join(told) + (f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else "")
