"""The queue's pages and API: one event after the other."""

import html
import re
import time

import orjson
import pytest

from engine.console.store.database import Store
from engine.console.store.followed import CASES, EVENTS, MENTIONS
from engine.console.store.outgoing import mark_sent, take_due
from engine.console.store.own import CLAIMS, OUTGOING, SKIPS, VERDICTS
from engine.console.store.recording import record
from engine.console.web.pages import queue as queue_pages
from tests.console import START_MS, add_action, add_case, add_decision, add_event, add_label, found, rows_of, sign_in


def test_one_event_after_the_other(store: Store) -> None:
    for number in range(3):
        add_event(store, number, text=f"text {number}", device_id="d1")
        add_decision(store, number, rule="flood")
        add_case(store, number, value=3 - number)
    client = sign_in(store, "moderator", second_review_share=0.0, golden_share=0.0)
    assert "Take the next" in client.get("/queue").text
    assert client.post("/queue/next").status_code == 303
    page = client.get("/queue").text
    assert "text 0" in page
    assert "2 other events with this device" in page
    client.post("/queue/verdict", data={"event_id": "e0", "label": "spam"})
    page = client.get("/queue").text
    assert "text 1" in page
    assert "Undo" in page
    client.post("/queue/skip", data={"event_id": "e1"})
    assert [row["event_id"] for row in rows_of(store, CLAIMS)] == ["e2"]
    client.post("/queue/skip", data={"event_id": "e2"})
    assert "Left to others. Nothing waits but what you have skipped." in client.get("/queue").text
    assert [row["event_id"] for row in rows_of(store, VERDICTS)] == ["e0"]
    number = rows_of(store, VERDICTS)[0]["id"]
    assert client.post("/queue/undo", data={"verdict": number}).status_code == 303
    assert [row["state"] for row in rows_of(store, OUTGOING)] == ["undone"]


@pytest.mark.parametrize("event_id", [" e1 ", " ", "e1\nx", "e1\rx\n"])
def test_an_id_that_forms_do_not_bring_back_as_it_is_does_not_block_the_queue(store: Store, event_id: str) -> None:
    add_case(store, 1, value=9, event_id=event_id, key=event_id)
    add_case(store, 2)
    client = sign_in(store, "moderator", second_review_share=0.0, golden_share=0.0)
    client.post("/queue/next")
    as_sent = re.sub("\r\n?|\n", "\r\n", event_id)  # by browsers
    assert client.get("/queue/standing", params={"event_id": event_id}).status_code == 200
    client.post("/queue/skip", data={"event_id": as_sent})
    assert [row["event_id"] for row in rows_of(store, CLAIMS)] == ["e2"]
    client.post("/queue/verdict", data={"event_id": "e2", "label": "ham"})
    with store.write() as connection:
        connection.execute(SKIPS.delete())
    client.post("/queue/next")
    client.post("/queue/verdict", data={"event_id": as_sent, "label": "spam"})
    assert [(row["event_id"], row["label"]) for row in rows_of(store, VERDICTS)] == [("e2", "ham"), (event_id, "spam")]


def test_what_is_out_is_retracted_by_the_same_key_or_at_its_decision(store: Store) -> None:
    for number in range(2):
        add_event(store, number)
        add_decision(store, number)
        add_case(store, number, value=2 - number)
    client = sign_in(store, "moderator", second_review_share=0.0, golden_share=0.0, undo_s=0)
    client.post("/queue/next")
    for number in range(2):
        client.post("/queue/verdict", data={"event_id": f"e{number}", "label": "spam"})
    with store.write() as connection:
        mark_sent(connection, [row.id for row in take_due(connection, 2**53, 2**53, 10)], 1)
    first, second = (row["id"] for row in rows_of(store, VERDICTS))
    assert 'class="toast over"' in client.get("/queue").text
    client.post("/queue/undo", data={"verdict": second})
    assert "Press u to retract it" in client.get("/queue").text
    client.post("/queue/retract", data={"verdict": second})
    assert "Retracted: 1." in client.get("/queue").text
    assert "Retract mine" in client.get("/decisions/1").text
    there = client.post("/queue/retract", data={"verdict": first, "back": "/decisions/1"})
    assert there.headers["location"] == "/decisions/1"
    page = client.get("/decisions/1").text
    assert "(taken back)" in page
    assert "Retract mine" not in page
    assert [row["label"] for row in rows_of(store, VERDICTS)] == ["spam", "spam", "retracted", "retracted"]
    assert client.post("/queue/undo", data={"verdict": 99}).status_code == 404
    assert client.post("/api/queue/retract", json={"verdict": first}).status_code == 404


