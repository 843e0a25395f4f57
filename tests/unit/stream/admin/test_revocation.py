"""Which actions are taken back, and what is published for each."""

from types import SimpleNamespace
from typing import Any

import orjson
import pytest
from kafka.errors import KafkaError

from engine.core.values.hashing import digest
from engine.errors import PublishError
from engine.security import PrivacySettings
from engine.settings import Settings
from engine.stream.admin import publishing, revocation
from engine.stream.admin.revocation import Published, Which, compensation, read_actions, revoke, uphold_appeal
from engine.stream.handlers.forgiving import Revocation
from engine.stream.handlers.label_messages import decode_message
from engine.stream.kafka import records
from tests.unit.stream.broker import Producer


def action(action_id: str = "a", **changes: Any) -> dict[str, Any]:
    return {
        "action_id": action_id, "ts": 100, "kind": "limit", "target": {"type": "user", "id": "u1"}, "event_id": "e",
        "user_id": "u", "rule": "flood", "reason": "why", "explanation": "many", "rulebook": "abc123", **changes,
    }  # fmt: skip


def test_nothing_given_means_nothing() -> None:
    assert not Which()
    assert Which(rule="flood")
    assert Which(until_ms=0)


@pytest.mark.parametrize(
    ("which", "fits"),
    [
        (Which(), True),
        (Which(action_ids=frozenset("ab")), True),
        (Which(action_ids=frozenset("b")), False),
        (Which(rule="flood"), True),
        (Which(rule="other"), False),
        (Which(user_id="u"), True),
        (Which(user_id="v"), False),
        (Which(rulebook="abc"), True),
        (Which(rulebook="bc"), False),
        (Which(since_ms=99), True),
        (Which(since_ms=100), True),
        (Which(since_ms=101), False),
        (Which(until_ms=99), False),
        (Which(until_ms=100), False),
        (Which(until_ms=101), True),
        (Which(kind="limit"), True),
        (Which(kind="hide"), False),
        (Which(target_id="u1"), True),
        (Which(target_id="u"), False),
    ],
)
def test_an_action_fits_what_is_asked_for(which: Which, fits: bool) -> None:
    assert which.fits(action()) is fits


@pytest.mark.parametrize(
    "differs",
    [
        {"action_ids": frozenset("b")}, {"rule": "x"}, {"user_id": "x"}, {"rulebook": "x"}, {"since_ms": 101},
        {"until_ms": 100},
    ],
)  # fmt: skip
def test_all_that_is_given_has_to_fit(differs: dict[str, Any]) -> None:
    fitting: dict[str, Any] = {
        "action_ids": frozenset("a"), "rule": "flood", "user_id": "u", "rulebook": "abc123", "since_ms": 100,
        "until_ms": 101,
    }  # fmt: skip
    assert Which(**fitting).fits(action())
    assert not Which(**{**fitting, **differs}).fits(action())


def test_what_still_stands_and_fits_is_found_in_the_order_of_its_times() -> None:
    known = {one["action_id"]: one for one in (action("b"), action("a"), action("c", ts=5), action("d", rule="other"))}
    found = Published({**known, "gone": action("gone")}, {"gone": {}}).find(Which(rule="flood"))
    assert [one["action_id"] for one in found] == ["c", "a", "b"]


def test_what_takes_back_is_told_from_what_is_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = compensation(action("a"), "ann", "", 5)
    documents = [
        (SimpleNamespace(timestamp=n), one) for n, one in enumerate((action("a"), taken, action("b"), action("a")))
    ]
    monkeypatch.setattr(revocation, "read_recorded", lambda *_: iter(documents))
    found = read_actions(Settings())
    assert found.actions == {"a": action("a"), "b": action("b")}
    assert found.revoked == {"a": taken}
    assert found.published_ms == {"a": 0, "b": 2}  # where it comes again, the first time counts


