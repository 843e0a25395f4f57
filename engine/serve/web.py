"""The questions over HTTP: POST /v1/ask/SURFACE, with an event as the body."""

import asyncio
import time
from hashlib import blake2b
from typing import Any, NamedTuple

import msgspec
from aiohttp import web
from msgspec import UNSET

from engine.errors import EventError
from engine.serve.asking import Asking
from engine.serve.contract import Answer, Asked, Refusal, Why, answer_of, no_answer
from engine.serve.following import Following
from engine.serve.metrics import ServeMetrics
from engine.serve.tokens import Tokens
from engine.serve_settings import SurfaceSettings
from engine.settings import Settings
from engine.stream.handlers.messages import decode_event
from engine.stream.handlers.replies import TOKEN_BYTES

_BODY_WITHIN_S = 5.0
_RETRY_AFTER_S = "1"
_STATUS = {
    "unauthorized": 401, "forbidden": 403, "unknown_surface": 404, "too_slow": 408, "too_large": 413,
    "not_an_event": 400, "wrong_surface": 400, "too_many_of_user": 429,
}  # fmt: skip


class _RefusedError(Exception):
    """A request that asks nothing. `reason`: one of a few; the text says what to do."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


class _Question(NamedTuple):
    """An event as it came, and whom it is about."""

    asked: Asked
    user: bytes
    event: bytes

    def token(self) -> bytes:
        """Under which its reply comes: the same for the same event, whoever asks and wherever."""
        return blake2b(self.event, digest_size=TOKEN_BYTES).digest()


class Questions:
    """Answers requests. Raises SettingsError when it is made."""

    def __init__(self, settings: Settings, asking: Asking, following: Following, metrics: ServeMetrics) -> None:
        self._own, self._mapping = settings.serve, settings.events.mapping()
        self._most_bytes = min(settings.serve.max_body_bytes, settings.events.max_message_bytes)
        self._asking, self._following, self._metrics = asking, following, metrics
        self._tokens = Tokens(settings.serve.tokens_file)

    def application(self) -> web.Application:
        """The web application."""
        app = web.Application(client_max_size=self._most_bytes)
        app.add_routes([web.post("/v1/ask/{surface}", self.ask)])
        return app

    async def ask(self, request: web.Request) -> web.Response:
        """One question."""
        started_s = time.perf_counter()
        try:
            surface = self._surface(request)
            question = self._read(surface[1], await self._body(request))
            if self._asking.is_busy_with(question.user):
                raise _RefusedError("too_many_of_user", "too many questions about this user wait already")
        except _RefusedError as refused:
            self._metrics.refused.labels(refused.reason).inc()
            return _respond(Refusal(refused.reason, str(refused)), _STATUS[refused.reason])
        answer = await self._answer(surface, question)
        self._metrics.seconds.labels(answer.surface).observe(time.perf_counter() - started_s)
        self._metrics.questions.labels(answer.surface, "answered" if answer.why is UNSET else answer.why).inc()
        self._metrics.verdicts.labels(answer.surface, answer.verdict).inc()
        return _respond(answer, 503 if answer.why == "busy" else 200)

    async def _answer(self, surface: tuple[str, SurfaceSettings], question: _Question) -> Answer:
        def without(why: Why, *, is_published: bool = False) -> Answer:
            return no_answer(question.asked, surface, why, is_published=is_published)

        if self._asking.is_busy:
            return without("busy")
        if not self._following.is_reading:
            return without("not_published")
        timeout_s = surface[1].timeout_ms / 1_000
        heard = await self._asking.ask(question.user, question.token(), question.event, timeout_s)
        if heard.reply is None:
            return without("timeout" if heard.is_published else "not_published", is_published=heard.is_published)
        return answer_of(question.asked, surface, heard.reply, time.time_ns() // 1_000_000)

    def _surface(self, request: web.Request) -> tuple[str, SurfaceSettings]:
        """Where it is asked, by somebody who may. The body is not looked at before."""
        caller = self._tokens.find(request.headers.get("Authorization", ""))
        if caller is None:
            raise _RefusedError("unauthorized", "`Authorization: Bearer TOKEN` names somebody who may ask")
        name = request.match_info["surface"]
        surface = self._own.surfaces.get(name)
        if surface is None:
            raise _RefusedError("unknown_surface", "`serve.surfaces` does not have it")
        if not caller.may_ask(name):
            raise _RefusedError("forbidden", "this token is for other surfaces")
        return name, surface

    async def _body(self, request: web.Request) -> bytes:
        too_large = _RefusedError("too_large", f"an event has at most {self._most_bytes} bytes")
        if (request.content_length or 0) > self._most_bytes:
            raise too_large
        try:
            async with asyncio.timeout(_BODY_WITHIN_S):
                return await request.read()
        except web.HTTPRequestEntityTooLarge as error:
            raise too_large from error
        except TimeoutError as error:
            raise _RefusedError("too_slow", f"the event has to come within {_BODY_WITHIN_S:g} seconds") from error

    def _read(self, surface: SurfaceSettings, body: bytes) -> _Question:
        """The event as the workers will read it."""
        try:
            event = decode_event(body, self._mapping, self._most_bytes, time.time_ns() // 1_000_000)
        except EventError as error:
            raise _RefusedError("not_an_event", str(error)) from error
        if event.type not in surface.types:
            raise _RefusedError("wrong_surface", "events of this type are not asked about on this surface")
        return _Question(Asked(event.event_id, event.type), event.user_id.encode(), body)


def _respond(document: Any, status: int) -> web.Response:
    headers = {"Retry-After": _RETRY_AFTER_S} if status in (429, 503) else None
    body = msgspec.json.encode(document)
    return web.Response(body=body, content_type="application/json", status=status, headers=headers)
