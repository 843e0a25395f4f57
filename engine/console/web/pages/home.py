"""The overview: what the engine does right now, each number a way to what is behind it."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse

from engine.console.store import offers, queue
from engine.console.store.health import BEHIND, PASSED_OVER, STATUS, read_health
from engine.console.store.overview import overview
from engine.console.web.visits import Page, Visit, json_response
from engine.errors import RequestError

SPANS: Mapping[str, int] = {"1h": 3_600_000, "6h": 21_600_000, "24h": 86_400_000, "7d": 604_800_000}
_EVERY_S = 5.0
_LONGEST_S = 300.0


def show_home(visit: Visit) -> Response:
    """What happens."""
    return visit.page("home/home.html", span=_span(visit), spans=list(SPANS), **_figures(visit))


def stream_home(visit: Visit) -> Response:
    """The same again and again, as server-sent events; a browser asks anew when it ends."""
    return StreamingResponse(_parts(visit), media_type="text/event-stream")


def tell_home(visit: Visit) -> Response:
    """What happens, as JSON."""
    figures = _figures(visit)
    rules = [activity._asdict() for activity in figures["overview"].rules]
    return json_response(
        {**figures["overview"]._asdict(), "rules": rules, "queue": figures["counts"], "behind": figures["behind"],
         "status": figures["engine"]}
    )  # fmt: skip


async def _parts(visit: Visit) -> AsyncIterator[str]:
    ends = asyncio.get_running_loop().time() + _LONGEST_S
    while asyncio.get_running_loop().time() < ends:
        text = await run_in_threadpool(_render, visit)
        lines = "".join(f"data: {line}\n" for line in text.splitlines())
        yield f"event: part\n{lines}\n"
        await asyncio.sleep(_EVERY_S)


def _render(visit: Visit) -> str:
    return visit.console.templates.render("home/figures.html", visit=visit, span=_span(visit), **_figures(visit))


def _figures(visit: Visit) -> dict[str, Any]:
    scope = offers.Scope(visit.person.name, visit.person.areas, visit.person.languages)
    with visit.store.read() as connection:
        health = read_health(connection)
        found = overview(connection, visit.now_ms, SPANS[_span(visit)])
        counts = queue.count_open(connection, scope)
    noted = health.get(STATUS)
    behind, passed_over = health.get(BEHIND), health.get(PASSED_OVER)
    return {
        "overview": found,
        "counts": counts,
        "engine": noted.value if noted is not None else None,
        "engine_ms": noted.ts if noted is not None else None,
        "behind": behind.value if behind is not None else None,
        "passed_over": passed_over.value if passed_over is not None else 0,
    }


def _span(visit: Visit) -> str:
    span = visit.query.get("span", "24h")
    if span not in SPANS:
        raise RequestError(f"`span` is one of {', '.join(SPANS)}")
    return span


PAGES = (
    Page("/", "home", show_home),
    Page("/live", "live", stream_home),
    Page("/api/overview", "api_overview", tell_home, is_api=True, summary="What the engine does right now",
         parameters={"span": f"one of {', '.join(SPANS)}"}),
)  # fmt: skip
