"""Versions of a rulebook on real topics: listed, compared, taken back; a bad one takes no good one's place."""

import subprocess
from pathlib import Path

import pytest

from engine.stream.control.rulebooks import read_in_use, read_versions
from engine.stream.kafka.records import send_one
from tests.system import System, wait_until

RULES = """
version: 1
counters: {{n: {{count: post, by: user_id, over: 1m}}}}
rules:
  flood: {{event: post, when: [n > {limit}], then: {{flag: x}}}}
"""


def push(system: System, path: Path, limit: int, note: str) -> None:
    path.write_text(RULES.format(limit=limit))
    system.run("rules", "push", str(path), "--author", "ann", "--note", note, "--force")


def test_a_bad_edit_is_seen_and_taken_back(tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    with System(tmp_path) as system:
        push(system, rules, 10, "the first")
        worker = system.start_worker("one")
        wait_until(worker.ready, "it is ready")
        good = worker.rulebook()
        push(system, rules, 1, "stricter")
        wait_until(lambda: worker.rulebook() != good, "the edit is in use")

        told = system.run("rules", "history")
        assert told.index("stricter") < told.index("the first")
        assert "changed rule flood" in told
        first, second = read_versions(system.settings)
        with pytest.raises(subprocess.CalledProcessError) as differ:
            system.run("rules", "diff", str(first.number), second.id[:6])
        assert differ.value.stdout == "changed rule flood\n  when: - n > 10, + n > 1\n"
        assert system.run("rules", "diff", str(rules)) == "no difference\n"

        assert "- n > 1, + n > 10" in system.run("rules", "rollback", "--author", "ben", "--note", "too many")
        wait_until(lambda: worker.rulebook() == good, "the first is in use again")
        in_use = read_in_use(system.settings)
        assert in_use is not None
        assert (in_use[0].author, in_use[0].note) == ("ben", f"back to version {first.number}: too many")


def test_a_worker_that_starts_behind_a_bad_version_takes_the_last_good_one(tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    with System(tmp_path) as system:
        push(system, rules, 10, "the first")
        push(system, rules, 20, "the second")
        system.publish_rulebook({"rules.yaml": "version: 1\nrules: {r: {event: x, when: [oops], then: {flag: x}}}\n"})
        worker = system.start_worker("one")
        wait_until(worker.ready, "it is ready")
        assert worker.rulebook() == read_versions(system.settings)[1].id
        assert worker.metric("floodgate_updates_refused_total") == 1


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with System(tmp_path) as system:
        assert "no rulebook has been pushed yet" in system.run("rules", "history")
        push(system, tmp_path / "rules.yaml", 10, "the first")
        for arguments, said in ((["rollback"], "no other version"), (["rollback", "99"], "no version '99'")):
            with pytest.raises(subprocess.CalledProcessError) as failed:
                system.run("rules", *arguments)
            assert said in failed.value.stderr


def test_a_second_rollback_goes_further_back(tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    with System(tmp_path) as system:
        for limit in (10, 20, 30):
            push(system, rules, limit, f"limit {limit}")
        for limit in (20, 10):
            system.run("rules", "rollback")
            in_use = read_in_use(system.settings)
            assert in_use is not None
            assert in_use[0].sources["rules.yaml"] == RULES.format(limit=limit)


def test_what_workers_refuse_does_not_stop_the_kill_switch(tmp_path: Path) -> None:
    with System(tmp_path) as system:
        push(system, tmp_path / "rules.yaml", 10, "the first")
        system.publish_rulebook({"rules.yaml": "version: 1\nrules: {r: {event: x, when: [oops], then: {flag: x}}}\n"})
        send_one(system.settings, system.settings.topics.rulebooks, b"paused/flood", b"\xff", "garbage", "pause")
        assert "flood is paused" in system.run("rules", "pause", "flood")
        assert "in use again" in system.run("rules", "resume", "flood")
