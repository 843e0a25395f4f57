"""The rules in use, as pages and the API show them, and how they are stopped."""

from dataclasses import replace

import orjson
import pytest

from engine.console.store.database import Store
from engine.console.store.own import AUDIT, OUTGOING
from engine.stream.handlers.messages import Pause
from tests.console import START_MS, add_decision, add_label, rows_of
from tests.rules_console import FLOOD, SaidControl, rules_client, standing_of

SOURCES = {"flood.yaml": FLOOD}


def test_a_rule_is_told_with_its_hits_and_its_precision(store: Store) -> None:
    for number in range(5):
        event_id = add_decision(store, number, rule="flood")
        add_label(store, number, "spam" if number < 3 else "ham", event_id)
    client = rules_client(store, "viewer", SaidControl(standing_of(SOURCES)))
    (rule,) = client.get("/api/rules").json()["rules"]
    assert (rule["name"], rule["hits"], rule["mode"], rule["owner"]) == ("flood", 5, "enforce", "safety")
    assert rule["precision"]["share"] == 0.6
    assert rule["precision"]["low"] < 0.6 < rule["precision"]["high"]
    page = client.get("/rules").text
    assert "60.0 %" in page
    assert "suspend user for 1h" in page


def test_one_rule_has_its_source_and_leads_to_its_decisions(store: Store) -> None:
    add_decision(store, 1, rule="flood")
    client = rules_client(store, "viewer", SaidControl(standing_of(SOURCES)))
    page = client.get("/rules/flood").text
    assert "Nobody writes so fast." in page
    assert "posts_1m &gt; 10" in page
    assert '<a href="/decisions/1">' in page
    assert client.get("/rules/nothing").status_code == 404
    assert client.get("/api/rules/flood").json()["newest_hits"][0]["event_id"] == "e1"


def test_what_attackers_write_stays_text(store: Store) -> None:
    add_decision(store, 1, user_id="<script>alert(1)</script>", rule="flood")
    page = rules_client(store, "viewer", SaidControl(standing_of(SOURCES))).get("/rules/flood").text
    assert "<script>alert" not in page


def test_a_pause_goes_out_with_its_reason_and_is_in_the_audit_log(store: Store) -> None:
    client = rules_client(store, "operator", SaidControl(standing_of(SOURCES)))
    assert client.post("/rules/flood/pause", data={"note": ""}).status_code == 400
    assert client.post("/rules/flood/resume", data={"note": "why"}).status_code == 409
    assert client.post("/rules/flood/pause", data={"note": "too much"}).status_code == 303
    (row,) = rows_of(store, OUTGOING)
    assert (row["kind"], row["author"]) == ("pause", "operator")
    assert orjson.loads(row["payload"]) == {"rule": "flood", "note": "too much"}
    assert ("paused a rule", "rule:flood") in [(entry["verb"], entry["object"]) for entry in rows_of(store, AUDIT)]


def test_a_paused_rule_says_so_and_can_be_resumed(store: Store) -> None:
    paused = {"flood": Pause("bob", "hit a school", START_MS)}
    client = rules_client(store, "operator", SaidControl(replace(standing_of(SOURCES), paused=paused)))
    assert "hit a school" in client.get("/rules").text
    assert client.get("/api/rules").json()["rules"][0]["mode"] == "paused"
    assert client.post("/rules/flood/pause", data={"note": "again"}).status_code == 409
    assert client.post("/rules/flood/resume", data={"note": "mended"}).status_code == 303
    assert [row["kind"] for row in rows_of(store, OUTGOING)] == ["resume"]


@pytest.mark.parametrize(("role", "verb"), [("viewer", "pause"), ("moderator", "pause"), ("operator", "promote")])
def test_who_may_not_is_refused(store: Store, role: str, verb: str) -> None:
    client = rules_client(store, role, SaidControl(standing_of(SOURCES)))
    assert client.post(f"/rules/flood/{verb}", data={"note": "why"}).status_code == 403
    assert rows_of(store, OUTGOING) == []


def test_a_rule_without_a_plan_has_no_stage_to_go_to(store: Store) -> None:
    client = rules_client(store, "analyst", SaidControl(standing_of(SOURCES)))
    assert client.post("/rules/flood/promote", data={"note": "why"}).status_code == 409


def test_without_a_rulebook_there_are_no_rules(store: Store) -> None:
    client = rules_client(store, "viewer", SaidControl(standing_of()))
    assert "No rulebook has been pushed yet" in client.get("/rules").text
    assert client.get("/api/rules").json() == {"rulebook": None, "rules": []}
