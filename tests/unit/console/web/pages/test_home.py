"""The overview: figures, each a way to what is behind it."""

from engine.console.store.database import Store
from engine.console.store.health import STATUS, note_health
from tests.console import START_MS, add_action, add_decision, add_event, sign_in


def test_it_tells_what_happens_and_how_the_engine_stands(store: Store) -> None:
    add_event(store, 1)
    add_decision(store, 1, rule="flood")
    add_action(store, 1)
    with store.write() as connection:
        note_health(connection, STATUS, {"problems": ["events 3 has no worker"]}, START_MS)
    client = sign_in(store, "viewer")
    page = client.get("/").text
    for shown in ("events 3 has no worker", "/rules/flood", "/decisions?outcome=act", 'class="sparkline"'):
        assert shown in page
    document = client.get("/api/overview?span=1h").json()
    assert (document["actions"], document["rules"][0]["rule"], document["outcomes"]) == (1, "flood", {"act": 1})
    assert client.get("/?span=1y").status_code == 400


def test_an_empty_console_says_so(store: Store) -> None:
    page = sign_in(store, "viewer").get("/").text
    assert "No rule has acted." in page
    assert "has not been asked yet" in page
