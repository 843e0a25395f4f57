"""What is written to a changelog that state was moved away from, so that a person is forgotten there."""

import pytest

from engine.core.state.contributors import Contributor, Contributors
from engine.core.state.entities import EntityRecord
from engine.core.state.records import dump_record, load_record
from engine.settings import Settings
from engine.state.store import entity_record_key, user_record_key
from engine.stream.admin import erasure, former_state
from engine.stream.admin.erasure import UserData, find_in_state
from engine.stream.admin.former_state import forget_formerly, former
from engine.stream.kafka import records
from engine.stream.kafka.topics import changelog_topic, moving_topic
from tests.events import START_MS
from tests.unit.stream.broker import Producer, topics_of
from tests.unit.stream.signed import record

THIRD = Settings(state_generation=3, partitions=4)
FIRST = "floodgate-entities-changelog"
DOMAIN, ANN, BOB = entity_record_key(("url_domain", "x.example")), user_record_key("ann"), user_record_key("bob")


@pytest.mark.parametrize(
    ("there", "found"),
    [
        ({FIRST, "floodgate-entities-2-changelog"}, [1, 2]),
        ({FIRST}, [1]),
        (set(), []),
        ({FIRST, moving_topic(THIRD)}, []),  # it may be taken back
    ],
)
def test_those_are_looked_at_that_are_there_and_may_not_be_gone_back_to(
    monkeypatch: pytest.MonkeyPatch, there: set[str], found: list[int]
) -> None:
    monkeypatch.setattr(former_state, "topic_names", lambda _: {*there, changelog_topic(THIRD)})
    assert [one.state_generation for one in former(THIRD)] == found
    assert not list(former(Settings()))


def test_what_is_hers_is_deleted_and_what_others_have_too_is_as_old_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    domain = EntityRecord()
    domain.relative(START_MS)
    domain.contributors[1] = Contributors(60_000)
    for name in ("ann", "bob"):
        domain.contributors[1].note(Contributor(0, name, "post", name, name, 0))
    stored = [
        record(FIRST, ANN, b"old", partition=1, timestamp=START_MS),
        record(FIRST, ANN, dump_record(EntityRecord()), partition=1, timestamp=START_MS),
        record(FIRST, BOB, dump_record(EntityRecord()), partition=1, timestamp=START_MS),
        record(FIRST, DOMAIN, dump_record(domain), partition=2, timestamp=START_MS + 7),
    ]
    client = Producer()
    for module in (erasure, former_state):
        monkeypatch.setattr(module, "read_all", topics_of({FIRST: stored}))
    monkeypatch.setattr(records, "producer", lambda *_, **__: client)
    before = Settings()
    found = find_in_state(before, UserData("ann", ("ann",)))
    assert found.kinds == {"records of counters": 1, "notes at other entities": 1}
    assert forget_formerly(before, found) == 2
    gone, left = client.sent
    assert (gone.topic, gone.partition, gone.key, gone.value, gone.timestamp_ms) == (FIRST, 1, ANN, None, None)
    assert (left.topic, left.partition, left.key, left.timestamp_ms) == (FIRST, 2, DOMAIN, START_MS + 7)
    assert left.value is not None
    assert [note.user_id for note in load_record(left.value).contributors[1].notes] == ["bob"]
    assert client.closed == 1
