"""Rulebooks, pauses and list entries: who may, once, and what was verified stays whatever becomes of the topic."""

import asyncio
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine.core.domain.rules import Rulebook
from engine.rulebook.compiler import load_rulebook
from engine.settings import Settings
from engine.stream.control.state import ControlState
from engine.stream.control.verified import VerifiedMessages
from engine.stream.handlers.messages import Pause, encode_rulebook
from engine.stream.handlers.metrics import Metrics
from engine.stream.kafka.candidates import as_candidate
from engine.stream.kafka.publishers import Publishers
from tests.unit.stream.signed import Person, changed, entry, listed, person, record, secured

ANN, BEN = person("ann"), person("ben")
RULES = "version: 1\nlists: {bad: {values: [x], live: true}}\nrules: {flood: {event: post, when: [user_id in lists.bad], then: {flag: a}}}\n"  # noqa: E501
OTHER = RULES.replace("flag: a", "flag: b")
PAUSE, RESUME = msgspec.json.encode(Pause("ann", "", 1)), b"null"
FLOOD = b"paused/flood"


def pushed(text: str = RULES) -> bytes:
    return encode_rulebook({"rules.yaml": text}, load_rulebook({"rules.yaml": text}).id, "ann", "", 1)


def id_of(text: str) -> str:
    return load_rulebook({"rules.yaml": text}).id


def said(who: Person, sequence: int, key: bytes, value: bytes, offset: int = 0) -> Any:
    return who.record(sequence, "rulebooks", key, value, offset=offset)


class Worker:
    """What a worker knows, and its topic: `restarted` gives the next one in the same directory."""

    def __init__(self, directory: Path, people: dict[str, Any] | None) -> None:
        self.directory, self.metrics, self.changes = directory, Metrics(), 0
        settings = Settings()
        if people is not None:
            settings = secured(settings, publishers_file=listed(directory / "publishers.yaml", people))
        self.control = ControlState(settings, Publishers(settings), self.metrics, directory, self._changed)
        asyncio.run(self.control.remember())

    def _changed(self) -> None:
        self.changes += 1

    def restarted(self, people: dict[str, Any], *topic: Any) -> "Worker":
        """The next worker, once it has read what is on the topic."""
        worker = Worker(self.directory, people)
        worker.read(*topic)
        worker.control.caught_up = True
        return worker

    def read(self, *records: Any) -> list[bool]:
        """Whether each is used."""
        return [self.control.accept(one) and asyncio.run(self._receive(one)) for one in records]

    async def _receive(self, one: Any) -> bool:
        return await self.control.receive(one.key.decode("utf-8", "replace"), one)

    @property
    def in_force(self) -> Rulebook:
        found = self.control.in_force()
        assert found is not None
        return found

    @property
    def acts(self) -> bool:
        """Whether the rule is in force: not paused."""
        return self.in_force.rules[0].mode == "enforce"

    @property
    def refused(self) -> float:
        return sum(refusals(self, at) for at in ("start", "run"))


FAR = round((time.time() + 500) * 1e6)
PEOPLE = {"ann": entry(ANN, may=["rules", "pause", "lists"]), "ben": entry(BEN, may=["label", "rules"])}


@pytest.fixture
def worker(tmp_path: Path) -> Worker:
    """One that has read all there was, and knows one rulebook."""
    worker = Worker(tmp_path, PEOPLE)
    assert worker.read(said(ANN, 100, b"version/1", pushed())) == [True]
    worker.control.caught_up = True
    return worker


def test_what_is_signed_is_used(worker: Worker) -> None:
    assert worker.control.rulebook_id == id_of(RULES)
    assert worker.acts
    assert worker.read(said(ANN, 101, FLOOD, PAUSE)) == [True]
    assert not worker.acts
    assert worker.read(said(ANN, 102, FLOOD, RESUME)) == [True]
    assert worker.acts
    assert (worker.changes, worker.refused) == (3, 0)


def test_what_nobody_has_signed_is_refused(worker: Worker) -> None:
    for key, value in ((b"version/2", pushed(OTHER)), (FLOOD, PAUSE), (b"list/bad/u", b"{}"), (b"junk", b"junk")):
        assert worker.read(record("rulebooks", key, value)) == [False]
    assert worker.control.rulebook_id == id_of(RULES)
    assert worker.acts
    assert (worker.changes, worker.refused) == (1, 4)


@pytest.mark.parametrize(("key", "value"), [(FLOOD, PAUSE), (b"promoted/flood", b"{}"), (b"list/bad/u", b"{}")])
def test_who_may_push_rules_may_not_do_all_else(worker: Worker, key: bytes, value: bytes) -> None:
    assert worker.read(said(BEN, 200, b"version/2", pushed(OTHER))) == [True]
    assert worker.read(said(BEN, 201, key, value)) == [False]
    assert worker.refused == 1


