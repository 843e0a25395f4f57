"""The application: routes of all parts, each behind the gate."""

import time
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

import orjson
import structlog
from sqlalchemy.exc import DataError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from engine.console.following.control import Control
from engine.console.openid.provider import Provider
from engine.console.store.database import Store
from engine.console.store.roles import Role
from engine.console.trying.checking import Checker
from engine.console.trying.jobs import Jobs
from engine.console.web import gate
from engine.console.web.access import ACCESS
from engine.console.web.headers import SecurityHeaders
from engine.console.web.pages import PAGES
from engine.console.web.templates import ASSETS, Templates
from engine.console.web.visits import Console, Page, Person, Visit, json_response
from engine.errors import FloodgateError, RequestError
from engine.settings import Settings

MAX_BODY_BYTES = 4 << 20
MAX_STRANGERS_BYTES = 64 << 10
"""Of a form that needs no account: many strangers at once must not fill the memory."""
MAX_FIELDS = 2_000
_OUTSIDER = Person("", Role.VIEWER)
"""Who has not signed in. Open pages ask nobody's role."""
_log = structlog.stdlib.get_logger("floodgate.console")


def make_app(
    settings: Settings, store: Store, control: Control | None = None, checker: Checker | None = None,
    jobs: Jobs | None = None,
) -> Starlette:  # fmt: skip
    """The console as an ASGI application."""
    console = Console(
        settings=settings,
        store=store,
        templates=Templates(settings.console.masked_words, settings.console.blur_pictures_from),
        clock=lambda: int(time.time() * 1000),
        control=control or Control(settings),
        checker=checker or Checker(),
        jobs=jobs or Jobs(settings),
        provider=Provider(settings.console) if settings.console.oidc_issuer else None,
    )
    routes: list[BaseRoute] = [
        Mount("/assets", StaticFiles(directory=ASSETS, check_dir=False), name="assets"),
        *(_route(console, page) for page in PAGES),
    ]
    app = Starlette(
        routes=routes, middleware=[Middleware(SecurityHeaders)], exception_handlers={HTTPException: _tell_missing}
    )
    app.state.console = console
    return app


def check_access(pages: Iterable[Page]) -> None:
    """Raise KeyError where a route says not who may use it."""
    for page in pages:
        if not page.is_open:
            ACCESS[page.name]


def _route(console: Console, page: Page) -> Route:
    check_access([page])

    async def answer(request: Request) -> Response:
        started = time.monotonic()
        try:
            response = await _answer(console, page, request)
        except RequestError as error:
            response = _tell(console, page, request, str(error), error.status)
        except FloodgateError as error:
            response = _tell(console, page, request, str(error), 502)
        except (OverflowError, DataError):  # a number of more than 64 bits, a text with NUL: no store has such
            response = _tell(console, page, request, "there is a number or a sign in this that nothing has", 400)
        _log.debug(
            "a request", route=page.name, status=response.status_code, ms=round(1000 * (time.monotonic() - started), 1)
        )
        return response

    return Route(page.path, answer, methods=[page.method], name=page.name)


async def _answer(console: Console, page: Page, request: Request) -> Response:
    person = await run_in_threadpool(gate.identify, console, request)
    if person is None and not page.is_open:
        return _ask_to_sign_in(page, request)
    form, body = await _read_body(page, request)
    if person is not None and not page.is_open:
        if person.role not in ACCESS[page.name]:
            raise RequestError(f"your role here, {person.role}, may not do this", 403)
        if request.method != "GET":
            gate.check_origin(request, person, form)
    visit = Visit(
        console=console,
        person=person or _OUTSIDER,
        route=page.name,
        path=request.path_params,
        query=request.query_params,
        form=form,
        body=body,
        is_partial="hx-request" in request.headers,
        url_of=request.app.url_path_for,
        request=request,
    )
    return await run_in_threadpool(page.answer, visit)


async def _read_body(page: Page, request: Request) -> tuple[FormData, Any]:
    if request.method == "GET":
        return FormData(), None
    await _limit_body(request, MAX_STRANGERS_BYTES if page.is_open else MAX_BODY_BYTES)
    if "json" in request.headers.get("content-type", ""):
        try:
            return FormData(), orjson.loads(await request.body() or b"{}")
        except orjson.JSONDecodeError as error:
            raise RequestError(f"the body is no JSON: {error}") from error
    try:
        return await request.form(max_files=1, max_fields=MAX_FIELDS, max_part_size=MAX_BODY_BYTES), None
    except HTTPException as error:
        raise RequestError(str(error.detail)) from error


async def _limit_body(request: Request, most: int) -> None:
    """Read the body, as far as it may be long. Raises RequestError beyond that."""
    parts, length = [], 0
    async for part in request.stream():
        length += len(part)
        if length > most:
            raise RequestError(f"this is longer than {most:,} bytes", 413)
        parts.append(part)
    request._body = b"".join(parts)  # starlette/requests.py: what `body` and `form` go on from


def _ask_to_sign_in(page: Page, request: Request) -> Response:
    if page.is_api:
        return json_response({"error": "sign in, or send a token: `Authorization: Bearer …`"}, 401)
    url = request.app.url_path_for("login")
    if "hx-request" in request.headers:
        return Response(status_code=401, headers={"HX-Redirect": url})
    return RedirectResponse(f"{url}?next={_place(request)}", 303)


def _tell(console: Console, page: Page, request: Request, message: str, status: int) -> Response:
    if page.is_api:
        return json_response({"error": message}, status)
    text = console.templates.render("error.html", message=message, status=status)
    return Response(text, status, media_type="text/html")


async def _tell_missing(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    message = "there is nothing here" if status == 404 else "this cannot be asked in this way"
    if request.url.path.startswith("/api/"):
        return json_response({"error": message}, status)
    text = request.app.state.console.templates.render("error.html", message=message, status=status)
    return Response(text, status, media_type="text/html")


def _place(request: Request) -> str:
    return quote(request.url.path + (f"?{request.url.query}" if request.url.query else ""))
