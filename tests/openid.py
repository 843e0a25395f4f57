"""An OpenID provider for tests: a server with discovery, authorization, tokens and keys. It lets everybody in, and a
test may have it lie."""

import base64
import hashlib
import secrets
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from html import escape, unescape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

import httpx2
import orjson
from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.testclient import TestClient

from engine.console.store.database import Store
from engine.console.store.own import AUDIT
from engine.console.web.app import make_app
from tests.console import found, rows_of, settings_of

CLIENT, SECRET = "floodgate-console", "not/to:be+guessed"

Claims = dict[str, Any]
BUTTON = r'href="(/login/openid\?next=[^"]*)"'


class OpenIDProvider:
    """`person`: the claims of who is signed in there; `forge`: what makes ID tokens, as `sign` does unless a test says
    otherwise; `asks`: whether people have to press something there; `document`: what discovery tells beside the usual;
    `answers`: what a path answers instead; `refuses`: the error with which it sends people back. `asked`: which paths
    have been asked for."""

    def __init__(self, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> None:
        self.key = _first_key()
        self.person: Claims = {"sub": "s1", "preferred_username": "ann"}
        self.forge: Callable[[Claims], str] = self.sign
        self.document: dict[str, Any] = {}
        self.answers: dict[str, tuple[int, dict[str, str], bytes]] = {}
        self.refuses = ""
        self.asks = False
        self.asked: list[str] = []
        self._codes: dict[str, dict[str, str]] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self))
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.issuer = f"http{'s' if tls else ''}://{host}:{self._server.server_address[1]}/realm"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def path(self) -> str:
        """Of the issuer."""
        return urlsplit(self.issuer).path

    def settings(self, **console: Any) -> dict[str, Any]:
        """Settings of a console that knows this provider."""
        return {"oidc_issuer": self.issuer, "oidc_client_id": CLIENT, **console}

    def sign(self, claims: Claims) -> str:
        """An ID token as it should be."""
        return jwt.encode({"alg": "RS256", "kid": self.key.kid}, claims, self.key)

    def answer(self, path: str, query: dict[str, str], headers: Any) -> tuple[int, dict[str, str], bytes]:
        """What it says to a request."""
        self.asked.append(path)
        if path in self.answers:
            return self.answers[path]
        match path.removeprefix(self.path):
            case "/.well-known/openid-configuration":
                return 200, {}, orjson.dumps(self._described())
            case "/jwks":
                return 200, {}, orjson.dumps({"keys": [self.key.as_dict(private=False)]})
            case "/authorize":
                return self._authorize(query)
            case "/token":
                return self._exchange(query, headers)
        return 404 if path != "/favicon.ico" else 204, {}, b""

    def _described(self) -> dict[str, Any]:
        usual = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
        }
        return usual | self.document

    def _authorize(self, query: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        assert (query["response_type"], query["client_id"], query["code_challenge_method"]) == ("code", CLIENT, "S256")
        assert "openid" in query["scope"].split()
        code = secrets.token_urlsafe(16)
        self._codes[code] = query
        told = {"error": self.refuses, "error_description": "<b>no</b>"} if self.refuses else {"code": code}
        back = f"{query['redirect_uri']}?{urlencode({**told, 'state': query['state'], 'iss': self.issuer})}"
        if self.asks:
            return 200, {"Content-Type": "text/html"}, f'<a href="{escape(back)}">That is me</a>'.encode()
        return 302, {"Location": back}, b""

    def _exchange(self, form: dict[str, str], headers: Any) -> tuple[int, dict[str, str], bytes]:
        if _secret_of(form, headers) not in (None, SECRET):
            return 401, {}, b'{"error": "invalid_client"}'
        begun = self._codes.pop(form["code"], None)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).rstrip(b"=")
        if (
            begun is None
            or begun["code_challenge"] != challenge.decode()
            or begun["redirect_uri"] != form["redirect_uri"]
        ):
            return 400, {}, b'{"error": "invalid_grant", "error_description": "this code is not for you"}'
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 60, "nonce": begun["nonce"]}
        token = {"access_token": "opaque", "token_type": "Bearer", "id_token": self.forge({**claims, **self.person})}
        return 200, {}, orjson.dumps(token)


@cache
def _first_key() -> RSAKey:
    """One for each process: making them takes time."""
    return RSAKey.generate_key(2048, auto_kid=True)


def _secret_of(form: dict[str, str], headers: Any) -> str | None:
    """What the client has proved itself with; None where it has no secret."""
    basic = headers.get("Authorization", "").removeprefix("Basic ")
    return base64.b64decode(basic).decode().partition(":")[2] if basic else form.get("client_secret")


def _handler_of(provider: OpenIDProvider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # the library's name
            self._answer(urlsplit(self.path).query)

        def do_POST(self) -> None:  # the library's name
            self._answer(self.rfile.read(int(self.headers["Content-Length"])).decode())

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the library's name
            """Say nothing."""

        def _answer(self, given: str) -> None:
            query = {name: values[0] for name, values in parse_qs(given).items()}
            status, headers, body = provider.answer(unquote(urlsplit(self.path).path), query, self.headers)
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            with suppress(ConnectionError):  # who has read enough has gone
                self.end_headers()
                self.wfile.write(body)

    return Handler


def browser(store: Store, provider: OpenIDProvider, **console: Any) -> TestClient:
    """Somebody's."""
    return TestClient(make_app(settings_of(**provider.settings(**console)), store), follow_redirects=False)


def go_there(client: TestClient, place: str = "/decisions?user=u1") -> str:
    """Press the button, and let the provider answer: the address to which it sends the browser back."""
    page = client.get("/login", params={"next": place}).text
    sent = client.get(unescape(found(BUTTON, page)))
    assert sent.status_code == 303, sent.text
    answer = httpx2.get(sent.headers["location"], follow_redirects=False, trust_env=False)
    assert answer.status_code == 302
    return str(answer.headers["location"])


def sign_in(client: TestClient, place: str = "/decisions?user=u1") -> httpx2.Response:
    """The whole way."""
    return client.get(go_there(client, place))


def is_in(client: TestClient) -> bool:
    """Whether the browser has a session."""
    return client.get("/account").status_code == 200


def verbs(store: Store) -> list[str]:
    """What the audit log says that people did."""
    return [row["verb"] for row in rows_of(store, AUDIT)]