def test_a_message_that_was_signed_for_another_key_is_refused(worker: Worker) -> None:
    pause = said(ANN, 200, b"paused/other", PAUSE)
    pause.key = FLOOD
    assert worker.read(pause) == [False]
    assert worker.acts


def test_an_old_resume_that_comes_again_is_refused(worker: Worker) -> None:
    resume = said(ANN, 150, FLOOD, RESUME, offset=1)
    assert worker.read(said(ANN, 120, FLOOD, PAUSE), resume, said(ANN, 160, FLOOD, PAUSE, offset=2)) == [True] * 3
    resume.offset = 3
    assert worker.read(resume) == [False]
    assert not worker.acts
    assert worker.refused == 1


def test_an_old_rulebook_that_comes_again_under_whatever_key_is_refused(worker: Worker) -> None:
    old = said(ANN, 100, b"version/1", pushed(), offset=9)
    assert worker.read(said(ANN, 200, b"version/2", pushed(OTHER)), old) == [True, False]
    assert worker.control.rulebook_id == id_of(OTHER)


def test_nobodys_number_shuts_others_out(worker: Worker) -> None:
    assert worker.read(said(ANN, FAR, b"version/2", pushed(), offset=1)) == [True]
    assert worker.read(said(BEN, 5, b"version/3", pushed(OTHER), offset=2)) == [True]
    assert worker.control.rulebook_id == id_of(OTHER)
    again = worker.restarted(PEOPLE)
    assert again.control.rulebook_id == id_of(OTHER)
    late = said(ANN, FAR, b"version/2", pushed(), offset=3)
    assert again.read(late, said(BEN, 5, b"version/3", pushed(OTHER), offset=4)) == [False, False]
    assert again.read(said(BEN, 6, b"version/4", pushed(), offset=5)) == [True]


def test_a_message_from_before_is_not_used_because_its_signer_may_by_now(worker: Worker) -> None:
    push, pause = said(BEN, 90, b"version/0", pushed(OTHER), offset=1), said(BEN, 91, FLOOD, PAUSE, offset=2)
    assert worker.read(said(ANN, 101, b"version/2", pushed(), offset=3)) == [True]
    again = worker.restarted(PEOPLE | {"ben": entry(BEN)}, push, pause)
    assert again.control.rulebook_id == id_of(RULES)
    assert not again.acts  # nothing else was said of this
    assert again.read(said(BEN, 92, b"version/5", pushed(OTHER), offset=4)) == [True]


def test_what_was_refused_by_an_older_version_is_read_anew(worker: Worker) -> None:
    newer = said(ANN, 300, b"version/3", pushed(OTHER), offset=3)
    good, broken = said(ANN, 200, b"version/2", pushed(), offset=2), changed(newer)
    broken.value = b"junk"
    broken.headers = said(ANN, 300, b"version/3", b"junk").headers
    assert [worker.control.accept(one) for one in (good, broken)] == [True, True]
    assert [asyncio.run(worker.control.receive("version/3", one)) for one in (broken, good)] == [False, True]
    again = worker.restarted(PEOPLE, good, newer)
    assert again.control.rulebook_id == id_of(OTHER)


def test_what_nobody_has_signed_is_not_used_though_it_is_in_the_file(worker: Worker) -> None:
    worker.read(said(ANN, 200, FLOOD, PAUSE), said(ANN, 201, b"list/bad/eve", b"null"))
    messages = VerifiedMessages(worker.directory / "verified.msgpack")
    for group, message in messages:
        if group == "version/":
            messages.put(group, msgspec.structs.replace(message, value=pushed(OTHER), headers=()))
    again = worker.restarted(PEOPLE)
    assert again.control.rulebook is None
    assert again.refused == 1
    assert worker.restarted(PEOPLE, said(ANN, 100, b"version/1", pushed())).control.rulebook_id == id_of(RULES)
    assert not worker.restarted(PEOPLE, said(ANN, 100, b"version/1", pushed())).acts


def test_what_a_key_has_signed_stays_when_its_owner_has_another_and_goes_with_the_owner(worker: Worker) -> None:
    again = worker.restarted({"ann": entry(person("ann")), "ben": entry(BEN)})
    assert again.control.rulebook_id == id_of(RULES)
    assert worker.restarted({"ben": entry(BEN)}).control.rulebook is None
    assert again.read(said(BEN, 5, b"version/2", pushed(OTHER), offset=1)) == [True]
    assert again.restarted({"ben": entry(BEN)}).control.rulebook_id == id_of(OTHER)


