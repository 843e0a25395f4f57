"""One request: what counts as taken, and whom it never goes to."""

import asyncio
from pathlib import Path

from aiohttp import web

from engine.delivery.webhook import Answer, Webhook, open_session
from engine.delivery_settings import DeliverySettings, ReceiverSettings
from engine.dev.pages import free_port


def post(tmp_path: Path, answer: web.Response | None, timeout_s: float = 5) -> tuple[Answer, list[str]]:
    """One request to a server that answers so, or not at all; and the paths that it was asked for."""
    (tmp_path / "key").write_text("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    asked: list[str] = []

    async def run() -> Answer:
        app, port, is_over = web.Application(), free_port(), asyncio.Event()

        async def handle(request: web.Request) -> web.Response:
            asked.append(request.path)
            if answer is None:
                await is_over.wait()
            return answer or web.Response()

        app.router.add_route("*", "/{path:.*}", handle)
        runner = web.AppRunner(app, shutdown_timeout=0)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        settings = ReceiverSettings(f"http://127.0.0.1:{port}/in", str(tmp_path / "key"), timeout_s=timeout_s)
        try:
            async with open_session(DeliverySettings()) as session:
                return await Webhook(settings, session).post("a-1", b"{}", 5)
        finally:
            is_over.set()
            await runner.cleanup()

    return asyncio.run(run()), asked


def test_2xx_is_taken(tmp_path: Path) -> None:
    for status in (200, 202, 204):
        assert post(tmp_path, web.Response(status=status))[0] == Answer(True, str(status), "")


def test_all_else_is_not(tmp_path: Path) -> None:
    assert post(tmp_path, web.Response(status=500, text="no " * 1_000))[0].why.startswith("no no")
    assert len(post(tmp_path, web.Response(status=500, text="no " * 1_000))[0].why) == 200
    assert post(tmp_path, web.Response(status=400))[0] == Answer(False, "400", "")


def test_redirects_are_not_followed(tmp_path: Path) -> None:
    answer, asked = post(tmp_path, web.Response(status=307, headers={"location": "/elsewhere"}))
    assert (answer.is_taken, answer.status, asked) == (False, "307", ["/in"])


def test_a_receiver_may_ask_to_be_left_alone_but_not_for_ever(tmp_path: Path) -> None:
    for said, seconds in (("7", 7.0), ("9999999", 300.0), ("soon", 0.0), ("-1", 0.0)):
        assert post(tmp_path, web.Response(status=429, headers={"retry-after": said}))[0].wait_s == seconds


def test_no_answer_is_a_failure(tmp_path: Path) -> None:
    assert post(tmp_path, None, timeout_s=0.2)[0] == Answer(False, "timeout", "no answer within 0.2 s")
