"""Signing in at an OpenID provider: a console, a provider behind a real port, and a browser that goes from one to the
other; and what others may try."""

import re
from pathlib import Path
from typing import Any

import httpx2
import orjson
import pytest
from starlette.testclient import TestClient

from engine.console.store import accounts, identities
from engine.console.store.accounts import MOST_FAILURES_OF_NAME
from engine.console.store.database import Store
from engine.console.store.own import ACCOUNTS, AUDIT, LOGIN_FAILURES, SESSIONS
from engine.console.web.app import make_app
from engine.console.web.headers import POLICY
from engine.errors import SettingsError
from tests.console import PASSWORD, START_MS, csrf_in, rows_of, settings_of
from tests.openid import SECRET, OpenIDProvider, browser, go_there, is_in, sign_in, verbs


def test_ann_comes_in_and_goes_on_to_where_she_wanted(store: Store, provider: OpenIDProvider) -> None:
    client = browser(store, provider)
    host = provider.issuer.split("/")[2]
    assert f"Sign in with {host}" in client.get("/login").text
    entered = sign_in(client)
    assert entered.status_code == 200
    assert '<meta http-equiv="refresh" content="0; url=/decisions?user=u1">' in entered.text
    assert entered.headers["content-security-policy"] == POLICY
    cookies = entered.headers.get_list("set-cookie")
    assert any("floodgate_session=" in one and "SameSite=strict" in one and "HttpOnly" in one for one in cookies)
    page = client.get("/account").text
    assert "ann (moderator)" in page
    assert "You have no password here" in page
    (entry,) = rows_of(store, AUDIT)
    assert (entry["account"], entry["verb"]) == ("ann", "signed in")
    assert orjson.loads(entry["detail"])["provider"] == host


def test_forms_work_as_in_any_session(store: Store, provider: OpenIDProvider) -> None:
    client = browser(store, provider)
    sign_in(client)
    assert client.post("/logout").status_code == 403
    assert client.post("/logout", data={"csrf_token": csrf_in(client.get("/account").text)}).status_code == 303
    assert not is_in(client)


def test_a_session_begins_under_a_new_token(store: Store, provider: OpenIDProvider) -> None:
    client = browser(store, provider)
    sign_in(client)
    old = client.cookies["floodgate_session"]
    sign_in(client)
    assert client.cookies["floodgate_session"] != old
    assert len(rows_of(store, SESSIONS)) == 1
    before = browser(store, provider)
    before.cookies.set("floodgate_session", old)
    assert not is_in(before)


@pytest.mark.parametrize("ways", [["client_secret_basic"], ["client_secret_post"], None])
def test_the_client_proves_who_it_is(
    store: Store, provider: OpenIDProvider, tmp_path: Path, ways: list[str] | None
) -> None:
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    provider.document = {"token_endpoint_auth_methods_supported": ways}
    client = browser(store, provider, oidc_client_secret_file=str(tmp_path / "secret"))
    assert sign_in(client).status_code == 200
    (tmp_path / "secret").write_text("another")
    refused = sign_in(client)
    assert (refused.status_code, "invalid_client" in refused.text) == (502, True)
    (tmp_path / "secret").unlink()
    with pytest.raises(SettingsError, match="oidc_client_secret_file"):
        browser(store, provider, oidc_client_secret_file=str(tmp_path / "secret"))


@pytest.mark.parametrize("place", ["https://bad.example/", "//bad.example", "/\\bad.example", "javascript:alert(1)"])
def test_nobody_is_sent_elsewhere_afterwards(store: Store, provider: OpenIDProvider, place: str) -> None:
    entered = sign_in(browser(store, provider), place)
    assert 'content="0; url=/"' in entered.text
    client = browser(store, provider)
    back = go_there(client)
    secret, _, _ = client.cookies["floodgate_openid"].partition(".")
    client.cookies.clear()
    client.cookies.set("floodgate_openid", f"{secret}.https%3A%2F%2Fbad.example")
    assert 'content="0; url=/"' in client.get(back).text


def test_an_answer_with_another_state_is_refused(store: Store, provider: OpenIDProvider) -> None:
    client = browser(store, provider)
    back = go_there(client)
    refused = client.get(re.sub("state=[^&]+", "state=other", back))
    assert (refused.status_code, "sign in again" in refused.text) == (403, True)
    assert not is_in(client)
    assert f"{provider.path}/token" not in provider.asked


def test_an_answer_counts_in_the_browser_that_began_alone(store: Store, provider: OpenIDProvider) -> None:
    back = go_there(browser(store, provider))
    victim = browser(store, provider)
    assert victim.get(back).status_code == 403
    go_there(victim)
    assert victim.get(back).status_code == 403
    assert not is_in(victim)