def test_long_texts_and_keys_are_refused(worker: Worker) -> None:
    long = "x" * 2_001
    for sequence, (key, value) in enumerate([
        (FLOOD, msgspec.json.encode(Pause(long, "", 1))), (FLOOD, msgspec.json.encode(Pause("ann", long, 1))),
        (f"paused/{long}".encode(), PAUSE), (f"list/bad/{long}".encode(), b"null"),
        (b"list/bad/eve", msgspec.json.encode({"author": "ann", "note": long, "ts": 1})),
    ]):  # fmt: skip
        assert worker.read(said(ANN, 200 + sequence, key, value)) == [False]
    assert worker.acts
    assert worker.refused == 5


def test_only_so_many_rules_can_be_paused(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.stream.control.state._MOST_RULES", 2)
    keys = [b"paused/a", b"paused/b", FLOOD, b"paused/a"]
    used = worker.read(*(said(ANN, 200 + number, key, PAUSE) for number, key in enumerate(keys)))
    assert used == [True, True, False, True]


def test_numbers_of_different_keys_do_not_meet(worker: Worker) -> None:
    assert worker.read(said(ANN, 900, FLOOD, PAUSE), said(ANN, 500, b"version/2", pushed(OTHER))) == [True, True]
    assert not worker.acts


def test_what_was_verified_is_in_force_though_the_topic_is_empty(worker: Worker) -> None:
    worker.read(said(ANN, 200, FLOOD, PAUSE))
    again = worker.restarted(PEOPLE)
    assert again.control.rulebook_id == id_of(RULES)
    assert not again.acts
    assert again.refused == 0


def test_junk_in_the_place_of_what_was_verified_takes_nothing_away(worker: Worker) -> None:
    worker.read(said(ANN, 200, FLOOD, PAUSE))
    junk = [record("rulebooks", key, b"junk", offset=at) for at, key in enumerate((b"version/1", FLOOD, b"\xff", b"?"))]
    again = worker.restarted(PEOPLE, *junk)
    assert again.control.rulebook_id == id_of(RULES)
    assert not again.acts
    assert again.refused == 4


def test_signed_junk_takes_no_rulebooks_place(worker: Worker) -> None:
    broken = (b"junk", b"{}", b'{"sources": {"a": 5}}', b"[" * 100_000, pushed().replace(b"flag", b"flog"))
    for at, value in enumerate(broken):
        assert worker.read(said(ANN, 200 + at, b"version/2", value)) == [False]
    assert worker.read(said(ANN, 300, FLOOD, b"[" * 100_000), said(ANN, 301, b"promoted/flood", b"\xff")) == [False] * 2
    again = worker.restarted(PEOPLE)
    assert again.control.rulebook_id == worker.control.rulebook_id == id_of(RULES)
    assert again.acts


def test_a_resume_that_comes_again_is_refused_by_the_next_worker_too(worker: Worker) -> None:
    resume = said(ANN, 150, FLOOD, RESUME)
    worker.read(said(ANN, 120, FLOOD, PAUSE), resume, said(ANN, 160, FLOOD, PAUSE))
    assert not worker.restarted(PEOPLE, resume).acts  # compaction has left the newest: the repeated one
    again = worker.restarted(PEOPLE)
    assert again.read(resume) == [False]
    assert again.refused == 1


def test_what_a_worker_has_verified_itself_is_no_repetition_to_complain_of(worker: Worker) -> None:
    topic = [said(ANN, 100, b"version/1", pushed()), said(ANN, 200, FLOOD, PAUSE)]
    worker.read(topic[1])
    again = worker.restarted(PEOPLE, *topic)
    assert not again.acts
    assert again.refused == 0


def test_what_was_published_while_a_worker_was_away_counts(worker: Worker) -> None:
    again = worker.restarted(PEOPLE, said(ANN, 300, b"version/2", pushed(OTHER)), said(ANN, 301, FLOOD, PAUSE))
    assert again.control.rulebook_id == id_of(OTHER)
    assert not again.acts
    assert not worker.restarted(PEOPLE).acts


def test_keys_are_changed_without_losing_anything(worker: Worker) -> None:
    worker.read(said(ANN, 200, FLOOD, PAUSE))
    new = person("ann")
    topic = [said(ANN, 100, b"version/1", pushed()), said(ANN, 200, FLOOD, PAUSE)]
    both = {"ann": entry((ANN, "2020-01-01"), new, may=["rules", "pause", "lists"])}
    again = worker.restarted(both, *topic)
    assert again.control.rulebook_id == id_of(RULES)
    assert not again.acts
    assert again.read(said(ANN, 300, FLOOD, RESUME)) == [False]  # her old key has ended
    assert again.read(said(new, 301, FLOOD, RESUME)) == [True]
    assert again.acts


def test_an_ended_key_leaves_nothing_to_a_new_worker(tmp_path: Path) -> None:
    worker = Worker(tmp_path, {"ann": entry((ANN, "2020-01-01"))})
    assert worker.read(said(ANN, 100, b"version/1", pushed())) == [False]
    assert worker.control.rulebook is None


def test_live_entries_need_the_scope_and_count_once(worker: Worker) -> None:
    add, remove = b'{"author":"ann","note":"","ts":1}', b"null"
    key = b"list/bad/eve"
    first = said(ANN, 200, key, add)
    assert worker.read(first) == [True]
    assert "eve" in worker.in_force.live["bad"]
    assert worker.read(said(ANN, 201, key, remove)) == [True]
    assert worker.read(first) == [False]
    assert "eve" not in worker.in_force.live["bad"]


def test_an_entry_that_was_taken_back_does_not_come_again_with_a_restart(worker: Worker) -> None:
    add = said(ANN, 200, b"list/bad/eve", b'{"author":"ann","note":"","ts":1}')
    assert worker.read(add, said(ANN, 201, b"list/bad/eve", b"null")) == [True, True]
    again = worker.restarted(PEOPLE, add)  # published once more by somebody, compaction has left this alone
    assert "eve" not in again.in_force.live["bad"]


def test_a_pause_is_in_force_though_the_disk_is_full(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr("engine.stream.control.verified.os.fsync", fail)
    before = worker.changes
    assert worker.read(said(ANN, 200, FLOOD, PAUSE)) == [True]
    assert worker.changes == before + 1  # the evaluators are told
    assert not worker.acts


def test_without_a_list_everyone_may_and_nothing_is_kept(tmp_path: Path) -> None:
    worker = Worker(tmp_path, None)
    assert worker.read(record("rulebooks", b"version/1", pushed()), record("rulebooks", FLOOD, PAUSE)) == [True, True]
    assert worker.read(record("rulebooks", FLOOD, RESUME), record("rulebooks", FLOOD, PAUSE)) == [True, True]
    assert not worker.acts
    assert list(tmp_path.iterdir()) == []


def refusals(worker: Worker, at: str) -> float:
    labels = {"topic": "rulebooks", "at": at}
    return worker.metrics.registry.get_sample_value("floodgate_updates_refused_total", labels) or 0.0


def test_what_a_starting_worker_meets_counts_apart(tmp_path: Path) -> None:
    worker = Worker(tmp_path, {"ann": entry(ANN)})
    assert worker.read(record("rulebooks", FLOOD, PAUSE)) == [False]
    assert (refusals(worker, "start"), refusals(worker, "run")) == (1, 0)
    worker.control.caught_up = True
    assert worker.read(record("rulebooks", FLOOD, PAUSE)) == [False]
    assert (refusals(worker, "start"), refusals(worker, "run")) == (1, 1)


def test_what_was_displaced_is_put_back_as_it_was_signed(tmp_path: Path) -> None:
    people = {"ann": entry(ANN)}
    worker, key = Worker(tmp_path, people), b"version/1"
    good, junk = said(ANN, 10, key, pushed(), offset=0), record("rulebooks", key, b"junk", offset=1)
    assert worker.read(good, junk) == [True, False]
    (message,) = worker.control.put_back()
    assert (message.topic, message.key, message.value, message.partition) == ("rulebooks", key, good.value, 0)
    assert worker.control.put_back() == []
    again = changed(good, value=message.value, headers=message.headers, offset=2)
    (tmp_path / "new").mkdir()
    fresh = Worker(tmp_path / "new", people)
    assert fresh.read(again) == [True]  # which has nothing but the topic, as compaction leaves it
    refused = worker.refused
    assert worker.read(again) == [False]
    assert worker.refused == refused
    worker.control.note_displaced(record("rulebooks", key, None, offset=3))
    assert [one.key for one in worker.control.put_back()] == [key]
    worker.control.note_displaced(record("rulebooks", b"version/0", None, offset=4))
    assert worker.control.put_back() == []
    restarted = worker.restarted(people, junk, again)
    assert restarted.control.put_back() == []  # somebody has done it


def test_a_candidate_with_rules_of_its_own_takes_pauses_but_no_other_rulebook(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(OTHER)
    settings = as_candidate(Settings(), "blue", tmp_path / "rules.yaml")
    control = ControlState(settings, Publishers(settings), Metrics(), tmp_path, lambda: None)

    async def follow() -> list[bool]:
        await control.remember()
        messages = ((b"version/1-a", pushed()), (FLOOD, PAUSE))
        return [await control.receive(key.decode(), record("rulebooks", key, value)) for key, value in messages]

    assert asyncio.run(follow()) == [True, True]
    in_force = control.in_force()
    assert in_force is not None
    assert in_force.id == id_of(OTHER)
    assert in_force.rules[0].mode == "shadow"
