"""What is found of one person on the topics and in the state, and what is asked so that it is forgotten."""

from typing import Any

import msgspec
import numpy as np
import orjson
import pytest
from kafka.errors import KafkaError

from engine.core.evaluation.absences import Timer
from engine.core.evaluation.follow_ups import FollowUp
from engine.core.evaluation.routing import NOWHERE
from engine.core.kernel import hash64, identity_of
from engine.core.state.clusters import ClusterLink
from engine.core.state.contributors import Contributor, Contributors
from engine.core.state.entities import EntityRecord
from engine.core.state.records import dump_record
from engine.core.state.strikes import Strike
from engine.enrichment_settings import EnricherSettings, EnrichmentSettings
from engine.errors import PublishError
from engine.learning.labels import Label, encode_known, subject_of
from engine.security import PrivacySettings
from engine.settings import Settings
from engine.state.scored import BLOCK, ScoredBlocks, ScoredKeys, action_name, reply_name, strike_name, verdict_name
from engine.state.store import entity_record_key, user_record_key
from engine.state.timers import MEETING_TIMER, TIMER
from engine.stream.admin import erasure
from engine.stream.admin.erasure import UserData, ask_to_forget, find_user_data
from engine.stream.handlers.consequences import encode_note
from engine.stream.handlers.erasure import Forget
from engine.stream.handlers.hop_messages import encode_request
from engine.stream.handlers.replies import Kept, dump_kept
from engine.stream.kafka import records
from engine.stream.kafka.topics import changelog_topic
from tests.events import START_MS
from tests.unit.stream.broker import Producer, topics_of
from tests.unit.stream.signed import record

SETTINGS = Settings()
ENRICHED = Settings(enrichment=EnrichmentSettings({"pictures": EnricherSettings()}))
STATE = changelog_topic(SETTINGS)
DOMAIN = entity_record_key(("url_domain", "x.example"))
OF_ANN = identity_of("ann", "post", "e")


def message(value: Any, key: bytes | None = None) -> Any:
    data = value if value is None or isinstance(value, bytes) else orjson.dumps(value)
    return record("t", key, data, timestamp=START_MS)


def event(**changes: Any) -> dict[str, Any]:
    return {"event_id": "e", "type": "post", "user_id": "ann", "ts": START_MS, **changes}


def stored(key: bytes, value: bytes | None, partition: int = 0) -> Any:
    return record(STATE, key, value, partition=partition)


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> Any:
    """What is found of a person, with these messages on the topics."""

    def find(user: str = "ann", settings: Settings = SETTINGS, known: tuple[int, ...] = (), **topics: Any) -> UserData:
        by_name = {STATE if name == "state" else name: records for name, records in topics.items()}
        monkeypatch.setattr(erasure, "read_all", topics_of(by_name))
        return find_user_data(settings, user, lambda _: None, known)

    return find


def test_events_of_a_person_are_told_from_those_that_only_name_him(found: Any) -> None:
    other = event(event_id="f", user_id="bob", text="ann")
    user_data = found(events=[message(event()), message(other), message(event(event_id="g", user_id="eve"))])
    assert user_data.passing == {"events": 2}
    assert user_data.subjects == {OF_ANN}


def test_events_that_wait_for_the_stage_before_are_found_with_their_pictures(found: Any) -> None:
    pictured = event(event_id="p", image="A" * 2_000_000)
    topics = {"raw-events": [message(pictured), message(event(user_id="bob"))], "events": [message(event())]}
    user_data = found(settings=ENRICHED, **topics)
    assert user_data.passing == {"raw-events": 1, "events": 1}
    assert user_data.subjects == {OF_ANN, identity_of("ann", "post", "p")}
    assert found(**topics).passing == {"events": 1}


def test_what_is_no_event_is_found_among_the_dead_letters_alone(found: Any) -> None:
    junk = message(b'{"user_id": "ann"}')
    user_data = found(events=[junk], **{SETTINGS.topics.dead_letters: [junk]})
    assert user_data.passing == {SETTINGS.topics.dead_letters: 1}


def test_events_are_found_by_the_decisions_on_them(found: Any) -> None:
    user_data = found(
        decisions=[
            message(event()),
            message(event(event_id="f", user_id="bob")),
            message(event(event_id=5)),
            message(event(type=5)),
            message(["ann", "post"]),
            message(b'"ann"}'),
        ]
    )
    assert user_data.subjects == {OF_ANN}
    assert user_data.passing == {"decisions": 5}


@pytest.mark.parametrize(
    ("key", "value", "named"),
    [
        (b"ann", b"{}", True),
        (b"ann", None, True),
        (b"bob", b'{"user_id": "ann"}', True),
        (None, b'["ann"]', True),
        (b"bob", b'{"user_id": "anna"}', False),
        (b"bob", None, False),
        (None, b"{}", False),
    ],
)
def test_a_message_is_about_a_person_by_its_key_or_his_whole_name(
    key: bytes | None, value: bytes | None, named: bool, found: Any
) -> None:
    assert found(labels=[message(value, key)]).passing == ({"labels": 1} if named else {})


