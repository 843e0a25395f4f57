"""Requests to the provider: to whom they go, and what they stop at."""

import ssl
from collections.abc import Iterator
from threading import Event, Thread
from urllib.parse import urlsplit

import pytest
import trustme
from authlib.oauth2.auth import ClientAuth

from engine.console.openid import session
from engine.console.openid.session import Session
from engine.errors import RequestError
from tests.openid import OpenIDProvider


@pytest.fixture
def provider() -> Iterator[OpenIDProvider]:
    """One that answers."""
    with OpenIDProvider() as running:
        yield running


def session_with(provider: OpenIDProvider) -> Session:
    """That may ask it alone."""
    return Session([urlsplit(provider.issuer).netloc])


@pytest.mark.parametrize(
    "url",
    [
        "https://other.example/", "https://id.example:8443/", "https://id.example@other.example/", "file:///etc/passwd",
        "https://id.example.other.example/", "//id.example/", "javascript:alert(1)", "https://[", "", None, 7,
        "http://id.example/", "ftp://id.example/",
    ],
)  # fmt: skip
def test_nobody_else_is_asked(url: object) -> None:
    with pytest.raises(RequestError, match="names an address"):
        Session(["id.example"]).check(url)


def test_hosts_are_compared_without_their_case() -> None:
    assert Session(["ID.example"]).check("https://id.EXAMPLE/keys") == "https://id.EXAMPLE/keys"


def test_a_redirect_is_not_followed(provider: OpenIDProvider) -> None:
    provider.answers["/realm/away"] = (302, {"Location": f"{provider.issuer}/jwks"}, b"")
    with pytest.raises(RequestError, match="answered with 302"):
        session_with(provider).get(f"{provider.issuer}/away")
    assert provider.asked == ["/realm/away"]


def test_a_form_is_sent_with_the_proof_of_the_client(provider: OpenIDProvider) -> None:
    auth = ClientAuth("client", "guess", "client_secret_post")
    answer = session_with(provider).post(f"{provider.issuer}/token", {"code": "é&"}, {}, auth)
    assert (answer.status_code, answer.json()) == (401, {"error": "invalid_client"})


def test_what_is_too_long_or_drips_is_given_up(provider: OpenIDProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    provider.answers["/realm/long"] = (200, {}, b" " * (session.MAX_BYTES + 1))
    with pytest.raises(RequestError, match="more than 1,048,576 bytes"):
        session_with(provider).get(f"{provider.issuer}/long")
    monkeypatch.setattr(session, "LONGEST_S", -1.0)
    with pytest.raises(RequestError, match="took longer"):
        session_with(provider).get(f"{provider.issuer}/jwks")


def test_who_does_not_answer_is_given_up(provider: OpenIDProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "TIMEOUT_S", 0.05)
    over = Event()
    provider.answer = lambda *_: (over.wait(30), (200, {}, b"{}"))[1]  # type: ignore[method-assign]  # it hangs
    with pytest.raises(RequestError, match="timed out"):
        session_with(provider).get(f"{provider.issuer}/jwks")
    over.set()


def test_a_provider_that_hangs_holds_some_threads_and_no_more(
    provider: OpenIDProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "MOST_AT_ONCE", 1)
    asked, over = Event(), Event()

    def hang(*_: object) -> tuple[int, dict[str, str], bytes]:
        asked.set()
        over.wait(30)
        return 200, {}, b"{}"

    provider.answer = hang  # type: ignore[method-assign, assignment]  # it hangs
    shared = session_with(provider)
    thread = Thread(target=shared.get, args=(f"{provider.issuer}/jwks",))
    thread.start()
    asked.wait(30)
    with pytest.raises(RequestError, match="too many people") as caught:
        shared.get(f"{provider.issuer}/jwks")
    assert caught.value.status == 503
    over.set()
    thread.join()
    assert shared.get(f"{provider.issuer}/jwks") == {}


def test_a_certificate_of_nobody_known_is_refused() -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with OpenIDProvider(tls=context) as provider, pytest.raises(RequestError, match="certificate"):
        session_with(provider).get(f"{provider.issuer}/jwks")


def test_one_of_a_known_authority_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with authority.cert_pem.tempfile() as path, OpenIDProvider(tls=context) as provider:
        monkeypatch.setenv("SSL_CERT_FILE", path)
        assert session_with(provider).get(f"{provider.issuer}/jwks")["keys"]


def test_a_proxy_of_the_environment_is_for_tls_alone(provider: OpenIDProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert session_with(provider).get(f"{provider.issuer}/jwks")["keys"]