def test_a_code_counts_once(store: Store, provider: OpenIDProvider) -> None:
    client = browser(store, provider)
    back, cookie = go_there(client), client.cookies["floodgate_openid"]
    assert client.get(back).status_code == 200
    again = browser(store, provider)
    assert client.get(back).status_code == 403, "the attempt is over"
    again.cookies.set("floodgate_openid", cookie)
    refused = again.get(back)
    assert (refused.status_code, "invalid_grant" in refused.text) == (403, True), "and the provider knows it"
    assert not is_in(again)


def test_a_code_of_another_attempt_is_of_no_use(store: Store, provider: OpenIDProvider) -> None:
    client = browser(store, provider)
    (code,) = re.findall("code=([^&]+)", go_there(browser(store, provider)))
    refused = client.get(re.sub("code=[^&]+", f"code={code}", go_there(client)))
    assert (refused.status_code, is_in(client)) == (403, False)


def test_a_code_of_another_provider_is_not_sent_to_ours(store: Store, provider: OpenIDProvider) -> None:
    client = browser(store, provider)
    refused = client.get(re.sub("iss=[^&]+", "iss=https%3A%2F%2Fbad.example", go_there(client)))
    assert (refused.status_code, is_in(client)) == (403, False)
    assert f"{provider.path}/token" not in provider.asked


def test_only_who_has_an_account_comes_in(store: Store, provider: OpenIDProvider) -> None:
    provider.person["preferred_username"] = "eve"
    client = browser(store, provider)
    refused = sign_in(client)
    assert (refused.status_code, "floodgate console user add" in refused.text) == (403, True)
    assert not is_in(client)
    (entry,) = rows_of(store, AUDIT)
    assert (entry["account"], entry["verb"]) == ("eve", "failed to sign in")
    with store.write() as connection:
        accounts.change_account(connection, "ann", is_active=False)
    provider.person["preferred_username"] = "ann"
    assert "not active" in sign_in(client).text
    del provider.person["preferred_username"]
    assert "oidc_name_claim" in sign_in(client).text
    assert not is_in(client)


def test_an_account_with_a_password_is_not_had_by_its_name(store: Store, provider: OpenIDProvider) -> None:
    with store.write() as connection:
        accounts.add_account(connection, "root", "administrator", PASSWORD, START_MS)
    provider.person["preferred_username"] = "root"
    client = browser(store, provider)
    refused = sign_in(client)
    assert (refused.status_code, "signs in with a password" in refused.text, is_in(client)) == (403, True, False)
    with store.write() as connection:
        identities.leave_to_provider(connection, "root")
    assert sign_in(client).status_code == 200


def test_whoever_gets_a_name_later_gets_no_account_with_it(store: Store, provider: OpenIDProvider) -> None:
    client, other = browser(store, provider), browser(store, provider)
    sign_in(client)
    provider.person["sub"] = "s2"
    refused = sign_in(other)
    assert (refused.status_code, "somebody else" in refused.text, is_in(other)) == (403, True, False)
    with store.write() as connection:
        identities.leave_to_provider(connection, "ann")
    assert not is_in(client), "who it was is signed out"
    assert sign_in(other).status_code == 200


def test_groups_give_roles(store: Store, provider: OpenIDProvider) -> None:
    roles = {"trust-and-safety-leads": "senior", "trust-and-safety": "moderator"}
    client = browser(store, provider, oidc_roles_claim="groups", oidc_roles=roles)
    provider.person |= {"sub": "s9", "preferred_username": "bob", "groups": ["all", "trust-and-safety"]}
    assert sign_in(client).status_code == 200
    assert "bob (moderator)" in client.get("/account").text
    provider.person["groups"] = ["trust-and-safety", "trust-and-safety-leads"]
    assert sign_in(client).status_code == 200
    assert "bob (senior)" in client.get("/account").text, "the first of the settings counts"
    for groups in (["all"], [], None, {"trust-and-safety": 1}, 7):
        provider.person["groups"] = groups
        refused = sign_in(client)
        assert (refused.status_code, "none of the groups" in refused.text) == (403, True)
    provider.person |= {"sub": "s1", "preferred_username": "ann"}
    assert sign_in(client).status_code == 403, "an account alone is not enough then"
    assert verbs(store).count("gave a role") == 2
    assert [(row["name"], row["role"]) for row in rows_of(store, ACCOUNTS)] == [("ann", "moderator"), ("bob", "senior")]


def test_an_address_counts_once_it_is_verified(store: Store, provider: OpenIDProvider) -> None:
    with store.write() as connection:
        accounts.add_account(connection, "ann@example.com", "viewer", None, START_MS)
    client = browser(store, provider, oidc_name_claim="email", oidc_scopes=["openid", "email"])
    provider.person["email"] = "ann@example.com"
    assert sign_in(client).status_code == 403
    provider.person["email_verified"] = True
    assert sign_in(client).status_code == 200


