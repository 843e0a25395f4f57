"""What is wrong with topics is told all at once."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from engine.errors import TopicError
from engine.settings import Settings
from engine.stream.kafka import topics


def test_missing_topics_and_wrong_numbers_of_partitions_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings()
    there = {spec.name: set(range(spec.partitions)) for spec in topics.topic_specs(settings)}

    @contextmanager
    def consumer(_: Settings) -> Iterator[Any]:
        yield SimpleNamespace(topics=there.keys, partitions_for_topic=lambda name: there[name] or None)

    monkeypatch.setattr(topics, "consumer", consumer)
    topics.check_topics(settings)
    decisions, events, labels = settings.topics.decisions, settings.topics.events, settings.topics.labels
    del there[decisions]
    there[events], there[labels] = {*there[events], 999}, set()
    with pytest.raises(TopicError) as raised:
        topics.check_topics(settings)
    told, _, _ = str(raised.value).partition(". Run")
    assert set(told.split("; ")) == {
        f"topic {decisions} does not exist",
        f"topic {events} has {len(there[events])} partitions, the settings say {len(there[events]) - 1}",
        f"topic {labels} has 0 partitions, the settings say {settings.partitions}",
    }


@pytest.mark.parametrize(
    ("generation", "there", "told"),
    [
        (1, ["floodgate-entities-moving"], "the state is half moved to more partitions"),
        (2, ["floodgate-entities-2-changelog", "floodgate-entities-moving"], "the state is half moved"),
        (1, ["floodgate-entities-2-changelog"], "set `state_generation` to 2"),
        (2, ["floodgate-entities-2-changelog", "floodgate-entities-10-changelog"], "set `state_generation` to 10"),
        (2, ["floodgate-entities-changelog"], "there is no floodgate-entities-2-changelog"),
    ],
)
def test_nobody_works_on_a_state_that_has_been_moved_or_is_half_moved(
    generation: int, there: list[str], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Client:
        def topics(self) -> list[str]:
            return [*there, "other-entities-99-changelog"]

        list_topics = topics

    @contextmanager
    def client(_: Settings) -> Iterator[Client]:
        yield Client()

    monkeypatch.setattr(topics, "consumer", client)
    monkeypatch.setattr(topics, "admin", client)
    for refused in (topics.check_topics, topics.create_topics):
        with pytest.raises(TopicError) as raised:
            refused(Settings(state_generation=generation))
        assert told in str(raised.value)
