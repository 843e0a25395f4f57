"""The gate: who may do what, where forms come from, and what browsers are told."""

import re
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from engine.console.store import accounts
from engine.console.store.accounts import MOST_FAILURES_OF_NAME
from engine.console.store.database import Store
from engine.console.store.own import AUDIT
from engine.console.store.roles import Role
from engine.console.web.access import ACCESS
from engine.console.web.app import MAX_BODY_BYTES, MAX_STRANGERS_BYTES, make_app
from engine.console.web.headers import POLICY
from engine.console.web.pages import PAGES
from engine.console.web.visits import Page
from engine.settings import Settings
from tests.console import PASSWORD, START_MS, add_case, csrf_in, rows_of, settings_of, sign_in, token_in

GUARDED = [page for page in PAGES if not page.is_open]
CHANGING = [page for page in GUARDED if page.method == "POST"]
ELSEWHERE = ["https://bad.example/", "//bad.example", "/\\bad.example", "javascript:alert(1)", "/a\nb"]


def path_of(page: Page) -> str:
    """A path of a route, that names nothing that is there."""
    return re.sub(r"{\w+:int}", "999", re.sub(r"{\w+}", "nothing", page.path))


def outside(store: Store, settings: Settings | None = None) -> TestClient:
    return TestClient(make_app(settings or Settings(), store), follow_redirects=False)


def test_every_route_says_who_may_use_it_and_nothing_else_is_said() -> None:
    assert {page.name for page in PAGES if not page.is_open} == ACCESS.keys()
    assert all(Role.ADMINISTRATOR in roles for roles in ACCESS.values())


@pytest.mark.parametrize("page", GUARDED, ids=lambda page: page.name)
def test_nobody_gets_in_without_an_account(store: Store, page: Page) -> None:
    response = outside(store).request(page.method, path_of(page))
    if page.is_api:
        assert (response.status_code, "sign in" in response.json()["error"]) == (401, True)
    else:
        assert (response.status_code, response.headers["location"][:12]) == (303, "/login?next=")


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMINISTRATOR])
def test_each_role_may_do_what_the_table_says_and_no_more(store: Store, role: Role) -> None:
    client = sign_in(store, role)
    for page in PAGES:
        if page.is_open or role in ACCESS[page.name]:
            continue
        response = client.request(page.method, path_of(page))
        assert response.status_code == 403, page.name
        assert "may not do this" in response.text


@pytest.mark.parametrize(
    "page", [page for page in PAGES if page.method == "POST" and not page.is_open], ids=lambda page: page.name
)
def test_what_changes_something_comes_from_our_own_forms(store: Store, page: Page) -> None:
    client = sign_in(store, "administrator")
    del client.headers["x-csrf-token"]
    response = client.post(path_of(page), data={"csrf_token": "guessed"})
    assert response.status_code == 403
    assert "not from your session" in response.text


@pytest.mark.parametrize("path", ["/login", "/healthz", "/", "/nothing", "/api/decisions", "/assets/console.css"])
def test_each_answer_forbids_what_is_not_ours(store: Store, path: str) -> None:
    response = outside(store).get(path)
    assert response.headers["content-security-policy"] == POLICY
    assert "unsafe" not in POLICY
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["cache-control"] == "no-store"


def test_a_session_is_new_at_each_sign_in_and_its_cookie_is_for_us_alone(store: Store) -> None:
    sign_in(store, "viewer")
    client = outside(store, settings_of(secure_cookies=True))
    client.cookies.set("floodgate_session", "chosen-by-somebody-else")
    token = token_in(client.get("/login").text)
    response = client.post(
        "/login", data={"name": "viewer", "password": PASSWORD, "token": token, "next": "/decisions"}
    )
    cookie = next(value for value in response.headers.get_list("set-cookie") if value.startswith("floodgate_session"))
    assert "chosen-by-somebody-else" not in cookie
    assert all(word in cookie for word in ("HttpOnly", "SameSite=strict", "Secure"))
    assert response.headers["location"] == "/decisions"


