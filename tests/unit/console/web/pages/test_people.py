"""Users and entities: their timeline, what they share, where a pasted name leads."""

from engine.console.store.database import Store
from tests.console import add_action, add_decision, add_event, add_label, sign_in


def fill(store: Store) -> None:
    for number, user_id in enumerate(("u1", "u2")):
        add_event(store, number, user_id, device_id="d1", text=f"text of {user_id}")
        add_decision(store, number, user_id, "flood")
    add_action(store, 0)
    add_label(store, 1, "ham", "e0", "mod-7")


def test_a_name_of_blanks_hides_nobody(store: Store) -> None:
    for number, user_id in enumerate((" u1", "\u2028")):
        add_event(store, number, user_id, text="buy this")
        client = sign_in(store, "viewer")
        assert "buy this" in client.get("/people/user_id", params={"value": user_id}).text
        assert client.get("/api/entities/user_id", params={"value": user_id}).json()["events"] == 1
        assert client.get("/graph.json", params={"kind": "user_id", "value": user_id}).status_code == 200


def test_a_user_has_a_timeline(store: Store) -> None:
    fill(store)
    page = sign_in(store, "senior").get("/people/user_id?value=u1").text
    for shown in ("text of u1", "flood", "mod-7", "device_id", "Revoke the chosen"):
        assert shown in page
    assert "text of u2" not in page


def test_an_entity_has_the_events_of_all_who_share_it(store: Store) -> None:
    fill(store)
    client = sign_in(store, "viewer")
    page = client.get("/people/device_id?value=d1").text
    assert all(shown in page for shown in ("text of u1", "text of u2", "2 events by 2 users"))
    document = client.get("/api/entities/device_id?value=d1").json()
    assert (document["users"], {entry["what"] for entry in document["timeline"]}) == (2, {"event", "action", "label"})


def test_the_graph_grows_by_what_is_opened(store: Store) -> None:
    fill(store)
    client = sign_in(store, "viewer")
    first = client.get("/graph.json?kind=user_id&value=u1").json()
    assert {node["id"] for node in first["nodes"]} == {"user_id:u1", "device_id:d1"}
    grown = client.get("/graph.json?kind=user_id&value=u1&expand=device_id:d1").json()
    assert {node["id"] for node in grown["nodes"]} == {"user_id:u1", "device_id:d1", "user_id:u2"}
    assert client.get("/graph.json").status_code == 400


def test_a_name_leads_to_what_it_names(store: Store) -> None:
    fill(store)
    client = sign_in(store, "viewer")
    led = {name: client.get("/people", params={"name": name}).headers["location"] for name in ("e0", "u1", "d1", "x")}
    assert led == {
        "e0": "/decisions?event_id=e0", "u1": "/people/user_id?value=u1", "d1": "/people/device_id?value=d1",
        "x": "/people/user_id?value=x",
    }  # fmt: skip