def test_who_looks_at_what_is_answered_elsewhere_is_told(store: Store) -> None:
    add_event(store, 1)
    add_case(store, 1)
    client = sign_in(store, "moderator", golden_share=0.0)
    client.post("/queue/next")
    ask = "/queue/standing?event_id=e1"
    standing = client.get(ask)
    assert (standing.status_code, standing.text.strip()) == (200, "")
    add_label(store, 1, "ham", "e1", "bob")
    standing = client.get(ask)
    assert standing.status_code == 286, "htmx asks no more"
    assert "bob has said ham meanwhile." in standing.text
    assert "bob has said ham meanwhile." in client.get("/queue").text
    client.post("/queue/verdict", data={"event_id": "e1", "label": "spam"})
    page = client.get("/queue").text
    assert "e1 is not labelled by you: it has been answered elsewhere" in page
    assert "Take the next" in page
    assert "Your time for this event is over" in client.get(ask).text
    assert rows_of(store, VERDICTS) == []


def test_an_appeal_is_seen_beside_what_it_is_against(store: Store) -> None:
    add_event(store, 1)
    add_decision(store, 1, rule="flood")
    add_action(store, 1)
    add_label(store, 1, "spam", "e1", "ann")
    add_case(store, 1, source="appeal", why="I <b>did</b> not", ts=START_MS + 9)
    ann, bob = (sign_in(store, "moderator", name, golden_share=0.0) for name in ("ann", "bob"))
    ann.post("/queue/next")
    assert "Nothing waits." in ann.get("/queue").text
    bob.post("/queue/next")
    page = bob.get("/queue").text
    section = page[page.index("What is appealed against") :].partition("</section>")[0]
    for told in ("I &lt;b&gt;did&lt;/b&gt; not", "said ann", "by flood", "posts_1m &gt; 10", ">limit<"):
        assert told in section
    bob.post("/queue/verdict", data={"event_id": "e1", "label": "ham"})
    assert [row["is_open"] for row in rows_of(store, CASES)] == [False]


def test_an_appeal_against_what_is_not_kept_is_shown_too(store: Store) -> None:
    add_case(store, 1, source="appeal", why="")
    client = sign_in(store, "moderator", golden_share=0.0)
    client.post("/queue/next")
    assert "Nothing is known that was decided." in client.get("/queue").text


def test_what_is_late_stands_out(store: Store) -> None:
    now_ms = int(time.time() * 1000)
    for number, hours in ((1, 1), (2, 13)):
        add_event(store, number)
        add_case(store, number, source="appeal", ts=now_ms - hours * 3_600_000)
    client = sign_in(store, "moderator", golden_share=0.0, answer_within_h={"appeal": 12})
    page = client.get("/queue").text
    assert '<strong class="late">1 late</strong>' in page
    assert page.count('<span class="badge late">late</span>') == 1
    client.post("/queue/next")
    page = client.get("/queue").text
    assert 'name="event_id" value="e2"' in page
    assert page.count('<span class="badge late">late</span>') == 1
    token = client.get("/metrics").text
    assert 'floodgate_console_cases{source="appeal",state="late"} 1.0' in token


def test_slurs_are_masked_wherever_users_wrote_them(store: Store) -> None:
    for number in range(2):
        add_event(store, number, text="you wretch", device_id="d1", bio="a wretch too")
        add_decision(store, number)
    add_case(store, 0, why="wretch")
    client = sign_in(store, "moderator", golden_share=0.0, masked_words=["wretch"])
    client.post("/queue/next")
    pages = [client.get(path).text for path in (
        "/queue", "/queue/alike?event_id=e0&kind=device_id&value=d1", "/decisions/1", "/people/user_id?value=u1",
    )]  # fmt: skip
    for page in pages:
        assert "wretch" in page
        assert "wretch" not in page.replace('<span class="word">wretch</span>', "")
    assert pages[0].count('class="slur"') >= 4


def test_two_on_one_queue_never_have_the_same(store: Store) -> None:
    for number in range(2):
        add_case(store, number)
    ann, bob = (sign_in(store, "moderator", name, golden_share=0.0) for name in ("ann", "bob"))
    first, second = (client.post("/api/queue/next", json={}).json()["event_id"] for client in (ann, bob))
    assert {first, second} == {"e0", "e1"}
    refused = bob.post("/api/queue/verdict", json={"event_id": first, "label": "spam"})
    assert refused.status_code == 409
    made = ann.post("/api/queue/verdict", json={"event_id": first, "label": "spam"}).json()
    assert ann.post("/api/queue/undo", json=made).json() == {"undone": [first]}


