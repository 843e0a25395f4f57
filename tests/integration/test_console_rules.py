"""A rule's way in the console, on a broker: drafted, checked, tried on recorded events, pushed, in use."""

import re
from pathlib import Path

from starlette.testclient import TestClient

from engine.console.outgoing.dispatcher import Dispatcher
from engine.console.store import accounts
from engine.console.store.database import Store
from engine.console.store.own import OUTGOING
from engine.console.web.app import make_app
from engine.console.web.visits import Console
from engine.stream.control.rulebooks import read_in_use, read_paused
from tests.console import PASSWORD, START_MS, csrf_in, open_store, rows_of, token_in
from tests.events import random_events
from tests.system import RULEBOOKS, System

FLOOD = RULEBOOKS / "flood"
EVENTS = random_events(2_000, seed=5)
TESTED = """version: 1
counters:
  likes_1h: {count: like, by: user_id, over: 1h}
rules:
  many_likes:
    event: like
    when: [likes_1h > 3]
    then: {flag: likes}
    mode: shadow
    tests:
      - {send: {type: like}, times: 5, every: 1s, fires_at: [4, 5]}
"""


def signed_in(system: System, store: Store) -> TestClient:
    """An analyst, in front of the topics."""
    with store.write() as connection:
        accounts.add_account(connection, "ann", "analyst", PASSWORD, START_MS)
    client = TestClient(make_app(system.settings, store), follow_redirects=False)
    token = token_in(client.get("/login").text)
    client.post("/login", data={"name": "ann", "password": PASSWORD, "token": token, "next": ""})
    client.headers["x-csrf-token"] = csrf_in(client.get("/account").text)
    return client


def seen(client: TestClient, place: str) -> dict[str, str]:
    """A draft, as forms name it."""
    page = client.get(place).text
    return {name: re.findall(f'name="{name}" value="(\\d+)"', page)[0] for name in ("draft", "changed_ms")}


def test_a_draft_comes_into_use(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    with System(tmp_path) as system:
        system.push_rules(FLOOD)
        system.publish(EVENTS)
        client = signed_in(system, store)
        console: Console = client.app.state.console  # type: ignore[attr-defined]  # Starlette's
        try:
            _draft_and_push(client, console)
            (row,) = rows_of(store, OUTGOING)
            assert (row["kind"], row["author"], row["state"]) == ("push", "ann", "waiting")
            assert client.post("/rules/post_flood/pause", data={"note": "a test"}).status_code == 303
            dispatcher = Dispatcher(system.settings, store)
            while dispatcher.step():
                pass
            in_use = read_in_use(system.settings)
            assert in_use is not None
            assert "many_likes" in {rule.name for rule in in_use[1].rules}
            assert (in_use[0].author, in_use[0].note) == ("ann", "likes are bought")
            assert list(read_paused(system.settings)) == ["post_flood"]
        finally:
            console.close()
            store.close()


def _draft_and_push(client: TestClient, console: Console) -> None:
    assert "fan_out" in client.get("/rules").text
    form = seen(client, client.post("/rules/edit").headers["location"])
    wrong = {"text": TESTED.replace("likes_1h > 3", "likes_2h > 3"), "file": "likes.yaml", "draft": form["draft"]}
    found = client.post("/rules/check", json=wrong).json()["diagnostics"]
    assert [finding["line"] for finding in found if finding["severity"] == "error"] == [7]

    saved = client.post("/rules/edit/save", data={**form, "file": "likes.yaml", "text": TESTED})
    form = seen(client, saved.headers["location"])
    assert "2 pass, 0 fail" in client.post("/rules/edit/tests", data=form).text

    started = client.post("/backtests", data={**form, "hours": "24"})
    console.jobs.wait()
    page = client.get(started.headers["location"]).text
    assert f"{len(EVENTS):,} events" in page
    assert "many_likes" in page
    (told,) = client.get("/api/backtests").json()["backtests"]
    assert told["comparison"]["concerned"][0]["newly_count"] == 0

    assert "added rule many_likes" in client.get(f"/rules/plan?draft={form['draft']}").text
    assert client.post("/rules/push", data={**form, "note": "likes are bought"}).status_code == 303
