"""State on disk is used with the Kafka that it is of, and with no other."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from engine.errors import StateError
from engine.settings import Settings
from engine.stream.kafka import passing
from engine.stream.worker import state_origin
from engine.stream.worker.state_origin import FILE, StateOrigin, raise_if_moved, read_origin

HERE = StateOrigin("one", {"events": "e1", "hops": "h1"})


class Disk:
    """A worker's disk, and the Kafka that it meets. `with_state`: whether there is a database."""

    def __init__(self, patch: pytest.MonkeyPatch, directory: Path) -> None:
        self._patch, self.directory = patch, directory / "data"
        self.settings = Settings(data_dir=str(self.directory))

    def meet(self, origin: StateOrigin) -> None:
        self._patch.setattr(state_origin, "read_origin", lambda _: origin)
        raise_if_moved(self.settings)

    def decide(self) -> None:
        (self.directory / "v1" / "tables" / "entities-0.db").mkdir(parents=True)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Disk:
    return Disk(monkeypatch, tmp_path)


@pytest.mark.parametrize(
    ("other", "told"),
    [
        (StateOrigin("two", HERE.topics), "is of the Kafka cluster one, and this is two: "),
        (
            StateOrigin("one", {"events": "e2", "hops": "h1"}),
            "is older than the topics events, which were deleted and made again",
        ),
        (StateOrigin("two", {"events": "e2", "hops": "h2"}), "is of the Kafka cluster one, and this is two: "),
    ],
)
def test_state_of_another_kafka_stops_the_worker_each_time(disk: Disk, other: StateOrigin, told: str) -> None:
    disk.meet(HERE)
    disk.decide()
    disk.meet(HERE)
    for _ in range(2):
        with pytest.raises(StateError) as refused:
            disk.meet(other)
        assert told in str(refused.value)
        assert "move that directory away" in str(refused.value)
    disk.meet(HERE)


def test_a_disk_without_state_takes_whatever_comes(disk: Disk) -> None:
    disk.meet(HERE)
    disk.meet(StateOrigin("two", {}))
    disk.decide()
    with pytest.raises(StateError, match="of the Kafka cluster two"):
        disk.meet(HERE)


def test_state_from_before_there_was_a_note_is_of_the_kafka_it_meets_first(disk: Disk) -> None:
    disk.decide()
    (disk.directory / FILE).write_text("{half")
    disk.meet(HERE)
    with pytest.raises(StateError):
        disk.meet(StateOrigin("two", HERE.topics))


def test_topics_whose_ids_were_not_known_are_no_other_topics(disk: Disk) -> None:
    disk.meet(StateOrigin("one", {"events": "", "hops": "h1"}))
    disk.decide()
    disk.meet(HERE)
    disk.meet(StateOrigin("one", {"events": "e1", "hops": ""}))


def test_topics_that_a_broker_has_not_heard_of_yet_are_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [(3, None), (5, "id"), (0, "id")]

    def describe(names: list[str]) -> list[dict[str, Any]]:
        code, topic_id = answers.pop(0)
        return [{"error_code": code, "name": name, "topic_id": topic_id} for name in names]

    @contextlib.contextmanager
    def admin(_: Settings) -> Iterator[Any]:
        yield SimpleNamespace(describe_topics=describe, describe_cluster=lambda: {"cluster_id": "one"})

    monkeypatch.setattr(state_origin, "admin", admin)
    monkeypatch.setattr(passing, "_AGAIN_AFTER_S", 0.0)
    found = read_origin(Settings())
    assert (found.cluster, set(found.topics.values()), answers) == ("one", {"id"}, [])


def test_topics_with_other_names_are_no_other_kafka(disk: Disk) -> None:
    disk.meet(HERE)
    disk.decide()
    disk.meet(StateOrigin("one", {"clicks": "c1", "hops": "h1"}))


def test_the_next_generation_of_a_state_has_files_of_its_own_and_stops_nobody(disk: Disk) -> None:
    disk.meet(StateOrigin("one", HERE.topics, "floodgate-entities-changelog"))
    disk.decide()
    disk.meet(StateOrigin("one", HERE.topics, "floodgate-entities-2-changelog"))
    with pytest.raises(StateError, match="is of floodgate-entities-2-changelog"):
        disk.meet(StateOrigin("one", HERE.topics, "floodgate-as-blue-entities-2-changelog"))


def test_state_of_another_group_stops_the_worker_but_that_of_a_candidate_below_it_is_none_of_its_own(
    disk: Disk,
) -> None:
    disk.meet(StateOrigin("one", HERE.topics, "floodgate-entities-changelog"))
    (disk.directory / "state-as-blue" / "v1" / "tables" / "entities-0.db").mkdir(parents=True)
    disk.meet(StateOrigin("one", HERE.topics, "floodgate-as-blue-entities-changelog"))
    disk.decide()
    with pytest.raises(StateError, match=r"is of floodgate-as-blue-entities-changelog, and this worker's is in flood"):
        disk.meet(StateOrigin("one", HERE.topics, "floodgate-entities-changelog"))
