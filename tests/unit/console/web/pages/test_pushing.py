"""From a draft to the rulebook in use."""

from typing import Any

import orjson
import pytest
from starlette.testclient import TestClient

from engine.console.store.database import Store
from engine.console.store.own import AUDIT, DRAFTS, OUTGOING
from engine.console.trying.backtests import try_draft
from engine.console.trying.jobs import DONE, Job, Jobs
from engine.rulebook.compiler import load_rulebook
from engine.settings import Settings
from tests.console import START_MS, rows_of
from tests.rules_console import FLOOD, SaidControl, rules_client, standing_of
from tests.unit.console.web.pages.test_rule_editor import begin, seen

SOURCES = {"flood.yaml": FLOOD}
MEANT = {"meant": "yes"}
EDITED = FLOOD.replace("posts_1m > 10", "posts_1m > 9").replace("[11, 12]", "[10, 11, 12]")


def edited(client: TestClient, text: str = EDITED) -> dict[str, str]:
    """A draft with an edit."""
    saved = client.post("/rules/edit/save", data={**begin(client), "file": "flood.yaml", "text": text})
    return seen(client, saved.headers["location"])


def sent(store: Store) -> list[tuple[str, str, Any]]:
    """Kind, author and payload of what goes out."""
    return [(row["kind"], row["author"], orjson.loads(row["payload"])) for row in rows_of(store, OUTGOING)]


def test_the_plan_tells_what_a_push_changes_and_the_push_goes_out(store: Store) -> None:
    client = rules_client(store, "analyst", SaidControl(standing_of(SOURCES)))
    form = edited(client)
    page = client.get(f"/rules/plan?draft={form['draft']}").text
    assert "changed rule flood" in page
    assert "+ posts_1m &gt; 9" in page
    assert client.post("/rules/push", data={**form, "note": ""}).status_code == 400
    assert client.post("/rules/push", data={**form, "note": "tighter", **MEANT}).status_code == 303
    assert sent(store) == [("push", "analyst", {"files": {"flood.yaml": EDITED}, "note": "tighter"})]
    assert client.post("/rules/push", data={**form, "note": "once more", **MEANT}).status_code == 409


def tried(files: dict[str, str], newly: int, is_recent: bool = True) -> Job:
    """A backtest of these files, which newly acts on so many of 1,000 users."""
    post = orjson.dumps({"event_id": "e1", "type": "post", "user_id": "u1", "ts": START_MS})
    task = {"new": files, "old": files, "events": post, "title": ""}
    comparison = try_draft(Settings(), task, lambda *_: None)["comparison"]
    comparison["concerned"][0] |= {"active": 1_000, "newly_count": newly}
    about = {"rulebook": load_rulebook(files).id, "is_recent": is_recent, "draft": 1, "over": "the last 1 h"}
    return Job("j1", "backtest", about, "ann", START_MS, DONE, result={"comparison": comparison})


@pytest.mark.parametrize(
    ("job", "doubt"),
    [
        (None, "has not been tried"),
        (tried(SOURCES, 0), "has not been tried"),
        (tried({"flood.yaml": EDITED}, 0, is_recent=False), "has not been tried"),
        (tried({"flood.yaml": EDITED}, 11), "newly act on 11 of 1,000 users"),
        (tried({"flood.yaml": EDITED}, 10), ""),
    ],
)
def test_what_was_not_tried_or_acts_on_many_has_to_be_meant(
    store: Store, monkeypatch: pytest.MonkeyPatch, job: Job | None, doubt: str
) -> None:
    monkeypatch.setattr(Jobs, "latest", lambda *_: [job] if job is not None else [])
    client = rules_client(store, "analyst", SaidControl(standing_of(SOURCES)))
    form = edited(client)
    assert ('name="meant"' in client.get(f"/rules/plan?draft={form['draft']}").text) == bool(doubt)
    answer = client.post("/rules/push", data={**form, "note": "tighter"})
    assert answer.status_code == (409 if doubt else 303)
    assert doubt in answer.text
    if doubt:
        assert client.post("/rules/push", data={**form, "note": "tighter", **MEANT}).status_code == 303
        (entry,) = [row for row in rows_of(store, AUDIT) if row["verb"] == "pushed a rulebook"]
        assert doubt in orjson.loads(entry["detail"])["in_spite_of"]


