"""What is wrong with topics as the brokers have them."""

import msgspec
import pytest

from engine.settings import Settings
from engine.stream.kafka.topic_states import TopicState, shortcomings
from engine.stream.kafka.topics import TopicSpec, topic_specs

SETTINGS = Settings(replication=3)
SPECS = {spec.name: spec for spec in topic_specs(SETTINGS)}
DAY_MS = 86_400_000


def state(spec: TopicSpec, partitions: int | None = None, replicas: int = 3, **config: str) -> TopicState:
    said = {**spec.config, "min.insync.replicas": "2"} | {
        name.replace("_", "."): value for name, value in config.items()
    }
    return TopicState(spec, spec.partitions if partitions is None else partitions, replicas, said)


def told(found: TopicState, settings: Settings = SETTINGS) -> list[tuple[bool, str]]:
    return [(one.is_fault, one.says) for one in shortcomings(found, settings)]


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_topics_as_they_are_created_lack_nothing(spec: TopicSpec) -> None:
    assert told(state(spec)) == []


def test_of_a_topic_that_is_not_there_nothing_else_is_told() -> None:
    missing = TopicState(SPECS["events"], 0, 0, {})
    assert not missing.exists
    assert told(missing) == [(True, "does not exist: run `floodgate topics create`")]


def test_another_number_of_partitions_is_a_fault() -> None:
    [(is_fault, says)] = told(state(SPECS["events"], partitions=9))
    assert is_fault and says.startswith("has 9 partitions, the settings say 8")


@pytest.mark.parametrize(
    ("replicas", "in_sync", "expected"),
    [
        (3, "2", []),
        (2, "1", [(False, "has 2 replicas, the settings say 3")]),
        (3, "1", [(False, "takes a message for written when one replica has it")]),
        (3, "3", [(False, "wants all of its 3 replicas in sync")]),
        (3, "4", [(True, "wants 4 replicas in sync and has 3")]),
        (1, "1", [(False, "has 1 replicas")]),
        (1, "2", [(False, "has 1 replicas"), (True, "wants 2 replicas in sync and has 1")]),
    ],
)
def test_replicas_and_how_many_of_them_have_to_have_a_message(
    replicas: int, in_sync: str, expected: list[tuple[bool, str]]
) -> None:
    found = told(state(SPECS["events"], replicas=replicas, min_insync_replicas=in_sync))
    assert [(is_fault, expect) for is_fault, expect in expected] == [
        (is_fault, says[: len(expect)]) for (is_fault, says), (_, expect) in zip(found, expected, strict=True)
    ]


def test_one_broker_is_enough_where_the_settings_say_so() -> None:
    settings = msgspec.structs.replace(SETTINGS, replication=1)
    assert told(state(SPECS["events"], replicas=1, min_insync_replicas="1"), settings) == []


@pytest.mark.parametrize(
    ("kept", "expected"),
    [
        (7 * DAY_MS, []),
        (8 * DAY_MS, []),
        (-1, []),
        (
            7 * DAY_MS - DAY_MS // 2,
            [(False, "keeps messages for 6.5 days, the settings say 7 days: raise `retention.ms`")],
        ),
    ],
)
def test_messages_that_are_kept_for_less_than_is_set(kept: int, expected: list[tuple[bool, str]]) -> None:
    assert told(state(SPECS["events"], retention_ms=str(kept))) == expected


def test_state_that_goes_too_early_is_a_fault() -> None:
    [(is_fault, says)] = told(state(SPECS["floodgate-entities-changelog"], retention_ms=str(DAY_MS)))
    assert is_fault and "40 days" in says


def test_rulebooks_that_go_with_time_and_events_that_give_way_to_the_next_are_faults() -> None:
    [(is_fault, says)] = told(state(SPECS["rulebooks"], cleanup_policy="delete"))
    assert is_fault and says.endswith("set `cleanup.policy` to `compact`")
    [(is_fault, says)] = told(state(SPECS["events"], cleanup_policy="compact,delete"))
    assert is_fault and "the last is kept" in says


def test_messages_that_a_topic_would_refuse_are_a_fault() -> None:
    [(is_fault, says)] = told(state(SPECS["models"], max_message_bytes="1048588"))
    assert is_fault and "raise `max.message.bytes`" in says
    assert told(state(SPECS["models"], max_message_bytes=str(8 << 20))) == []


def test_brokers_that_say_nothing_of_a_topic_are_not_held_to_anything() -> None:
    spec = SPECS["models"]
    assert told(TopicState(spec, spec.partitions, 1, {}), Settings()) == []


def test_how_long_messages_are_kept() -> None:
    assert state(SPECS["events"]).retention_ms == 7 * DAY_MS
    assert state(SPECS["events"], retention_ms="-1").retention_ms is None
    assert state(SPECS["models"], retention_ms=str(DAY_MS)).retention_ms is None