@pytest.mark.parametrize(
    ("changes", "note", "state"),
    [
        ({}, None, "stands"),
        ({"for_ms": 900}, None, "stands until 1970-01-01 00:00:01 UTC"),
        ({"for_ms": 899}, None, "over"),
        ({}, "", "revoked by ann, 1970-01-01 00:00:05 UTC"),
        ({"for_ms": 1}, "a mistake", "revoked by ann, 1970-01-01 00:00:05 UTC: a mistake"),
    ],
)
def test_what_has_become_of_an_action_is_told(changes: dict[str, Any], note: str | None, state: str) -> None:
    one = action(**changes)
    revoked = {} if note is None else {"a": compensation(one, "ann", note, 5_000)}
    published = Published({"a": one}, revoked, {"a": 100})
    assert published.state(one, 999) == state
    assert published.all(Which()) == [one]
    assert published.find(Which()) == ([one] if note is None else [])


@pytest.mark.parametrize(("note", "told"), [("a mistake", "a mistake"), ("", "revoked by ann")])
def test_people_are_told_why(note: str, told: str) -> None:
    assert compensation(action(), "ann", note, 5)["explanation"] == told


def test_what_takes_back_has_the_scope_of_the_action_if_it_has_one() -> None:
    assert compensation(action(scope="posting"), "ann", "", 5)["scope"] == "posting"
    assert "scope" not in compensation(action(), "ann", "", 5)


def test_each_action_is_taken_back_where_its_target_is(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Producer()
    monkeypatch.setattr(records, "producer", lambda *_, **__: client)
    assert revoke(Settings(), [action("a"), action("b", target={"type": "user", "id": "u2"})], "ann", "") == 2
    assert [(one.topic, one.key) for one in client.sent[2:]] == [("actions", b"u1"), ("actions", b"u2")]
    ids = [orjson.loads(one.value or b"")["action_id"] for one in client.sent[2:]]
    assert ids == [digest("revoke", "a"), digest("revoke", "b")]  # the same ones when it is done again
    assert (client.flushed, client.closed) == ([2, 4], 1)


def test_before_that_the_owner_of_its_users_state_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Producer()
    monkeypatch.setattr(records, "producer", lambda *_, **__: client)
    revoke(Settings(), [action("a"), action("b", user_id="v")], "ann", "")
    assert [(one.topic, one.key) for one in client.sent[:2]] == [("labels", b"u"), ("labels", b"v")]
    told = [decode_message(one.value) for one in client.sent[:2]]
    assert [one[:2] for one in told if isinstance(one, Revocation)] == [("a", "u"), ("b", "v")]


def test_the_owner_is_found_by_the_id_that_events_have(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Producer()
    monkeypatch.setattr(records, "producer", lambda *_, **__: client)
    settings = Settings(privacy=PrivacySettings(key="k" * 40))
    pseudonyms = settings.pseudonyms()
    assert pseudonyms is not None
    revoke(settings, [action(user_id=pseudonyms.of("mallory"))], "ann", "")
    told = decode_message(client.sent[0].value)
    assert isinstance(told, Revocation)
    assert (client.sent[0].key, told.user_id) == (b"mallory", "mallory")


def test_who_revokes_is_told_what_the_broker_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Producer(KafkaError("full"))
    monkeypatch.setattr(records, "producer", lambda *_, **__: client)
    with pytest.raises(PublishError, match="run it again"):
        revoke(Settings(), [action()], "ann", "")
    assert (len(client.sent), client.closed) == (1, 1)  # the action is not revoked yet: the second run finds it


@pytest.mark.parametrize(("note", "told"), [("sorry", "sorry"), ("", "appeal upheld")])
def test_an_upheld_appeal_takes_back_and_labels(note: str, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    client = Producer()
    for module in (records, publishing):
        monkeypatch.setattr(module, "producer", lambda *_, **__: client)
    uphold_appeal(Settings(), action(), "ann", note)
    _, taken, label = (orjson.loads(one.value or b"") for one in client.sent)
    assert (taken["explanation"], taken["author"]) == (told, "ann")
    assert (label["event_id"], label["label"], label["moderator"]) == ("e", "ham", "ann")
    assert client.sent[2].key == b"u"