@pytest.mark.parametrize("value", ['["jörg"]', '["j\\u00f6rg"]'])
def test_a_name_is_found_escaped_or_not(value: str, found: Any) -> None:
    assert found("jörg", labels=[message(value.encode())]).passing == {"labels": 1}


def test_a_person_is_found_under_his_pseudonyms_too(found: Any) -> None:
    settings = msgspec.structs.replace(SETTINGS, privacy=PrivacySettings(key="k" * 40))
    pseudonyms = settings.pseudonyms()
    assert pseudonyms is not None
    hidden = pseudonyms.of("ann")
    event_id = "e"
    user_data = found(
        settings=settings,
        decisions=[message({"type": "post", "event_id": event_id, "user_id": hidden})],
        state=[stored(user_record_key(hidden), b""), stored(user_record_key("ann"), b"")],
    )
    assert user_data.names == ("ann", hidden)
    assert user_data.subjects == {OF_ANN, identity_of(hidden, "post", event_id)}
    assert user_data.state == {0: {"ann": [user_record_key("ann")], hidden: [user_record_key(hidden)]}}


def test_policies_are_noted_up_to_a_limit(found: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(erasure, "_MOST_POLICIES", 2)
    labels = [message({"user_id": "ann", "policy": policy}) for policy in (5, None, "a", "b", "c")]
    assert found(labels=labels).policies == {"a", "b"}


def scored(*events: tuple[str, int]) -> tuple[bytes, bytes]:
    """A piece of these events: users and identities."""
    users = np.array([hash64(user) for user, _ in events], np.uint64)
    identities = np.array([identity for _, identity in events], np.uint64)
    name, value = ScoredBlocks().put(0, ScoredKeys(identities, users, identities), b"payload")
    assert value is not None
    return name, value


def test_features_as_scored_are_found_by_user_and_tell_his_events(found: Any) -> None:
    both, (other, of_bob) = scored(("ann", 7), ("bob", 8)), scored(("bob", 9))
    verdicts = [stored(verdict_name(one), b"spam") for one in (7, 8, 9)]
    user_data = found(state=[*verdicts, stored(*both), stored(other, of_bob), stored(BLOCK + b"\x00damaged", b"ann")])
    assert user_data.subjects == {7}
    assert user_data.kinds == {"features as scored": 1, "verdicts on events": 1}
    assert user_data.state == {0: {"ann": sorted([both[0], verdict_name(7)])}}


def test_verdicts_on_his_events_are_found_under_each_policy_while_they_stand(found: Any) -> None:
    plain, under = verdict_name(7), verdict_name(subject_of(7, "ads"))
    user_data = found(
        known=(7, 8, 9),
        labels=[message({"user_id": "ann", "policy": "ads"})],
        state=[
            stored(plain, b"spam", 1),
            stored(under, b"ham", 2),
            stored(verdict_name(subject_of(7, "other")), b"ham"),
            stored(verdict_name(8), b"spam"),
            stored(verdict_name(8), None),
            stored(verdict_name(9), None),
            stored(verdict_name(10), b"spam"),
        ],
    )
    assert user_data.kinds == {"verdicts on events": 2}
    assert user_data.state == {1: {"ann": [plain]}, 2: {"ann": [under]}}


def test_a_verdict_is_found_by_whom_its_follow_up_names(found: Any) -> None:
    """Its event is on no topic any more."""

    def about(user: str, identity: int) -> Any:
        follow_up = FollowUp(NOWHERE, "e", "@label.spam", user, START_MS, 0, {"text": "hi"}, [], 1)
        return stored(verdict_name(identity), encode_known(Label("e", "spam", 1), 1, encode_note([follow_up])).encode())

    taken_back = [about("ann", 9), stored(verdict_name(9), b"retracted@0@2")]
    damaged = stored(verdict_name(10), b"spam@0@1@!")
    user_data = found(state=[about("ann", 7), about("bob", 8), *taken_back, damaged])
    assert user_data.kinds == {"verdicts on events": 1}
    assert user_data.state == {0: {"ann": [verdict_name(7)]}}


def test_what_actions_were_about_is_found_by_his_events(found: Any) -> None:
    def about(action_id: str, identity: int) -> Any:
        name, value = ScoredBlocks().put_action(action_id, identity, "e")
        return stored(name, value)

    def struck(action_id: str) -> Any:
        name, value = ScoredBlocks().put_strike(action_id, Strike(1, 2))
        return stored(name, value)

    gone = stored(action_name("gone"), None)
    known = [about("a", 7), about("b", 8), about("c", 7), about("gone", 7), gone]
    strikes = [struck("a"), struck("b"), struck("c"), stored(strike_name(action_name("c")), None)]
    user_data = found(known=(7,), state=[*known, *strikes])
    assert user_data.kinds == {"what actions were about": 2, "strikes of actions": 1}
    names = [action_name("a"), action_name("c"), strike_name(action_name("a"))]
    assert user_data.state == {0: {"ann": sorted(names)}}


def noted(*notes: tuple[str, str, str], sharing: tuple[str, ...] = ()) -> bytes:
    """A record with notes (event, user and target), and a link of those who share it."""
    made = EntityRecord()
    if notes:
        made.contributors[1] = Contributors(60_000)
        for time, (event_id, user, target) in enumerate(notes, 1):
            made.contributors[1].note(Contributor(time, event_id, "post", user, target, 0))
    if sharing:
        made.links[1] = ClusterLink(users=dict.fromkeys(sharing, 1))
    return dump_record(made)


COUNTERS, NOTES = "records of counters", "notes at other entities"
TIMER_KEY = TIMER + bytes(16)


def timer(user: str) -> bytes:
    follow_up = FollowUp(NOWHERE, "e", "@absent.x", user, 1_760_000_000_000, 0, {"text": "ann"}, [], 1)
    return msgspec.msgpack.encode(Timer(1_760_000_000_000, 1, follow_up))


@pytest.mark.parametrize(
    ("key", "value", "kind"),
    [
        (user_record_key("ann"), noted(), COUNTERS),
        (user_record_key("bob"), noted(("e", "ann", "ann")), None),
        (entity_record_key(("target_id", "ann")), noted(("e", "ann", "ann")), COUNTERS),
        (entity_record_key(("target_id", "ann")), noted(), COUNTERS),
        (DOMAIN, noted(("e", "ann", "bob")), NOTES),
        (DOMAIN, noted(("e", "bob", "ann")), NOTES),
        (DOMAIN, noted(sharing=("ann",)), NOTES),
        (DOMAIN, noted(("e", "bob", "bob"), sharing=("bob", "ann")), NOTES),
        (DOMAIN, noted(("ann", "bob", "eve"), sharing=("bob",)), None),
        (DOMAIN, noted(("e", "bob", "eve"), sharing=("bob",)), None),
        (DOMAIN, b"\xff ann", NOTES),  # to be looked into by hand
        (DOMAIN, b"\xff" * 20, None),
        (DOMAIN, None, None),
        (TIMER_KEY, timer("ann"), "events that are waited upon"),
        (MEETING_TIMER + bytes(16), timer("ann"), "events that are waited upon"),
        (TIMER_KEY, timer("bob"), None),
        (TIMER_KEY, b"\xff", None),
        (reply_name(1, 2), dump_kept(Kept(hash64("ann"), 3)), "replies"),
        (reply_name(1, 2), dump_kept(Kept(hash64("bob"), 3)), None),
        (reply_name(1, 2), b"\xff", None),
    ],
)
def test_records_are_his_or_have_notes_of_him(key: bytes, value: bytes | None, kind: str | None, found: Any) -> None:
    user_data = found(state=[stored(key, value)])
    assert user_data.kinds == ({kind: 1} if kind else {})
    assert user_data.state == ({0: {"ann": [key]}} if kind else {})


def test_the_newest_of_a_record_counts_in_each_partition(found: Any) -> None:
    naming, other = noted(("e", "ann", "bob")), noted(("e", "bob", "bob"))
    domains = [entity_record_key(("url_domain", name)) for name in ("a", "b", "c")]
    gone, changed, again = domains
    user_data = found(
        state=[
            stored(gone, naming), stored(gone, None), stored(changed, naming), stored(changed, other),
            stored(again, naming), stored(again, None), stored(again, naming), stored(again, naming, 1),
        ]
    )  # fmt: skip
    assert user_data.kinds == {NOTES: 2}
    assert user_data.state == {0: {"ann": [again]}, 1: {"ann": [again]}}


def test_the_owner_of_each_partition_is_asked_a_few_keys_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Producer()
    monkeypatch.setattr(records, "producer", lambda *_, **__: client)
    monkeypatch.setattr(erasure, "_KEYS_AT_ONCE", 2)
    user_data = UserData(
        "ann", ("ann", "~a"), state={4: {"ann": [b"1", b"2", b"3"]}, 2: {"ann": [b"4"], "~a": [b"5", b"6"]}}
    )
    assert ask_to_forget(SETTINGS, user_data) == 4
    requests = [(2, "ann", [b"4"]), (2, "~a", [b"5", b"6"]), (4, "ann", [b"1", b"2"]), (4, "ann", [b"3"])]
    assert [(one.topic, one.partition, one.key, one.value) for one in client.sent] == [
        (SETTINGS.topics.hops, partition, name.encode(), encode_request(Forget(name, keys)))
        for partition, name, keys in requests
    ]
    assert client.closed == 1


def test_who_asks_is_told_that_not_all_was_published(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Producer(KafkaError("full"))
    monkeypatch.setattr(records, "producer", lambda *_, **__: client)
    with pytest.raises(PublishError, match="run this again"):
        ask_to_forget(SETTINGS, UserData("ann", ("ann",), state={0: {"ann": [b"1"]}}))
    assert client.closed == 1
