"""Backtests: started from a draft, on an uploaded file, and read."""

import orjson

from engine.console.store.database import Store
from tests.console import START_MS
from tests.rules_console import FLOOD, SaidControl, rules_client, standing_of
from tests.unit.console.web.pages.test_rule_editor import begin

EVENTS = b"\n".join(
    orjson.dumps({"event_id": f"e{number}", "user_id": "<u1>", "type": "post", "ts": START_MS + number * 1_000})
    for number in range(30)
)


def test_a_draft_is_tried_on_an_uploaded_file(store: Store) -> None:
    client = rules_client(store, "analyst", SaidControl(standing_of({"flood.yaml": FLOOD})))
    form = begin(client)
    started = client.post("/backtests", data=form, files={"events": ("events.jsonl", EVENTS)})
    page = client.get(started.headers["location"]).text
    assert "30 events" in page
    assert "<u1>" not in page
    (told,) = client.get("/api/backtests").json()["backtests"]
    assert told["state"] == "done"
    assert [(rule["rule"], rule["met"]) for rule in told["comparison"]["rules"]] == [("flood", 20)]
    report = client.get(f"{started.headers['location']}/report")
    assert report.text.startswith("<!doctype html>")
    assert report.headers["content-disposition"].startswith("attachment")
    assert "done" in client.get("/backtests").text
    stopped = client.post(f"{started.headers['location']}/cancel")
    assert stopped.headers["location"] == started.headers["location"]
    assert "over before" in client.get(stopped.headers["location"]).text


def test_a_draft_with_errors_is_not_tried(store: Store) -> None:
    client = rules_client(store, "analyst", SaidControl(standing_of({"flood.yaml": FLOOD})))
    form = begin(client)
    client.post("/rules/edit/save", data={**form, "file": "flood.yaml", "text": "rules: 7"})
    assert client.post("/backtests", data={**form, "hours": "1"}).status_code == 409
    assert client.get("/backtests/nothing").status_code == 404


def test_others_only_look(store: Store) -> None:
    client = rules_client(store, "operator", SaidControl(standing_of({"flood.yaml": FLOOD})))
    assert client.get("/backtests").status_code == 200
    assert client.post("/backtests", data={"draft": "1"}).status_code == 403
