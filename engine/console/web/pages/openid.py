"""Signing in at the OpenID provider: the browser goes there, and comes back with a code."""

from starlette.responses import RedirectResponse, Response

from engine.console.openid.attempts import Attempt
from engine.console.openid.provider import Provider
from engine.console.store import accounts, audit, identities
from engine.console.web.pages.signing_in import WAIT, address_of, begin, own_place, show_form
from engine.console.web.visits import Page, Visit
from engine.errors import AccountError, RequestError

_COOKIE = "floodgate_openid"
_PATH = "/login/openid"
_LASTS_S = 600
_OVER = "this attempt to sign in is over, or began in another browser: sign in again"


def send_there(visit: Visit) -> Response:
    """Begin an attempt, and send the browser to the provider."""
    provider = _provider(visit)
    attempt = Attempt.begin(own_place(visit.text("next", most=1_000)))
    try:
        response = RedirectResponse(provider.url_for(attempt, _back(visit)), 303)
    except RequestError as error:
        return show_form(visit, error.status, str(error), attempt.place)
    response.set_cookie(
        _COOKIE, attempt.cookie, _LASTS_S, httponly=True, path=_PATH, secure=visit.settings.console.secure_cookies,
        samesite="lax",  # the browser comes back from elsewhere: a strict cookie would not come along
    )  # fmt: skip
    return response


def come_back(visit: Visit) -> Response:
    """Begin a session for who comes back, where what the provider says can be believed and they may come in."""
    provider, attempt = _provider(visit), Attempt.from_cookie(visit.request.cookies.get(_COOKIE, ""))
    if attempt is None or not attempt.is_answered_by(visit.query.get("state", "")):
        return _end(show_form(visit, 403, _OVER))
    with visit.store.write() as connection:
        if not accounts.has_waited_enough(connection, None, address_of(visit), visit.now_ms):
            return _end(show_form(visit, 429, WAIT, attempt.place))
    name = ""
    try:
        identity = provider.identify(attempt, _code(visit, provider), _back(visit), visit.now_ms)
        name = identity.name
        _admit(visit, provider, identity.name, identity.subject, identity.role)
    except (RequestError, AccountError) as error:
        status = error.status if isinstance(error, RequestError) else 403
        if status == 403:
            _note_failure(visit, provider, name, str(error))
        return _end(show_form(visit, status, str(error), attempt.place))
    # A page that goes on by itself, not a redirect: one would still come from the provider's site, where the browser
    # keeps our strict cookie back.
    response = visit.page("signed_in.html", place=own_place(attempt.place))
    begin(visit, response, name, provider=provider.host)
    return _end(response)


def _admit(visit: Visit, provider: Provider, name: str, subject: str, role: str | None) -> None:
    with visit.store.write() as connection:
        if not accounts.has_waited_enough(connection, name, address_of(visit), visit.now_ms):
            raise RequestError(WAIT, 429)
        if identities.admit(connection, name, subject, role, visit.now_ms):
            audit.note(connection, visit.now_ms, provider.host, "gave a role", f"account:{name}", {"role": role})


def _code(visit: Visit, provider: Provider) -> str:
    issuer = visit.query.get("iss", visit.settings.console.oidc_issuer)  # RFC 9207: another provider's code
    if "error" in visit.query:
        told = f"{visit.query['error']} {visit.query.get('error_description', '')}".strip()[:200]
        raise RequestError(f"the OpenID provider {provider.host} did not sign you in: {told}", 403)
    if not visit.query.get("code") or issuer != visit.settings.console.oidc_issuer:
        raise RequestError(_OVER, 403)
    return visit.text("code", most=4_000)


def _note_failure(visit: Visit, provider: Provider, name: str, why: str) -> None:
    address = address_of(visit)
    detail = {"address": address, "provider": provider.host, "why": why}
    with visit.store.write() as connection:
        accounts.note_failure(connection, name, address, visit.now_ms)
        audit.note(connection, visit.now_ms, name[:100], "failed to sign in", "account", detail)


def _end(response: Response) -> Response:
    """An attempt counts once."""
    response.delete_cookie(_COOKIE, path=_PATH)
    return response


def _provider(visit: Visit) -> Provider:
    if visit.console.provider is None:
        raise RequestError("no OpenID provider is set up here: sign in with a password", 404)
    return visit.console.provider


def _back(visit: Visit) -> str:
    """Our address to which the provider sends people back, as it is registered there."""
    settings, url = visit.settings.console, visit.request.url
    scheme = "https" if settings.secure_cookies else url.scheme
    return (settings.public_url.rstrip("/") or f"{scheme}://{url.netloc}") + visit.url_of("openid_return")


PAGES = (
    Page(_PATH, "openid", send_there, is_open=True),
    Page(f"{_PATH}/return", "openid_return", come_back, is_open=True),
)
