"""Pages of processes that are no workers."""

import asyncio

from engine.dev.pages import free_port, read_page
from engine.stream.admin.process_pages import process_pages


def test_they_tell_whether_the_process_is_ready() -> None:
    async def run() -> list[str]:
        port, waiting = free_port(), ["posts"]
        async with process_pages("127.0.0.1", port, lambda: b"metric 1\n", lambda: waiting):
            first = await asyncio.to_thread(read_page, port, "/readyz")
            waiting.clear()
            return [
                first,
                *[await asyncio.to_thread(read_page, port, path) for path in ("/readyz", "/metrics", "/healthz")],
            ]

    first, ready, metrics, health = asyncio.run(run())
    assert first == ""
    assert ready == '{"status":"ready","waiting_for":[]}'
    assert metrics == "metric 1\n"
    assert health == '{"status":"ok"}'
