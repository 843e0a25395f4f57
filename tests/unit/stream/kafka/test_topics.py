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