def test_what_does_not_pass_its_check_is_not_pushed(store: Store) -> None:
    client = rules_client(store, "analyst", SaidControl(standing_of(SOURCES)))
    form = edited(client, EDITED.replace("posts_1m > 9", "posts_9m > 9"))
    refused = client.post("/rules/push", data={**form, "note": "why"})
    assert (refused.status_code, sent(store)) == (409, [])
    assert client.post("/rules/push", data={**edited(client, FLOOD), "note": "why"}).status_code == 409


def test_removing_has_to_be_meant(store: Store) -> None:
    more = {**SOURCES, "more.yaml": "version: 1\nrules:\n  all: {event: post, when: [true], then: {flag: x}}\n"}
    client = rules_client(store, "analyst", SaidControl(standing_of(more)))
    form = begin(client)
    saved = client.post("/rules/edit/save", data={**form, "file": "more.yaml", "text": ""})
    form = seen(client, saved.headers["location"])
    assert "removes rule all" in client.post("/rules/push", data={**form, "note": "why"}).text
    assert client.post("/rules/push", data={**form, "note": "why", "removes": "yes", **MEANT}).status_code == 303
    assert len(sent(store)) == 1


def test_somebody_else_approves_where_that_is_wanted(store: Store) -> None:
    control = SaidControl(standing_of(SOURCES))
    ann, bob = (rules_client(store, "analyst", control, name, needs_approval=True) for name in ("ann", "bob"))
    form = edited(ann)
    early = bob.post("/rules/push", data={**form, "approve": "yes", "note": "mine"})
    assert early.status_code == 409
    assert ann.post("/rules/push", data={**form, "note": "tighter", **MEANT}).status_code == 303
    assert sent(store) == []
    form = seen(ann, f"/rules/edit?draft={form['draft']}")
    assert "Somebody else has to approve" in ann.get(f"/rules/plan?draft={form['draft']}").text
    assert ann.post("/rules/push", data={**form, "approve": "yes", **MEANT}).status_code == 403
    assert bob.post("/rules/push", data={**form, "approve": "yes", **MEANT}).status_code == 303
    assert [(kind, author, payload["note"]) for kind, author, payload in sent(store)] == [
        ("push", "ann", "tighter (approved by bob)")
    ]
    assert [row["state"] for row in rows_of(store, DRAFTS)] == ["pushed"]


def test_what_was_approved_is_what_was_proposed(store: Store) -> None:
    control = SaidControl(standing_of(SOURCES))
    ann, bob = (rules_client(store, "analyst", control, name, needs_approval=True) for name in ("ann", "bob"))
    form = edited(ann)
    ann.post("/rules/push", data={**form, "note": "tighter", **MEANT})
    looked_at = seen(bob, f"/rules/edit?draft={form['draft']}")
    ann.post("/rules/edit/save", data={**looked_at, "file": "flood.yaml", "text": EDITED.replace("1h", "9h")})
    assert bob.post("/rules/push", data={**looked_at, "approve": "yes", **MEANT}).status_code == 409
    assert sent(store) == []


def test_back_to_an_earlier_version(store: Store) -> None:
    client = rules_client(store, "operator", SaidControl(standing_of(SOURCES, {"flood.yaml": EDITED})))
    assert "changed rule flood" in client.get("/rules/history").text
    assert [version["number"] for version in client.get("/api/rulebooks").json()["versions"]] == [2, 1]
    assert "+ posts_1m &gt; 10" in client.get("/rules/difference?old=2&new=1").text
    assert client.post("/rules/rollback", data={"version": "1", "note": "worse"}).status_code == 303
    assert sent(store) == [("push", "operator", {"files": SOURCES, "note": "back to version 1: worse"})]
    assert client.post("/rules/rollback", data={"version": "7", "note": "why"}).status_code == 404


@pytest.mark.parametrize(("role", "path"), [("operator", "/rules/push"), ("viewer", "/rules/rollback")])
def test_who_may_not_is_refused(store: Store, role: str, path: str) -> None:
    client = rules_client(store, role, SaidControl(standing_of(SOURCES)))
    assert client.post(path, data={"draft": "1", "note": "x", "version": "1"}).status_code == 403
