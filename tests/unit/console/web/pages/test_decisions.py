"""Decisions on pages: what attackers wrote stays text, and pages find what they are asked for."""

import csv
import io
import re

import pytest

from engine.console.store.database import Store
from tests.console import START_MS, add_action, add_decision, add_event, add_label, sign_in, without_tokens

EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'{{ 777 * 777 }}\u202e\x1b[2J"


def test_a_decision_is_shown_with_all_that_belongs_to_it(store: Store) -> None:
    add_event(store, 1, text="buy now", device_id="d1")
    add_decision(store, 1, rule="flood", scores={"spam": 0.75}, contributions={"spam": [["text buy", 1.5]]})
    add_action(store, 1)
    add_label(store, 1, "spam", "e1", "mod-7")
    page = sign_in(store, "administrator").get("/decisions/1").text
    for shown in ("posts_1m &gt; 10", "0.750", "text buy", "mod-7", "buy now", "/people/device_id?value=d1", "Revoke"):
        assert shown in page


def test_what_an_attacker_wrote_is_text_everywhere(store: Store) -> None:
    add_event(store, 1, user_id=EVIL, text=EVIL, device_id=EVIL, **{EVIL: EVIL})
    add_decision(store, 1, EVIL, "flood")
    add_action(store, 1, EVIL)
    client = sign_in(store, "administrator")
    pages = ["/decisions", "/decisions/1", "/queue", "/people/user_id", "/people/device_id", "/", "/decisions.csv"]
    for path in pages:
        response = client.get(path, params={"value": EVIL} if "people" in path else {})
        assert response.status_code == 200, path
        if path != "/decisions.csv":
            assert "<script>alert" not in response.text
            assert "<img src=x" not in response.text
        assert str(777 * 777) not in response.text
        shown = re.sub(r'value="[^"]*"', "", response.text)  # what a form sends back is as it was
        assert "\u202e" not in shown or path == "/decisions.csv"


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("since=yesterday", "is a time such as"),
        ("score=high", "is a number"),
        ("entity=d1", "kind:value"),
        ("limit=100000", "between 1 and 500"),
        ("before=x", "the page before"),
        (f"user_id={'x' * 10_001}", "at most"),
    ],
)
def test_a_wrong_question_is_told_what_is_wrong(store: Store, query: str, says: str) -> None:
    client = sign_in(store, "viewer")
    for path in ("/decisions", "/api/decisions"):
        response = client.get(f"{path}?{query}")
        assert (response.status_code, says in response.text) == (400, True), response.text


def test_a_search_is_asked_by_its_address_saved_and_dropped(store: Store) -> None:
    for number in range(3):
        add_decision(store, number, f"u{number}", "flood")
    client = sign_in(store, "viewer")
    page = client.get("/decisions?rule=flood&limit=2").text
    assert ">e2<" in page
    assert ">e0<" not in page
    assert "/decisions?rule=flood&amp;before=" in page
    assert client.get("/api/decisions?user_id=u1").json()["decisions"][0]["event_id"] == "e1"
    assert client.get(f"/api/decisions?until={START_MS + 1}").json()["decisions"][0]["event_id"] == "e0"
    client.post("/searches", data={"name": "floods", "query": "rule=flood"})
    assert '<a href="/decisions?rule=flood">floods</a>' in client.get("/decisions").text
    client.post("/searches/drop", data={"name": "floods"})
    assert "floods" not in without_tokens(client.get("/decisions").text)


def test_a_file_has_all_that_was_found_and_nothing_that_a_spreadsheet_executes(store: Store) -> None:
    for number in range(3):
        add_decision(store, number, "=cmd()", "flood")
    lines = sign_in(store, "viewer").get("/decisions.csv?rule=flood").text.splitlines()
    assert len(lines) == 4
    assert lines[1].startswith("e2,'=cmd(),")


@pytest.mark.parametrize("begins", ["=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20"])
def test_no_text_of_a_file_is_a_formula(store: Store, begins: str) -> None:
    add_decision(store, 1, f"{begins}cmd()", "flood")
    text = sign_in(store, "viewer").get("/decisions.csv").text
    ((_, user_id, *_),) = list(csv.reader(io.StringIO(text, newline="")))[1:]
    assert user_id == f"'{begins}cmd()"


def test_what_is_not_there_is_not_found(store: Store) -> None:
    client = sign_in(store, "viewer")
    assert client.get("/decisions/9").status_code == 404
    assert client.get("/api/decisions/9").status_code == 404
