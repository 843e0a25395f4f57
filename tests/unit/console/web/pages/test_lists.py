"""Live lists: shown, added to, removed from."""

from dataclasses import replace

import orjson
import pytest

from engine.console.store.database import Store
from engine.console.store.own import OUTGOING
from engine.stream.control.lists import Entry
from tests.console import START_MS, rows_of, without_tokens
from tests.rules_console import FLOOD, SaidControl, rules_client, standing_of

STANDING = replace(
    standing_of({"flood.yaml": FLOOD}),
    entries={"banned": {"u7": Entry("ann", "known", START_MS), "<b>": Entry("a", "", 1)}},
)


def test_entries_are_shown_with_who_and_why(store: Store) -> None:
    client = rules_client(store, "viewer", SaidControl(STANDING))
    page = without_tokens(client.get("/lists?list=banned").text)
    assert "u7" in page
    assert "known" in page
    assert "<b>" not in page
    assert client.get("/api/lists").json()["lists"][0]["entries"][1]["author"] == "ann"
    assert "u7" not in without_tokens(client.get("/lists?list=banned&entry=zz").text)


def test_entries_go_out_for_a_while(store: Store) -> None:
    client = rules_client(store, "operator", SaidControl(STANDING))
    form = {"list": "banned", "entry": "u8\r\nu9\r\n", "note": "spam", "lasts": "24h"}
    assert client.post("/lists", data=form).status_code == 303
    payload = orjson.loads(rows_of(store, OUTGOING)[0]["payload"])
    assert (payload["list"], payload["note"], sorted(payload["entries"])) == ("banned", "spam", ["u8", "u9"])
    assert payload["entries"]["u8"]["until_ms"] > START_MS


def test_entries_are_removed(store: Store) -> None:
    client = rules_client(store, "operator", SaidControl(STANDING))
    form = {"list": "banned", "entry": "u7", "note": "wrong", "remove": "yes"}
    assert client.post("/lists", data=form).status_code == 303
    assert orjson.loads(rows_of(store, OUTGOING)[0]["payload"])["entries"] == {"u7": None}
    assert client.post("/lists", data={**form, "entry": "nobody"}).status_code == 409


@pytest.mark.parametrize(
    "changed",
    [{"note": ""}, {"entry": ""}, {"list": "others"}, {"lasts": "soon"}, {"lasts": "99999d"}, {"entry": "x" * 9_000}],
)
def test_what_cannot_be_is_refused(store: Store, changed: dict[str, str]) -> None:
    client = rules_client(store, "operator", SaidControl(STANDING))
    form = {"list": "banned", "entry": "u8", "note": "spam", "lasts": "", **changed}
    assert client.post("/lists", data=form).status_code == 400
    assert rows_of(store, OUTGOING) == []


def test_moderators_only_look(store: Store) -> None:
    client = rules_client(store, "moderator", SaidControl(STANDING))
    assert client.get("/lists").status_code == 200
    assert client.post("/lists", data={"list": "banned", "entry": "x", "note": "y"}).status_code == 403
