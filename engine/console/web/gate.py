"""Who asks: a session in a cookie, a token of a program, or the headers of a trusted proxy. And whether a request that
changes something comes from one of our own pages."""

from hmac import compare_digest

from starlette.datastructures import FormData
from starlette.requests import Request

from engine.console.store import accounts
from engine.console.store.roles import Role
from engine.console.web.visits import Console, Person
from engine.errors import RequestError

COOKIE = "floodgate_session"
CSRF_HEADER, CSRF_FIELD = "x-csrf-token", "csrf_token"
_TOUCH_AFTER_MS = 60_000


def identify(console: Console, request: Request) -> Person | None:
    """Who has signed in, if anybody has."""
    bearer = request.headers.get("authorization", "")
    if bearer.lower().startswith("bearer "):
        return _by_token(console, bearer[7:].strip())
    return _by_proxy(console, request) or _by_session(console, request.cookies.get(COOKIE, ""))


def check_origin(request: Request, person: Person, form: FormData) -> None:
    """Raise RequestError where a request that changes something does not come from our own pages: others can send a
    browser's cookies, but do not know its token. Programs have no cookies."""
    if request.headers.get("authorization", "").lower().startswith("bearer "):
        return
    given = request.headers.get(CSRF_HEADER) or form.get(CSRF_FIELD)
    if not person.csrf_token or not isinstance(given, str) or not _are_same(given, person.csrf_token):
        raise RequestError("this form is not from your session: load the page again, and send it once more", 403)


def _by_token(console: Console, token: str) -> Person | None:
    with console.store.read() as connection:
        row = accounts.find_token(connection, token, console.clock())
    return Person(row.name, Role(row.role)) if row is not None else None


def _by_session(console: Console, token: str) -> Person | None:
    if not token:
        return None
    now_ms, idle_ms = console.clock(), console.settings.console.session_idle_m * 60_000
    with console.store.read() as connection:
        row = accounts.find_session(connection, token, idle_ms, now_ms)
    if row is None:
        return None
    if row.seen_ms < now_ms - _TOUCH_AFTER_MS:
        with console.store.write() as connection:
            accounts.touch_session(connection, token, now_ms)
    return Person(row.name, Role(row.role), row.csrf_token, _names(row.areas), _names(row.languages))


def _by_proxy(console: Console, request: Request) -> Person | None:
    """Raises RequestError where the proxy names somebody who has no role here, or whose account is not active: that
    holds whatever the proxy says."""
    header, settings = console.settings.console.proxy_user_header, console.settings.console
    name = request.headers.get(header, "").strip() if header else ""
    if not name:
        return None
    with console.store.write() as connection:
        csrf_token = accounts.csrf_token_behind_proxy(connection, name, console.clock())
    with console.store.read() as connection:
        row = accounts.find_any_account(connection, name)
    if row is not None and not row.is_active:
        raise RequestError(f"the account {name!r} is not active: ask an administrator", 403)
    role = request.headers.get(settings.proxy_role_header, "") if settings.proxy_role_header else ""
    if role not in list(Role):
        if row is None:
            raise RequestError(f"{name!r} has no role here: `floodgate console user add` gives them one", 403)
        role = row.role
    part = (_names(row.areas), _names(row.languages)) if row is not None else ()
    return Person(name, Role(role), csrf_token, *part)


def _are_same(given: str, expected: str) -> bool:
    return compare_digest(given.encode("utf-8", "replace"), expected.encode())


def _names(listed: str) -> frozenset[str]:
    return frozenset(name.strip() for name in listed.split(",") if name.strip())
