"""What is in use is seen, fetched and not removed by mistake."""

import subprocess
from pathlib import Path

import pytest

from tests.system import System

FLOODS = """
version: 1
counters:
  posts_1m: {count: post, by: user_id, over: 1m}
rules:
  # as agreed in May
  flood:
    event: post
    when: [posts_1m > 10]
    then: {suspend: user, for: 1h}
    meta: {reason: too many posts}
"""

WORDS = """
version: 1
lists:
  bad: {file: bad.txt}
rules:
  word: {event: post, when: [event.word in lists.bad], mode: shadow, then: {flag: x}}
"""


def refused(system: System, *arguments: str) -> "subprocess.CalledProcessError":
    with pytest.raises(subprocess.CalledProcessError) as failed:
        system.run("rules", *arguments)
    return failed.value


def test_one_file_does_not_take_the_place_of_all_unasked(tmp_path: Path) -> None:
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "floods.yaml").write_text(FLOODS)
    (rules / "words.yaml").write_text(WORDS)
    (rules / "bad.txt").write_text("casino\n")
    (rules / "notes.txt").write_text("nobody's list\n")
    with System(tmp_path) as system:
        assert refused(system, "list").returncode == 2
        assert "published rulebook" in system.run("rules", "push", str(rules), "--author", "ann")

        failed = refused(system, "push", str(rules / "floods.yaml"))
        assert "removed rule word" in failed.stdout
        assert "not pushed: this removes 3 of what is in use (file bad.txt, list bad, rule word)" in failed.stderr
        assert "rule word" in refused(system, "diff", str(rules / "floods.yaml")).stdout

        listed = system.run("rules", "list")
        assert [
            name for name in ("flood", "word", "suspend user for 1h", "shadow", "by ann") if name not in listed
        ] == []
        system.run("rules", "pause", "flood", "--author", "ben")
        assert "paused by ben" in system.run("rules", "list")
        assert "# as agreed in May\n  flood:\n    event: post" in system.run("rules", "show", "flood")
        assert "nothing called 'floood'" in refused(system, "show", "floood").stderr

        system.run("rules", "pull", str(tmp_path / "pulled"))
        pulled = {path.name: path.read_text() for path in (tmp_path / "pulled").iterdir()}
        assert pulled == {"floods.yaml": FLOODS, "words.yaml": WORDS, "bad.txt": "casino\n"}
        assert "is not empty" in refused(system, "pull", str(tmp_path / "pulled")).stderr

        (tmp_path / "pulled" / "floods.yaml").write_text(FLOODS.replace("> 10", "> 12"))
        assert (
            refused(system, "diff", str(tmp_path / "pulled")).stdout
            == "changed rule flood\n  when: - posts_1m > 10, + posts_1m > 12\n"
        )
        assert "+ posts_1m > 12" in system.run("rules", "push", str(tmp_path / "pulled"))

        system.run("rules", "push", str(rules / "floods.yaml"), "--yes")
        assert "word" not in system.run("rules", "list")
