"""Live lists: what people and rules have put on them, and how to add and remove."""

from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.responses import Response

from engine.console.following.control import Standing
from engine.console.store.outgoing import enqueue
from engine.console.store.rules import on_their_way
from engine.console.web.visits import Page, Visit, json_response
from engine.core.domain.units import duration_ms
from engine.core.values.identity import MAX_ID_CHARS
from engine.errors import RequestError
from engine.rulebook.checks.membership import find_wrong_entries
from engine.rulebook.language.schema import MAX_DURATION_MS
from engine.stream.control.lists import Entry

KINDS = ("enter",)
MOST_AT_ONCE = 1_000
_ONE_PAGE = 200


def show_lists(visit: Visit) -> Response:
    """All live lists, or one with its entries."""
    standing, name = visit.console.control.standing(), visit.text("list", most=200)
    sought, offset = visit.text("entry", most=MAX_ID_CHARS), visit.number("from", 0)
    entries = _found(standing.entries.get(name, {}), sought)
    with visit.store.read() as connection:
        waiting = len(on_their_way(connection, KINDS))
    return visit.page(
        "lists/lists.html",
        lists=_known(standing),
        name=name,
        entries=entries[offset : offset + _ONE_PAGE],
        offset=offset,
        page_size=_ONE_PAGE,
        found=len(entries),
        sought=sought,
        waiting=waiting,
        is_live=name in _live(standing),
        now_ms=visit.now_ms,
    )


def change_list(visit: Visit) -> Response:
    """Add entries to a live list, or remove some."""
    standing, name = visit.console.control.standing(), visit.text("list", most=200)
    note, removes = visit.text("note", most=500), visit.text("remove") == "yes"
    entries = [
        line.strip() for text in visit.texts("entry", MOST_AT_ONCE) for line in text.splitlines() if line.strip()
    ]
    _check(standing, name, entries, removes)
    if not note:
        raise RequestError("say why: the note stands beside the entries")
    until_ms = None if removes else _until_ms(visit)
    change: dict[str, Any] = dict.fromkeys(entries, None if removes else {"until_ms": until_ms})
    with visit.store.write() as connection:
        payload = {"list": name, "note": note, "entries": change}
        enqueue(connection, "enter", payload, visit.person.name, visit.now_ms)
        verb = "removed list entries" if removes else "added list entries"
        visit.note(connection, verb, f"list:{name}", entries=entries[:50], number=len(entries), note=note)
    visit.console.control.expire()
    done = "removed from" if removes else "added to"
    return visit.go(f"{visit.url_of('lists')}?list={name}", f"On their way to be {done} {name}: {len(entries)}.")


def list_lists(visit: Visit) -> Response:
    """All live lists with their entries, as JSON; of a long one the first."""
    entries, limit = visit.console.control.standing().entries, visit.limit(500)
    known = _known(visit.console.control.standing())
    return json_response(
        {
            "lists": [
                {**one, "entries": [{"entry": entry, **msgspec.to_builtins(addition)} for entry, addition in
                                    sorted(entries.get(one["name"], {}).items())[:limit]]}
                for one in known
            ]
        }
    )  # fmt: skip


def _known(standing: Standing) -> list[dict[str, Any]]:
    live = _live(standing)
    return [
        {"name": name, "live_entries": len(standing.entries.get(name, {})), "is_live": name in live}
        for name in sorted({*live, *standing.entries})
    ]


def _live(standing: Standing) -> frozenset[str]:
    return frozenset(standing.rulebook.live) if standing.rulebook is not None else frozenset()


def _found(entries: Mapping[str, Entry], sought: str) -> list[tuple[str, Entry]]:
    """The newest first."""
    found = [(entry, addition) for entry, addition in entries.items() if sought in entry]
    return sorted(found, key=lambda one: (-one[1].ts, one[0]))


def _check(standing: Standing, name: str, entries: list[str], removes: bool) -> None:
    if not entries or len(entries) > MOST_AT_ONCE:
        raise RequestError(f"name from 1 to {MOST_AT_ONCE} entries, one a line")
    if removes:
        missing = [entry for entry in entries if entry not in standing.entries.get(name, {})]
        if missing:
            raise RequestError(f"{name} has no such entries: {', '.join(missing[:5])}", 409)
        return
    if standing.rulebook is None or name not in standing.rulebook.live:
        raise RequestError(f"the rules in use have no live list {name!r}: declare it with `live: true`")
    if any(len(entry) > MAX_ID_CHARS for entry in entries):
        raise RequestError(f"an entry has at most {MAX_ID_CHARS} characters")
    wrong = find_wrong_entries(standing.rulebook, name, entries)
    if wrong:
        raise RequestError(f"nothing is added: {'; '.join(wrong[:5])}")


def _until_ms(visit: Visit) -> int | None:
    lasts = visit.text("lasts", most=20)
    if not lasts:
        return None
    lasts_ms = duration_ms(lasts)
    if lasts_ms is None or not 0 < lasts_ms <= MAX_DURATION_MS:
        raise RequestError("how long an entry stands is a duration such as 24h or 30d, of at most ten years")
    return visit.now_ms + lasts_ms


PAGES = (
    Page("/lists", "lists", show_lists),
    Page("/lists", "list_change", change_list, "POST"),
    Page(
        "/api/lists",
        "api_lists",
        list_lists,
        is_api=True,
        summary="Live lists",
        parameters={"limit": "entries of each"},
    ),
)
