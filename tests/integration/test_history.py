"""Versions of a rulebook on real topics: listed, compared, taken back; a bad one takes no good one's place."""

import subprocess
from pathlib import Path

import pytest

from engine.stream.rulebooks import read_rulebook, read_versions
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

        assert "- n > 1, + n > 10" in system.run("rules", "rollback", "--author", "ben")
        wait_until(lambda: worker.rulebook() == good, "the first is in use again")
        newest = read_rulebook(system.settings)
        assert newest is not None
        assert (newest.author, newest.note) == ("ben", f"back to version {first.number}")


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
