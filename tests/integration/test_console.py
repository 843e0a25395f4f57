"""The console beside a running worker: what it shows has come on topics, and what people decide goes out to them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import orjson
import pytest
from sqlalchemy import select

from engine.console.store.database import Store
from engine.console.store.followed import FOLLOWED
from engine.console.store.own import OUTGOING
from engine.dev.system import FOR_GOOD_DAYS
from engine.settings import RETENTION_DAYS
from tests.console import ConsoleProcess
from tests.events import START_MS
from tests.system import System, wait_until

RULES = """
version: 1
counters: {posts_1m: {count: post, by: user_id, over: 1m}}
lists: {bad_words: {live: true, values: [casino]}}
rules:
  flood:
    event: post
    when: [posts_1m > 3]
    then: {limit: posting, for: 1h, needs: review}
  quiet: {event: post, when: [posts_1m > 2], then: {flag: many}, mode: shadow}
  words: {event: post, when: [event.word in lists.bad_words], then: {flag: word}}
"""

Running = tuple[System, ConsoleProcess]


def post(number: int, **fields: Any) -> bytes:
    one = {"event_id": f"e{number}", "type": "post", "user_id": f"u{number // 5}", "ts": START_MS + number * 1_000}
    return orjson.dumps({**one, "device_id": "d1", "text": f"text {number}", **fields})


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    """A worker that has decided 50 posts of ten users, and the console beside it."""
    (tmp_path / "rules.yaml").write_text(RULES)
    with System(tmp_path, retention_days=dict.fromkeys(RETENTION_DAYS, FOR_GOOD_DAYS)) as system:
        system.push_rules(tmp_path / "rules.yaml")
        worker = system.start_worker("one")
        console = ConsoleProcess(system.settings, tmp_path)
        console.add_user("ann", "administrator")
        console.start()
        wait_until(worker.ready, "it is ready")
        system.publish([post(number) for number in range(50)])
        system.wait_until_decided()
        yield system, console
        console.stop()


def is_followed(client: httpx2.Client, hits: int) -> bool:
    """Whether the console knows all hits of the rule."""
    return len(client.get("/api/decisions?rule=flood&limit=500").json()["decisions"]) == hits


def labels_on(system: System) -> list[dict[str, Any]]:
    """All labels on their topic, without what makes actions no strikes."""
    found = [orjson.loads(record.value) for record in system.read(system.settings.topics.labels)]
    return [label for label in found if "label" in label]


def all_rows(url: str) -> dict[str, list[Any]]:
    """All that is followed but for its numbers, in an order of its own."""
    store, rows = Store(url), {}
    with store.read() as connection:
        for table in FOLLOWED:
            columns = [column for column in table.columns if column.name not in ("id", "decision", "event_row")]
            rows[table.name] = sorted(map(repr, connection.execute(select(*columns))))
    store.close()
    return rows


def test_what_people_decide_goes_out_and_comes_back(running: Running) -> None:
    system, console = running
    client = console.client("ann")
    wait_until(lambda: is_followed(client, 20), "its hits are followed")
    decision = client.get("/api/decisions?event_id=e3").json()["decisions"][0]
    assert [hit["rule"] for hit in decision["hits"]] == ["flood", "quiet"]
    page = client.get(f"/decisions/{decision['id']}").text
    assert "posts_1m &gt; 3" in page
    assert "text 3" in page

    client.post("/labels", data={"event_id": "e3", "user_id": "u0", "label": "spam", "reason": "a flood"})
    wait_until(lambda: labels_on(system), "the label is out")
    (label,) = labels_on(system)
    assert (label["event_id"], label["label"], label["moderator"]) == ("e3", "spam", "ann")

    told = client.get(f"/api/decisions/{decision['id']}").json()
    (action,) = told["actions"]
    client.post("/actions/revoke", data={"action_id": action["action_id"], "note": "a mistake"})
    wait_until(lambda: any(one["kind"] == "revoke" for one in system.actions()), "it is revoked")
    assert "revoked by ann" in wait_until(
        lambda: (shown := client.get(f"/decisions/{decision['id']}").text) and "revoked by" in shown and shown,
        "the page says so",
    )
    client.post("/rules/words/pause", data={"note": "too eager", "back": "/"})
    wait_until(lambda: "words" in system.status().split("paused rule")[-1], "the rule is paused")


def test_cases_come_to_those_who_review(running: Running) -> None:
    system, console = running
    client = console.client("ann")
    wait_until(lambda: is_followed(client, 20), "its hits are followed")
    taken = client.post("/api/queue/next", json={}).json()
    assert taken["event"]["type"] == "post"
    client.post("/api/queue/verdict", json={"event_id": taken["event_id"], "label": "ham"})
    wait_until(lambda: labels_on(system), "the label is out")
    assert [label["event_id"] for label in labels_on(system)] == [taken["event_id"]]
    left = client.post("/api/queue/next", json={}).json()["event_id"]
    assert left not in (None, taken["event_id"])


def test_a_killed_console_goes_on_where_it_was_and_can_be_rebuilt(running: Running) -> None:
    system, console = running
    console.kill()
    system.publish([post(number) for number in range(50, 100)])
    system.wait_until_decided()
    console.start()
    client = console.client("ann")
    wait_until(lambda: is_followed(client, 40), "the hits of all posts are followed")
    wait_until(lambda: client.get("/api/overview").json()["behind"] == 0, "all is read")
    assert console.stop() == 0
    before = all_rows(console.url)
    assert len(before["events"]) == len(set(before["events"])) == 100
    console.start("--rebuild")
    client = console.client("ann")
    wait_until(lambda: is_followed(client, 40), "all is followed anew")
    wait_until(lambda: client.get("/api/overview").json()["behind"] == 0, "all is read")
    console.stop()
    assert all_rows(console.url) == before
    console.start()


def test_who_is_forgotten_is_gone_here_too(
    running: tuple[System, ConsoleProcess], monkeypatch: pytest.MonkeyPatch
) -> None:
    system, console = running
    client = console.client("ann")
    wait_until(lambda: is_followed(client, 20), "its hits are followed")
    wait_until(lambda: client.get("/api/overview").json()["behind"] == 0, "all is read")
    monkeypatch.setenv("FLOODGATE_CONSOLE__STORE", console.url)
    assert "rows of the console's store" in system.run("forget", "u0")
    assert client.get("/api/decisions?user_id=u0").json()["decisions"] == []
    assert client.get("/api/entities/user_id?value=u0").json()["events"] == 0
    assert client.get("/api/decisions?user_id=u1").json()["decisions"] != []


def test_labels_survive_kills_of_the_console_none_lost_none_doubled(running: Running) -> None:
    """Five hundred labels while the console is killed again and again."""
    system, console = running
    wanted = [f"e{number}" for number in range(500)]
    left = list(wanted)
    for _ in range(4):
        client = console.client("ann")
        for event_id in left[:125]:
            client.post("/labels", data={"event_id": event_id, "user_id": "u1", "label": "spam"})
        left = left[125:]
        console.kill()
        console.start()
    store = Store(console.url)

    def waits() -> bool:
        with store.read() as connection:
            return connection.execute(select(OUTGOING.c.id).where(OUTGOING.c.state != "sent").limit(1)).first() is None

    wait_until(waits, "all is out")
    store.close()
    assert sorted(label["event_id"] for label in labels_on(system)) == sorted(wanted)
