"""Hostile pictures and references through the enricher `pictures`, in its confined processes, as it runs live:
`python -m tests.chaos.hostile_pictures --files 10000 --seed 1`. Exit code 1 where one cost more than itself.
"""

import argparse
import asyncio
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from aiohttp import web
from rich.console import Console
from rich.table import Table

from engine.enrich.answers import Missing
from engine.enrich.enricher import RawEvent, Surroundings
from engine.enrich.pictures.enricher import Pictures
from tests.chaos.hostile_files import KINDS, reference
from tests.unit.enrich.pictures.made import encoded, picture, text_of

TURN_S, LIMIT_S, MEMORY_MB, PROCESSES = 2.0, 3.0, 600, 1
_REFERENCES = 0.08
_LOOK_EVERY_S = 0.02
_MORE_S = 5.0
"""What a busy machine takes to notice that a time is over."""


_ENDS = ("timeout", "crashed")
"""Reasons for which a process ends; what it has told by then counts."""


def _in_part(reason: str) -> str:
    return f"read, then {reason}"


@dataclass
class Seen:
    """What became of one kind: by outcome how many, the longest time, and the most memory of a process meanwhile."""

    outcomes: Counter[str] = field(default_factory=Counter)
    worst_s: float = 0.0
    worst_mb: float = 0.0


@dataclass
class Campaign:
    """All that was seen. `escaped`: requests that came to a server which must not be asked; `started`: how many
    processes it took; `still_reads`: whether a good picture was read at the end."""

    kinds: dict[str, Seen]
    escaped: int = 0
    started: int = 0
    still_reads: bool = False

    def problems(self) -> Iterator[str]:
        """What a file cost beside itself."""
        if self.escaped:
            yield f"{self.escaped} requests came where none may"
        if not self.still_reads:
            yield "afterwards a good picture is not read any more"
        ended = sum(seen.outcomes[reason] for seen in self.kinds.values() for reason in (*_ENDS, *map(_in_part, _ENDS)))
        if self.started > PROCESSES + ended:
            yield f"{self.started} processes were started, {ended} files can have ended one"
        for kind, seen in self.kinds.items():
            if seen.outcomes["failed"]:
                yield f"{kind}: {seen.outcomes['failed']} failed with an error that nobody expected"
            if seen.worst_s > LIMIT_S + _MORE_S:
                yield f"{kind}: one took {seen.worst_s:.1f} s"
            if seen.worst_mb > MEMORY_MB:
                yield f"{kind}: a process took {seen.worst_mb:.0f} MB"


async def campaign(files: int, seed: int) -> Campaign:
    """Ask about so many, one after the other; at the end about one that means well."""
    rng, made = Random(seed), Campaign({kind: Seen() for kind in (*KINDS, "reference")})
    async with _servers(made) as (port, inner):
        pictures = Pictures({"allow_hosts": [f"localhost:{port}"], "allow_networks": ["127.0.0.0/8"]})
        await pictures.start(Surroundings(PROCESSES, MEMORY_MB, TURN_S, remembers=0))
        try:
            for _ in range(files):
                kind = "reference" if rng.random() < _REFERENCES else rng.choice(tuple(KINDS))
                sent = reference(rng, port, inner) if kind == "reference" else KINDS[kind](rng)
                await _look(pictures, sent, made.kinds[kind])
            made.started = pictures._children.started
            last = Seen()
            await _look(pictures, text_of(encoded(picture(0))), last)
            made.still_reads = last.outcomes == {"read": 1}
        finally:
            await pictures.stop()
    return made


async def _look(pictures: Pictures, sent: str, seen: Seen) -> None:
    watching = asyncio.create_task(_watch(pictures, seen))
    await asyncio.sleep(0)
    began = time.monotonic()
    try:
        async with asyncio.timeout(LIMIT_S):
            found = await pictures.enrich(RawEvent({"image": sent}))
        ends = [reason for reason in _ENDS if found and reason in found.get("unread", ())]
        outcome = _in_part(ends[0]) if ends else "read" if found else "nothing"
    except Missing as missing:
        outcome = missing.reason
    except TimeoutError:
        outcome = "timeout"
    seen.worst_s = max(seen.worst_s, time.monotonic() - began)
    seen.outcomes[outcome] += 1
    _note_memory(pictures, seen)
    watching.cancel()


async def _watch(pictures: Pictures, seen: Seen) -> None:
    """The most memory that the process has had since it was asked; the system keeps the peak of each."""
    _forget_peaks(pictures)
    while True:
        _note_memory(pictures, seen)
        await asyncio.sleep(_LOOK_EVERY_S)


def _forget_peaks(pictures: Pictures) -> None:
    for child in list(pictures._children._all):
        with suppress(OSError):
            Path(f"/proc/{child.pid}/clear_refs").write_text("5", "ascii")


def _note_memory(pictures: Pictures, seen: Seen) -> None:
    for child in list(pictures._children._all):
        seen.worst_mb = max(seen.worst_mb, _peak_mb(child.pid))


def _peak_mb(process: int) -> float:
    try:
        lines = Path(f"/proc/{process}/status").read_text("utf-8").splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:")), 0.0)


@asynccontextmanager
async def _servers(made: Campaign) -> AsyncIterator[tuple[int, int]]:
    """A server that is allowed and does not mean well, and one that must not be asked: their ports."""

    async def escape(request: web.Request) -> web.Response:
        made.escaped += 1
        return web.Response(body=b"secret")

    runners = []
    for answer in (_answer, escape):
        application = web.Application()
        application.router.add_get("/{rest:.*}", answer)
        runner = web.AppRunner(application, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        runners.append(runner)
    try:
        yield runners[0].addresses[0][1], runners[1].addresses[0][1]
    finally:
        for runner in runners:
            await runner.cleanup()


async def _answer(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    match request.path:
        case "/to":
            return web.Response(status=302, headers={"Location": request.query["where"].replace("\0", "%00")})
        case "/loop":
            return web.Response(status=307, headers={"Location": "/loop"})
        case "/slow":
            await asyncio.sleep(3_600)
        case "/long_head":
            response.headers["X"] = "x" * 100_000
        case "/gzip":
            response.headers["Content-Encoding"] = "gzip"
        case "/short":
            response.headers["Content-Length"] = "100000"
        case "/none":
            return web.Response(status=404)
    with suppress(ConnectionError):  # who has read enough goes away
        await response.prepare(request)
        while request.path in ("/drip", "/endless"):
            await response.write(b"x" * (1 if request.path == "/drip" else 100_000))
            await asyncio.sleep(0.05 if request.path == "/drip" else 0)
        await response.write(b"\x1f\x8b no picture")
    return response


def tell(made: Campaign, console: Console) -> None:
    """As a table."""
    table = Table("what was sent", "number", "outcomes", "worst time", "worst memory")
    for kind, seen in made.kinds.items():
        outcomes = ", ".join(f"{outcome} {count}" for outcome, count in seen.outcomes.most_common())
        table.add_row(
            kind, str(seen.outcomes.total()), outcomes, f"{seen.worst_s:.2f} s", f"{seen.worst_mb:.0f} MB"
        )  # fmt: skip
    console.print(table)
    console.print(f"{made.started} processes were started, {PROCESSES} of them at the beginning")


def main() -> None:
    """Run it and tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    options: Any = parser.parse_args()
    made, console = asyncio.run(campaign(options.files, options.seed)), Console()
    tell(made, console)
    problems = list(made.problems())
    for problem in problems:
        console.print(f"problem: {problem}", style="red")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