def test_who_tries_too_often_has_to_wait(store: Store, provider: OpenIDProvider) -> None:
    client = browser(store, provider)
    provider.person["preferred_username"] = "eve"
    for _ in range(MOST_FAILURES_OF_NAME):
        assert sign_in(client).status_code == 403
    refused = sign_in(client)
    assert (refused.status_code, "wait for a quarter of an hour" in refused.text) == (429, True)
    provider.person["preferred_username"] = "ann"
    assert sign_in(client).status_code == 200, "others come in"


def test_from_an_address_that_has_failed_too_often_the_provider_is_not_asked(
    store: Store, provider: OpenIDProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accounts, "MOST_FAILURES_OF_ADDRESS", 2)
    client = browser(store, provider)
    for _ in range(2):
        client.get(re.sub("code=[^&]+", "code=guess", go_there(client)))
    back = go_there(client)
    asked = len(provider.asked)
    assert client.get(back).status_code == 429
    assert len(provider.asked) == asked


def test_what_the_provider_refuses_is_told(store: Store, provider: OpenIDProvider) -> None:
    provider.refuses = "access_denied"
    refused = sign_in(browser(store, provider))
    assert (refused.status_code, "access_denied &lt;b&gt;no&lt;/b&gt;" in refused.text) == (403, True)


@pytest.mark.parametrize(
    ("path", "answer", "says"),
    [
        ("/token", (503, {}, b""), "answered with 503"),
        ("/token", (200, {}, b"<html>"), "something else than a token"),
        ("/token", (200, {}, b"[]"), "something else than a token"),
        ("/token", (302, {"Location": "/realm/jwks"}, b""), "answered with 302"),
        ("/token", (200, {}, b" " * ((1 << 20) + 1)), "more than 1,048,576 bytes"),
        ("/jwks", (302, {"Location": "/realm/token"}, b""), "answered with 302"),
        ("/jwks", (500, {}, b""), "answered with 500"),
        ("/jwks", (200, {}, b"[]"), "something else than JSON"),
    ],
)
def test_a_provider_with_troubles_counts_against_nobody(
    store: Store, provider: OpenIDProvider, path: str, answer: Any, says: str
) -> None:
    provider.answers[provider.path + path] = answer
    client = browser(store, provider)
    refused = sign_in(client)
    assert (refused.status_code, says in refused.text) == (502, True), refused.text
    assert not is_in(client)
    assert rows_of(store, LOGIN_FAILURES) == []


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ({"issuer": "https://bad.example"}, "oidc_issuer"),
        ({"authorization_endpoint": "https://bad.example/authorize"}, "oidc_hosts"),
        ({"authorization_endpoint": "javascript:alert(1)"}, "oidc_hosts"),
        ({"authorization_endpoint": None}, "oidc_hosts"),
    ],
)
def test_a_provider_that_points_elsewhere_is_not_followed(
    store: Store, provider: OpenIDProvider, document: dict[str, Any], says: str
) -> None:
    provider.document = document
    refused = browser(store, provider).get("/login/openid")
    assert (refused.status_code, says in refused.text) == (502, True)


@pytest.mark.parametrize("endpoint", ["token_endpoint", "jwks_uri"])
def test_another_host_is_asked_where_settings_name_it(store: Store, provider: OpenIDProvider, endpoint: str) -> None:
    """Nothing is sent to others, least of all a code."""
    with OpenIDProvider("localhost") as other:
        other.answer = provider.answer  # type: ignore[method-assign]  # it is the same, at another address
        path = endpoint.removesuffix("_endpoint").replace("jwks_uri", "jwks")
        host = other.issuer.split("/")[2]
        provider.document = {endpoint: f"http://{host}{provider.path}/{path}"}
        refused = sign_in(browser(store, provider))
        assert (refused.status_code, "oidc_hosts" in refused.text) == (502, True)
        assert sign_in(browser(store, provider, oidc_hosts=[host])).status_code == 200


def test_people_come_back_to_the_public_address(store: Store, provider: OpenIDProvider) -> None:
    def address(**console: Any) -> str:
        sent = browser(store, provider, **console).get("/login/openid")
        return httpx2.URL(sent.headers["location"]).params["redirect_uri"]

    assert address() == "http://testserver/login/openid/return"
    assert address(secure_cookies=True) == "https://testserver/login/openid/return"
    assert address(public_url="https://console.example/") == "https://console.example/login/openid/return"


def test_without_a_provider_there_is_no_button_and_no_way(store: Store) -> None:
    client = TestClient(make_app(settings_of(), store), follow_redirects=False)
    assert "Sign in with" not in client.get("/login").text
    assert client.get("/login/openid").status_code == 404
    assert client.get("/login/openid/return").status_code == 404


def test_while_the_provider_is_away_passwords_work(store: Store) -> None:
    with OpenIDProvider() as gone:
        pass
    client = browser(store, gone)
    page = client.get("/login/openid")
    assert (page.status_code, "sign in with a password" in page.text, 'name="password"' in page.text) == (
        502,
        True,
        True,
    )
