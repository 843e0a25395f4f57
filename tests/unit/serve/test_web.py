"""Requests that ask nothing, and what is answered while there is no log."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, cast

import msgspec
import orjson
from aiohttp.test_utils import TestClient, TestServer

from engine.serve.asking import Asking, Heard
from engine.serve.following import Following
from engine.serve.metrics import ServeMetrics
from engine.serve.tokens import new_token
from engine.serve.web import Questions
from engine.serve_settings import ServeSettings, SurfaceSettings
from engine.settings import Settings
from engine.stream.handlers.replies import Reply

SURFACES = {"door": SurfaceSettings(("signup",), otherwise="review"), "till": SurfaceSettings(("payment",))}
EVENT = {"event_id": "e1", "type": "signup", "user_id": "ann", "ts": 1_760_000_000_000}


class Known(Asking):
    """One that knows the reply."""

    async def ask(self, user: bytes, token: bytes, event: bytes, timeout_s: float) -> Heard:
        """At once."""
        self.asked = (user, token, event, timeout_s)
        return Heard(Reply("e1", "signup", 1, "none", "1"), is_published=True)


class Web:
    """The application, without topics."""

    def __init__(self, **own: Any) -> None:
        self.settings = Settings(serve=ServeSettings(SURFACES, **own))
        self.metrics = ServeMetrics(SURFACES)
        self.asking = Known(self.settings, self.metrics)
        self.following = Following(self.settings, self.asking, self.metrics, cast(asyncio.Event, None))
        self.following.is_reading = True
        self.client: Any = None

    def run(self, work: Callable[["Web"], Coroutine[Any, Any, None]]) -> None:
        async def main() -> None:
            app = Questions(self.settings, self.asking, self.following, self.metrics).application()
            async with TestClient(TestServer(app)) as self.client:
                await work(self)

        asyncio.run(main())

    async def ask(self, surface: str = "door", event: Any = EVENT, token: str = "") -> tuple[int, dict[str, Any]]:
        data = event if isinstance(event, bytes) else orjson.dumps(event)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        async with self.client.post(f"/v1/ask/{surface}", data=data, headers=headers) as response:
            assert ("Retry-After" in response.headers) == (response.status in (429, 503))
            return response.status, orjson.loads(await response.read())

    def refused(self, reason: str) -> float:
        return self.metrics.registry.get_sample_value("floodgate_serve_refused_total", {"reason": reason}) or 0.0


def test_requests_that_ask_nothing() -> None:
    async def work(web: Web) -> None:
        wrong = {
            "unknown_surface": (404, "window", EVENT),
            "wrong_surface": (400, "till", EVENT),
            "not_an_event": (400, "door", {"type": "signup"}),
            "too_large": (413, "door", {**EVENT, "text": "x" * 300}),
        }
        for reason, (status, surface, event) in wrong.items():
            got, said = await web.ask(surface, event)
            assert (got, said["reason"]) == (status, reason)
            assert said["error"]
            assert web.refused(reason) == 1
        for nonsense in (b"", b"[]", b"\xff\xfe", b"{" * 250, b"null"):
            assert (await web.ask(event=nonsense))[0] == 400
        chunked = (part for part in [b"x" * 150] * 2)

        async def parts() -> Any:
            for part in chunked:
                yield part

        async with web.client.post("/v1/ask/door", data=parts()) as response:
            assert response.status == 413

    Web(max_body_bytes=256).run(work)


def test_who_has_no_token_is_not_read(tmp_path: Path) -> None:
    (shop, line), path = new_token("shop", ("till",)), tmp_path / "tokens"
    path.write_text(line)

    async def work(web: Web) -> None:
        assert (await web.ask("door"))[0] == 401
        assert (await web.ask("window", b"x" * 99, "guess"))[0] == 401
        assert (await web.ask("door", token=shop))[0] == 403
        assert (await web.ask("till", {**EVENT, "type": "payment"}, shop))[0] == 200

    Web(tokens_file=str(path)).run(work)


def test_the_event_goes_out_as_it_came_under_its_users_key() -> None:
    async def work(web: Web) -> None:
        body = b' {"user_id": "\xc3\xa4nn", "event_id": "e1", "type":"signup" }'
        status, said = await web.ask(event=body)
        assert (status, said["verdict"], said["answered"], said["outcome"]) == (200, "allow", True, "none")
        user, token, event, timeout_s = web.asking.asked
        assert (user, event, timeout_s) == ("änn".encode(), body, 0.2)
        await web.ask(event=body)
        assert web.asking.asked[1] == token
        await web.ask(event=body + b" ")
        assert web.asking.asked[1] != token

    Web().run(work)


def test_without_a_log_and_when_too_many_wait_the_policy_answers(monkeypatch: Any) -> None:
    async def work(web: Web) -> None:
        web.following.is_reading = False
        status, said = await web.ask()
        assert (status, said) == (200, {
            "event_id": "e1", "type": "signup", "surface": "door", "verdict": "review", "answered": False,
            "published": False, "why": "not_published", "hits": [], "actions": [], "scores": {},
        })  # fmt: skip
        monkeypatch.setattr(Asking, "is_busy", property(lambda _: True))
        status, said = await web.ask()
        assert (status, said["why"], said["verdict"]) == (503, "busy", "review")
        monkeypatch.setattr(Asking, "is_busy_with", lambda *_: True)
        status, said = await web.ask()
        assert (status, said["reason"]) == (429, "too_many_of_user")
        assert msgspec.json.decode(msgspec.json.encode(said)) == said

    Web().run(work)
