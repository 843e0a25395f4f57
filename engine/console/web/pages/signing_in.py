"""Signing in and out, and one's own account."""

import secrets
from hmac import compare_digest

from starlette.responses import PlainTextResponse, RedirectResponse, Response

from engine.console.store import accounts, audit
from engine.console.web.gate import COOKIE
from engine.console.web.visits import Page, Visit
from engine.errors import AccountError, RequestError

_LOGIN_COOKIE = "floodgate_login"
_FAILED = "name or password is wrong"
WAIT = "too many attempts: wait for a quarter of an hour, then try again"


def show_login(visit: Visit) -> Response:
    """The form."""
    return show_form(visit, 200, "", visit.query.get("next", ""))


def show_form(visit: Visit, status: int, error: str, place: str = "") -> Response:
    """The form, and what went wrong. Its token is in a cookie too, so that nobody else can have somebody sign in.
    `place`: where to go on to."""
    token = secrets.token_urlsafe(24)
    response = visit.page("login.html", status, token=token, next=place, error=error, name="")
    response.set_cookie(_LOGIN_COOKIE, token, max_age=3_600, httponly=True, samesite="strict", path="/login")
    return response


def sign_in(visit: Visit) -> Response:
    """Begin a session under a new token, whatever cookies came along."""
    _check_form(visit)
    name, password = visit.text("name", most=200), visit.form.get("password", "")
    if not _is_right(visit, name, password):
        with visit.store.write() as connection:
            detail = {"address": address_of(visit)}
            audit.note(connection, visit.now_ms, name[:100], "failed to sign in", "account", detail)
        token = visit.text("token")
        return visit.page("login.html", 401, token=token, next=visit.text("next"), error=_FAILED, name=name)
    response = RedirectResponse(own_place(visit.text("next")), 303)
    begin(visit, response, name)
    return response


def _is_right(visit: Visit, name: str, password: object) -> bool:
    """Whether this is the password. An attempt counts as a failure until it is known: many at once are as many. Raises
    RequestError after too many."""
    address = address_of(visit)
    with visit.store.write() as connection:
        if not accounts.has_waited_enough(connection, name, address, visit.now_ms):
            raise RequestError(WAIT, 429)
        account = accounts.find_account(connection, name)
        number = accounts.note_failure(connection, name, address, visit.now_ms)
    if not isinstance(password, str) or not accounts.is_password(account, password):
        return False
    with visit.store.write() as connection:
        accounts.drop_failure(connection, number)
    return True


def begin(visit: Visit, response: Response, name: str, **detail: str) -> None:
    """Begin a session with this response. The one that the browser had so far is over. `detail`: for the audit log."""
    with visit.store.write() as connection:
        accounts.end_session(connection, visit.request.cookies.get(COOKIE, ""))
        session = accounts.begin_session(connection, name, visit.now_ms)
        detail = {"address": address_of(visit), **detail}
        audit.note(connection, visit.now_ms, name, "signed in", "account", detail)
    is_secure = visit.settings.console.secure_cookies
    response.set_cookie(COOKIE, session.token, httponly=True, samesite="strict", secure=is_secure)
    response.delete_cookie(_LOGIN_COOKIE, path="/login")


def sign_out(visit: Visit) -> Response:
    """End the session."""
    with visit.store.write() as connection:
        accounts.end_session(connection, visit.request.cookies.get(COOKIE, ""))
        visit.note(connection, "signed out", "account")
    response = visit.see("login")
    response.delete_cookie(COOKIE)
    return response


def show_account(visit: Visit) -> Response:
    """Who one is here."""
    with visit.store.read() as connection:
        account = accounts.find_account(connection, visit.person.name)
    has_password = account is not None and account.password_hash is not None
    return visit.page("account.html", error="", has_password=has_password)


def change_password(visit: Visit) -> Response:
    """Set a new password, which ends all sessions."""
    old, new = visit.form.get("old", ""), visit.form.get("new", "")
    if not isinstance(new, str) or not _is_right(visit, visit.person.name, old):
        return visit.page("account.html", 400, has_password=True, error="the password so far is another one")
    with visit.store.write() as connection:
        try:
            accounts.change_password(connection, visit.person.name, new)
        except AccountError as error:
            return visit.page("account.html", 400, has_password=True, error=str(error))
        visit.note(connection, "changed their password", "account")
    return visit.see("login", said="The password has been changed: sign in with the new one.")


def tell_health(visit: Visit) -> Response:
    """Whether the console can read its store."""
    with visit.store.read() as connection:
        connection.exec_driver_sql("SELECT 1")
    return PlainTextResponse("ok\n")


def address_of(visit: Visit) -> str:
    """From where somebody asks."""
    return visit.request.client.host if visit.request.client else ""


def _check_form(visit: Visit) -> None:
    cookie, field = visit.request.cookies.get(_LOGIN_COOKIE, ""), visit.form.get("token", "")
    if (
        not cookie
        or not isinstance(field, str)
        or not compare_digest(cookie.encode(), field.encode("utf-8", "replace"))
    ):
        raise RequestError("this form is too old: load the page again, and sign in", 403)


def own_place(place: str) -> str:
    """A place of the console, and nowhere else."""
    is_own = place.startswith("/") and not place.startswith("//") and "\\" not in place and place.isprintable()
    return place if is_own else "/"


PAGES = (
    Page("/healthz", "healthz", tell_health, is_open=True),
    Page("/login", "login", show_login, is_open=True),
    Page("/login", "sign_in", sign_in, "POST", is_open=True),
    Page("/logout", "logout", sign_out, "POST"),
    Page("/account", "account", show_account),
    Page("/account/password", "change_password", change_password, "POST"),
)
