"""A visit: one request by one person, as pages see it. Pages are plain functions that run in a thread of their own."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson
from starlette.datastructures import FormData, QueryParams
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from engine.console.following.control import Control
from engine.console.openid.provider import Provider
from engine.console.store import audit
from engine.console.store.database import Store
from engine.console.store.roles import Role
from engine.console.trying.checking import Checker
from engine.console.trying.jobs import Jobs
from engine.console.web.access import ACCESS
from engine.errors import RequestError
from engine.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from engine.console.web.templates import Templates

MAX_LIMIT = 500
_SAID = "floodgate_said"


class Person(NamedTuple):
    """Who asks. `areas`, `languages`: of the queues that they may see; empty: all."""

    name: str
    role: Role
    csrf_token: str = ""
    areas: frozenset[str] = frozenset()
    languages: frozenset[str] = frozenset()

    def may(self, route: str) -> bool:
        """Whether they may use a route."""
        return self.role in ACCESS[route]


@dataclass(frozen=True, slots=True)
class Console:
    """What the pages work with. `clock`: the time in epoch milliseconds; `control`: what the control topics say;
    `checker`, `jobs`: run what somebody has written; `provider`: where people sign in, besides here."""

    settings: Settings
    store: Store
    templates: "Templates"
    clock: Callable[[], int]
    control: Control
    checker: Checker
    jobs: Jobs
    provider: Provider | None = None

    def close(self) -> None:
        """Stop what it has started."""
        self.checker.close()
        self.jobs.close()


@dataclass(frozen=True, slots=True)
class Visit:
    """A request, once it is known whose it is, and that they may ask this. `path`: what the route's path has named;
    `form`: what was sent as a form; `body`: what was sent as JSON, decoded."""

    console: Console
    person: Person
    route: str
    path: Mapping[str, Any]
    query: QueryParams
    form: FormData
    body: Any
    is_partial: bool
    url_of: Callable[..., str]
    request: Request

    @property
    def settings(self) -> Settings:
        """The engine's settings."""
        return self.console.settings

    @property
    def store(self) -> Store:
        """The console's store."""
        return self.console.store

    @property
    def now_ms(self) -> int:
        """The time."""
        return self.console.clock()

    def page(self, template: str, status: int = 200, **values: Any) -> Response:
        """A page. Templates have the visit as `visit` too."""
        said = self.request.cookies.get(_SAID, "").encode().decode("unicode_escape", "replace")
        response = HTMLResponse(self.console.templates.render(template, visit=self, said=said, **values), status)
        if said:
            response.delete_cookie(_SAID, httponly=True, samesite="strict")
        return response

    def see(self, route: str, *, said: str = "", **path: Any) -> Response:
        """Go on to another page, as `go`."""
        return self.go(self.url_of(route, **path), said)

    def go(self, place: str, said: str = "") -> Response:
        """Go on to a place of the console, which says what has been done."""
        response = Response(headers={"HX-Redirect": place}) if self.is_partial else RedirectResponse(place, 303)
        if said:
            response.set_cookie(_SAID, _ascii(said), max_age=60, httponly=True, samesite="strict")
        return response

    def text(self, name: str, default: str = "", most: int = 10_000) -> str:
        """A field of the form, or else of the query, without blanks around it. Raises RequestError where it is too
        long."""
        value = self.form.get(name, self.query.get(name, default))
        if not isinstance(value, str) or len(value) > most:
            raise RequestError(f"`{name}` is a text of at most {most} characters")
        return value.strip()

    def texts(self, name: str, most: int = 1_000) -> list[str]:
        """All values of a field of the form, or else of the query. Raises RequestError where there are too many."""
        values = [value for value in self.form.getlist(name) or self.query.getlist(name) if isinstance(value, str)]
        if len(values) > most:
            raise RequestError(f"`{name}` has at most {most} values")
        return values

    def number(self, name: str, default: int, least: int = 0, most: int = 2**53) -> int:
        """A whole number of the form or the query. Raises RequestError."""
        given = self.text(name)
        try:
            value = int(given) if given else default
        except ValueError:
            raise RequestError(f"`{name}` is a whole number, not {given[:50]!r}") from None
        if not least <= value <= most:
            raise RequestError(f"`{name}` is between {least} and {most}")
        return value

    def limit(self, default: int = 50) -> int:
        """How many rows are asked for."""
        return self.number("limit", default, 1, MAX_LIMIT)

    def note(self, connection: "Connection", verb: str, about: str, **detail: Any) -> None:
        """Enter in the audit log what this person does."""
        audit.note(connection, self.now_ms, self.person.name, verb, about, detail)


Answer = Callable[[Visit], Response]


class Page(NamedTuple):
    """A route. `name`: in the table of access; `answer`: runs in a thread; `is_api`: for programs: JSON in, JSON out,
    errors too; `is_open`: without signing in; `summary`: for the API's description."""

    path: str
    name: str
    answer: Answer
    method: str = "GET"
    is_api: bool = False
    is_open: bool = False
    summary: str = ""
    parameters: Mapping[str, str] = {}


def json_response(value: Any, status: int = 200) -> Response:
    """JSON, as the API answers."""
    return Response(orjson.dumps(value, default=str), status, media_type="application/json")


def _ascii(text: str) -> str:
    return text.encode("unicode_escape").decode().replace(";", ",").replace('"', "'")[:500]
