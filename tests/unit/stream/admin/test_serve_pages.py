"""What is read of the pages of `floodgate serve`."""

import asyncio

from engine.dev.pages import free_port
from engine.serve.metrics import ServeMetrics
from engine.stream.admin.process_pages import process_pages
from engine.stream.admin.serve_pages import ServeStatus, read_serve_status


def test_a_process_tells_how_much_it_has_answered_and_whether_it_can() -> None:
    metrics, port, missing = ServeMetrics(["door"]), free_port(), list[str]()
    for outcome, count in (("answered", 5), ("timeout", 2), ("busy", 1)):
        metrics.questions.labels("door", outcome).inc(count)

    async def main() -> None:
        async with process_pages("127.0.0.1", port, metrics.expose, lambda: missing):
            for is_ready in (True, False):
                found = await asyncio.to_thread(read_serve_status, ("127.0.0.1", port))
                assert found == ServeStatus(f"127.0.0.1:{port}", is_ready, answered=5, unanswered=3)
                missing.append("replies")

    asyncio.run(main())
    assert read_serve_status(("127.0.0.1", port)) == ServeStatus(f"127.0.0.1:{port}", None)