def test_those_like_it_are_seen_before_they_are_labelled_together(store: Store) -> None:
    for number in range(4):
        add_event(store, number, device_id="d1", text=f"same {number}")
    client = sign_in(store, "moderator")
    page = client.get("/queue/alike?event_id=e0&kind=device_id&value=d1").text
    assert all(f"same {number}" in page for number in (1, 2, 3))
    client.post("/queue/bulk", data={"event": ['["e1","u1"]', '["e3","u1"]'], "label": "spam", "policy": ""})
    assert sorted(row["event_id"] for row in rows_of(store, VERDICTS)) == ["e1", "e3"]
    assert client.get("/queue/alike?event_id=e0&kind=device_id&value=d9").status_code == 400
    for wrong in ("e1", '["e1"]', '["","u1"]', "[" * 5_000):
        assert client.post("/queue/bulk", data={"event": wrong, "label": "spam", "policy": ""}).status_code == 400


def test_who_uses_the_id_of_another_is_not_taken_for_them(store: Store) -> None:
    for place, (user_id, text) in enumerate((("bot", "harmless"), ("u2", "buy this"), ("bot", "harmless, once more"))):
        event = {"event_id": "e1", "type": "post", "user_id": user_id, "ts": START_MS + place, "text": text}
        row = {**event, "partition": 0, "offset": place, "document": orjson.dumps(event)}
        del row["text"]
        with store.write() as connection:
            mention = {"partition": 0, "offset": place, "kind": "text", "value": "x", "ts": 1, "user_id": user_id}
            record(connection, {EVENTS: [row], MENTIONS: [mention]}, {})
    add_case(store, 1, user_id="u2", ts=START_MS + 1)
    client = sign_in(store, "moderator", second_review_share=0.0, golden_share=0.0, undo_s=0)
    client.post("/queue/next")
    page = client.get("/queue").text
    assert "buy this" in page[page.index('id="event-text"') :][:200]
    assert 'By <a href="/people/user_id?value=u2"' in page
    client.post("/queue/verdict", data={"event_id": "e1", "label": "spam"})
    ways = ("/people/text?value=x", "/queue/alike?event_id=e1&user_id=u2&kind=text&value=x")
    for number, way in enumerate(ways, 2):
        chosen = [html.unescape(value) for value in re.findall(r'name="event" value="([^"]+)"', client.get(way).text)]
        assert '["e1", "bot"]' in chosen
        client.post("/queue/bulk" if number == 3 else "/labels", data={"event": chosen[0], "label": "ham"})
    told = [orjson.loads(row["payload"])["user_id"] for row in rows_of(store, OUTGOING)]
    assert told == ["u2", "bot", "bot"]


def test_each_of_the_first_nine_policies_has_a_digit(store: Store) -> None:
    add_event(store, 1)
    add_case(store, 1)
    client = sign_in(store, "moderator", policies=[f"policy-{number}" for number in range(1, 11)], golden_share=0.0)
    client.post("/queue/next")
    page = client.get("/queue").text
    assert [(value, digit) for value, digit in re.findall(r'value="(policy-\d+)"(?: data-key="(\d)")?', page)] == [
        *((f"policy-{digit}", str(digit)) for digit in range(1, 10)), ("policy-10", ""),
    ]  # fmt: skip
    assert "policy-9 <kbd>9</kbd>" in page
    client.post("/queue/verdict", data={"event_id": "e1", "label": "spam", "policy": "policy-10"})
    assert [row["policy"] for row in rows_of(store, VERDICTS)] == ["policy-10"]


def test_a_wrong_verdict_is_refused(store: Store) -> None:
    client = sign_in(store, "moderator", policies=["scam"])
    for given, says in (({"label": "maybe"}, "one of"), ({"label": "spam", "policy": "x"}, "none of the policies")):
        response = client.post("/queue/verdict", data={"event_id": "e0", **given})
        assert (response.status_code, says in response.text) == (400, True)


def test_who_leaves_gives_back_what_they_looked_at_soon_and_a_reload_keeps_it(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    monkeypatch.setattr(queue_pages, "_GRACE_MS", 0)
    add_event(store, 0)
    add_case(store, 0)
    ann, bob = (sign_in(store, "moderator", name, golden_share=0.0) for name in ("ann", "bob"))

    def load() -> str:
        return found(r'data-release="([^"]+)"', ann.get("/queue").text)

    ann.post("/queue/next")
    left, loaded_anew = load(), load()
    assert ann.post(left, data={"event_id": "e0"}).status_code == 204
    assert bob.post("/api/queue/next", json={}).json()["event_id"] is None
    ann.post(loaded_anew, data={"event_id": "e0"})
    assert bob.post("/api/queue/next", json={}).json()["event_id"] == "e0"
    assert "Take the next" in ann.get("/queue").text