@pytest.mark.parametrize(
    "place", ["https://bad.example/", "//bad.example", "/\\bad.example", "javascript:alert(1)", "/a\nb"]
)
def test_nobody_is_led_elsewhere(store: Store, place: str) -> None:
    sign_in(store, "viewer")
    client = outside(store)
    token = token_in(client.get("/login").text)
    response = client.post("/login", data={"name": "viewer", "password": PASSWORD, "token": token, "next": place})
    assert (response.status_code, response.headers["location"]) == (303, "/")


def test_who_guesses_has_to_wait_and_is_written_down(store: Store) -> None:
    sign_in(store, "viewer")
    client = outside(store)
    for _ in range(MOST_FAILURES_OF_NAME):
        token = token_in(client.get("/login").text)
        assert client.post("/login", data={"name": "viewer", "password": "guess", "token": token}).status_code == 401
    token = token_in(client.get("/login").text)
    right = client.post("/login", data={"name": "viewer", "password": PASSWORD, "token": token})
    assert right.status_code == 429
    assert [row["verb"] for row in rows_of(store, AUDIT)].count("failed to sign in") == MOST_FAILURES_OF_NAME


def test_many_guesses_at_once_are_as_many(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    sign_in(store, "viewer")
    client, before, looked_at = outside(store), accounts.is_password, list[str]()

    def guess(password: str) -> int:
        token = token_in(client.get("/login").text)
        return client.post("/login", data={"name": "viewer", "password": password, "token": token}).status_code

    def is_password(account: Any, password: str) -> bool:
        looked_at.append(password)
        if len(looked_at) <= MOST_FAILURES_OF_NAME:
            guess("another, while this one is looked at")
        return before(account, password)

    monkeypatch.setattr(accounts, "is_password", is_password)
    guess("guess")
    assert len(looked_at) == MOST_FAILURES_OF_NAME


def test_who_has_somebodys_session_cannot_try_passwords_for_ever(store: Store) -> None:
    client = sign_in(store, "viewer")
    tried = [client.post("/account/password", data={"old": "guess", "new": "x" * 20}).status_code for _ in range(6)]
    assert tried == [400] * MOST_FAILURES_OF_NAME + [429]
    assert client.post("/account/password", data={"old": PASSWORD, "new": "x" * 20}).status_code == 429


def test_the_form_to_sign_in_is_ours_too(store: Store) -> None:
    sign_in(store, "viewer")
    client = outside(store)
    client.get("/login")
    assert client.post("/login", data={"name": "viewer", "password": PASSWORD, "token": "other"}).status_code == 403


def test_programs_have_tokens_and_need_no_form(store: Store) -> None:
    with store.write() as connection:
        token = accounts.add_token(connection, "exporter", "moderator", "ann", START_MS, None)
    client = outside(store)
    client.headers["authorization"] = f"Bearer {token}"
    assert client.get("/api/decisions").json()["decisions"] == []
    assert client.post("/api/queue/next", json={}).json() == {"event_id": None}
    assert client.get("/api/audit").status_code == 403
    client.headers["authorization"] = "Bearer fg_guess"
    assert client.get("/api/decisions").status_code == 401


def test_a_proxy_is_believed_only_where_settings_name_its_headers(store: Store) -> None:
    headers = {"x-user": "ann", "x-role": "analyst"}
    assert outside(store).get("/decisions", headers=headers).status_code == 303
    trusting = outside(store, settings_of(proxy_user_header="x-user", proxy_role_header="x-role"))
    page = trusting.get("/decisions", headers=headers)
    assert "ann (analyst)" in page.text
    assert trusting.post("/notes", headers=headers, data={"kind": "rule"}).status_code == 403, "without a form's token"
    unknown = outside(store, settings_of(proxy_user_header="x-user")).get("/decisions", headers=headers)
    assert (unknown.status_code, "has no role here" in unknown.text) == (403, True)


def test_who_is_not_active_does_not_come_in_by_a_proxy_either(store: Store) -> None:
    with store.write() as connection:
        for name in ("ann", "bob"):
            accounts.add_account(connection, name, "viewer", None, START_MS)
        accounts.change_account(connection, "ann", is_active=False)
        accounts.change_account(connection, "bob", areas="spam")
    client = outside(store, settings_of(proxy_user_header="x-user", proxy_role_header="x-role"))
    refused = client.get("/decisions", headers={"x-user": "ann", "x-role": "administrator"})
    assert (refused.status_code, "is not active" in refused.text) == (403, True)
    for number, area in ((1, "spam"), (2, "ads")):
        add_case(store, number, area=area)
    person = {"x-user": "bob", "x-role": "moderator"}
    person["x-csrf-token"] = csrf_in(client.get("/account", headers=person).text)
    assert client.post("/api/queue/next", json={}, headers=person).json()["event_id"] == "e1"
    assert client.post("/api/queue/next", json={}, headers=person).json()["event_id"] == "e1", "e2 is none of theirs"


def test_what_is_too_long_or_no_json_is_refused(store: Store) -> None:
    client = sign_in(store, "moderator")
    assert client.post("/notes", data={"text": "x" * (MAX_BODY_BYTES + 1)}).status_code == 413
    assert outside(store).post("/login", data={"name": "x" * (MAX_STRANGERS_BYTES + 1)}).status_code == 413
    response = client.post("/api/queue/verdict", content=b"{", headers={"content-type": "application/json"})
    assert (response.status_code, "no JSON" in response.json()["error"]) == (400, True)


@pytest.mark.parametrize("path", [
    f"/decisions/{10**30}", f"/decisions?since={10**30}", f"/decisions?before={10**30}.{10**20}",
    f"/api/decisions?before={'9' * 5_000}.1", f"/decisions.parquet?until={10**40}",
])  # fmt: skip
def test_numbers_beyond_all_bounds_are_told_to_be_wrong(store: Store, path: str) -> None:
    assert sign_in(store, "viewer").get(path).status_code in (400, 404)


def test_a_verdict_of_a_number_beyond_all_bounds_is_none(store: Store) -> None:
    client = sign_in(store, "moderator")
    for way in ("undo", "retract"):
        assert client.post(f"/api/queue/{way}", json={"verdict": 2**64 - 1}).status_code == 400


def test_health_is_told_to_everybody(store: Store) -> None:
    assert outside(store).get("/healthz").text == "ok\n"


def test_the_api_describes_itself(store: Store) -> None:
    document = sign_in(store, "viewer").get("/api/openapi.json").json()
    assert set(document["paths"]) == {re.sub(r":int", "", page.path) for page in PAGES if page.is_api}
    assert document["paths"]["/api/decisions"]["get"]["parameters"]


def test_metrics_are_told(store: Store) -> None:
    page = sign_in(store, "viewer").get("/metrics").text
    assert 'floodgate_console_outgoing{state="failed"} 0.0' in page


def test_signing_out_ends_the_session(store: Store) -> None:
    client = sign_in(store, "viewer")
    assert client.post("/logout").status_code == 303
    assert client.get("/decisions").status_code == 303


def test_a_new_password_ends_all_sessions(store: Store) -> None:
    client, other = sign_in(store, "viewer"), sign_in(store, "viewer")
    assert client.post("/account/password", data={"old": "wrong", "new": "x" * 20}).status_code == 400
    assert client.post("/account/password", data={"old": PASSWORD, "new": "short"}).status_code == 400
    assert client.post("/account/password", data={"old": PASSWORD, "new": "x" * 20}).status_code == 303
    assert (client.get("/decisions").status_code, other.get("/decisions").status_code) == (303, 303)


def test_templates_have_nothing_inline() -> None:
    """Our policy forbids it, and browsers would drop it in silence."""
    templates = Path(make_app.__code__.co_filename).parent / "templates"
    for path in templates.rglob("*.html"):
        text = path.read_text("utf-8")
        assert not re.search(r"\sstyle=|\son\w+=|<style|javascript:|\|safe", text), path
        assert re.findall(r"<script(?! src=| type=\"application/json\")", text) == [], path
