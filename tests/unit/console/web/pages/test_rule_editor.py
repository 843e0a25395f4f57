"""Drafts: written, checked, dropped; and the routes that only some may use."""

import re

import pytest
from starlette.testclient import TestClient

from engine.console.store import drafts
from engine.console.store.database import Store
from engine.console.store.drafts import Draft
from tests.console import add_decision, add_event
from tests.rules_console import FLOOD, SaidControl, rules_client, standing_of

SOURCES = {"flood.yaml": FLOOD}
FORM = {
    "name": "many_links", "event": "post", "counted": "count", "field": "", "by": "user_id", "over": "1h",
    "more_than": "20", "further": "", "action": "limit", "scope": "posting", "lasts": "1h", "mode": "shadow",
    "reason": "links",
}  # fmt: skip


def begin(client: TestClient) -> dict[str, str]:
    """A draft's number, and when it was changed, as forms send them."""
    location = client.post("/rules/edit").headers["location"]
    return seen(client, location)


def seen(client: TestClient, location: str) -> dict[str, str]:
    """The same of a draft that is there."""
    page = client.get(location).text
    return {name: re.findall(f'name="{name}" value="(\\d+)"', page)[0] for name in ("draft", "changed_ms")}


def kept(store: Store, form: dict[str, str]) -> Draft:
    """The draft in the store."""
    with store.read() as connection:
        return drafts.find(connection, int(form["draft"]))


def test_a_file_is_saved_and_an_emptied_one_goes(store: Store) -> None:
    client = rules_client(store, "analyst", SaidControl(standing_of(SOURCES)))
    form = begin(client)
    saved = client.post("/rules/edit/save", data={**form, "file": "more.yaml", "text": "version: 1\r\nrules:\r\n"})
    assert kept(store, form).files["more.yaml"] == "version: 1\nrules:\n"
    form = seen(client, saved.headers["location"])
    client.post("/rules/edit/save", data={**form, "file": "more.yaml", "text": " "})
    assert kept(store, form).files == SOURCES


def test_what_somebody_else_has_changed_is_not_overwritten(store: Store) -> None:
    client = rules_client(store, "analyst", SaidControl(standing_of(SOURCES)))
    form = begin(client)
    edit = {**form, "file": "flood.yaml", "text": "version: 1\n"}
    assert client.post("/rules/edit/save", data=edit).status_code == 303
    assert client.post("/rules/edit/save", data=edit).status_code == 409


@pytest.mark.parametrize("name", ["../x.yaml", "/etc/x.yaml", "x.py", "a//b.yaml", "\x07.yaml", "a/../b.yaml"])
def test_files_stay_in_the_rulebook(store: Store, name: str) -> None:
    client = rules_client(store, "analyst", SaidControl(standing_of(SOURCES)))
    assert client.post("/rules/edit/save", data={**begin(client), "file": name, "text": "x"}).status_code == 400


def test_the_form_writes_a_rule_that_the_engine_takes(store: Store) -> None:
    client = rules_client(store, "analyst", SaidControl(standing_of(SOURCES)))
    form = begin(client)
    assert client.post("/rules/edit/form", data={**form, **FORM}).status_code == 303
    assert "many_links_counted > 20" in kept(store, form).files["many_links.yaml"]
    form = seen(client, f"/rules/edit?draft={form['draft']}")
    refused = client.post("/rules/edit/form", data={**form, **FORM, "name": "bad", "further": "nothing_known > 3"})
    assert refused.status_code == 400
    assert "nothing_known" in refused.text


def test_findings_have_their_places(store: Store) -> None:
    client = rules_client(store, "analyst", SaidControl(standing_of(SOURCES)))
    form = begin(client)
    wrong = FLOOD.replace("posts_1m > 10", "posts_2m > 10")
    asked = {"text": wrong, "file": "flood.yaml", "draft": form["draft"]}
    found = client.post("/rules/check", json=asked).json()["diagnostics"]
    errors = [finding for finding in found if finding["severity"] == "error"]
    assert [(error["line"], "posts_1m" in error["message"]) for error in errors] == [(9, True)]
    whole = client.post("/api/rules/check", json={"files": SOURCES}).json()
    assert whole["rulebook"] == standing_of(SOURCES).version.id  # type: ignore[union-attr]
    assert [test["problem"] for test in whole["tests"]] == [""]


def test_a_failing_test_tells_why(store: Store) -> None:
    client = rules_client(store, "analyst", SaidControl(standing_of(SOURCES)))
    asked = {**begin(client), "file": "flood.yaml", "text": FLOOD.replace("fires_at: [11, 12]", "fires_at: [9]")}
    page = client.post("/rules/edit/tests", data=asked, headers={"hx-request": "true"}).text
    assert "0 pass, 1 fail" in page
    assert "posts_1m = 9" in page


@pytest.mark.parametrize("body", [[], {"text": 7}, {"files": ["x"]}, {"files": {"a": 1}}, {}])
def test_what_is_no_rulebook_is_refused(store: Store, body: object) -> None:
    client = rules_client(store, "analyst", SaidControl(standing_of(SOURCES)))
    assert client.post("/rules/check", json=body).status_code == 400


def test_too_much_is_refused(store: Store) -> None:
    client = rules_client(store, "analyst", SaidControl(standing_of(SOURCES)))
    assert client.post("/rules/check", json={"text": "x" * 3_000_000, "file": "x.yaml"}).status_code == 413
    assert client.post("/rules/check", json={"text": "x" * 5_000_000, "file": "x.yaml"}).status_code == 413


def test_a_rule_like_a_decision_begins_a_draft(store: Store) -> None:
    add_event(store, 1, device_id="d1\u2028'\"")
    add_decision(store, 1, rule="flood")
    client = rules_client(store, "analyst", SaidControl(standing_of(SOURCES)))
    assert "posts_1m &gt; 10" in client.get("/rules/like?decision=1").text
    form = seen(client, client.post("/rules/like", data={"decision": "1"}).headers["location"])
    checked = client.post("/api/rules/check", json={"files": dict(kept(store, form).files)}).json()
    assert checked["rulebook"] is not None
    assert client.get("/rules/like?decision=77").status_code == 404


def test_a_dropped_draft_is_over(store: Store) -> None:
    client = rules_client(store, "analyst", SaidControl(standing_of(SOURCES)))
    form = begin(client)
    assert "Draft 1" in client.get("/rules/edit").text
    assert client.post("/rules/edit/drop", data=form).status_code == 303
    assert client.post("/rules/edit/save", data={**form, "file": "a.yaml", "text": "x"}).status_code == 409
    assert "Draft 1" not in client.get("/rules/edit").text.replace("Draft 1 is dropped", "")


@pytest.mark.parametrize("role", ["viewer", "moderator", "senior", "operator"])
def test_only_analysts_and_administrators_edit(store: Store, role: str) -> None:
    client = rules_client(store, role, SaidControl(standing_of(SOURCES)))
    assert client.get("/rules/edit").status_code == 403
    assert client.post("/rules/check", json={"text": "x"}).status_code == 403
    assert client.get("/rules/schema.json").status_code == 200
