"""Bad edits, as people make them, and how many users each has harmed before it was stopped."""

import subprocess
from pathlib import Path

import pytest

from engine.stream.control.rulebooks import read_in_use, read_versions
from tests.events import random_events
from tests.system import System, wait_until

GOOD = """
version: 1
fields: {amount: number}
lists: {staff: {values: [user-1, user-2]}, blocked: {values: [t99]}, popular: {values: [t1, t2, t3]}}
counters:
  posts_1m: {count: post, by: user_id, over: 1m}
  spent_1d: {sum: amount, of: payment, by: user_id, over: 1d}
rules:
  flood: {event: post, when: [posts_1m > 100], unless: [user_id in lists.staff], then: {limit: posting, for: 1h}}
  blocked: {event: message, when: [target_id in lists.blocked], then: {limit: messages}}
  spender: {event: payment, when: [spent_1d > 5000], then: {review: payments}}
"""
BAD_EDITS = {
    "threshold 1 instead of 100": ("posts_1m > 100", "posts_1m > 1"),
    "< for >": ("spent_1d > 5000", "spent_1d < 5000"),
    "a wrong list": ("target_id in lists.blocked", "target_id in lists.popular"),
    "a clause that was left out": ("when: [posts_1m > 100], unless: [user_id in lists.staff]", "when: [posts_1m >= 1]"),
}


def push(system: System, path: Path, text: str, *more: str) -> str:
    path.write_text(text)
    return system.run("rules", "push", str(path), *more)


@pytest.mark.parametrize("slip", BAD_EDITS)
def test_a_bad_edit_harms_nobody(tmp_path: Path, slip: str) -> None:
    rules, (right, wrong) = tmp_path / "rules.yaml", BAD_EDITS[slip]
    assert right in GOOD
    with System(tmp_path) as system:
        push(system, rules, GOOD)
        worker = system.start_worker("one")
        system.publish(random_events(3_000, users=300))
        system.wait_until_decided()
        with pytest.raises(subprocess.CalledProcessError) as refused:
            push(system, rules, GOOD.replace(right, wrong))
        assert refused.value.returncode == 1
        assert "not pushed: it would newly act on" in refused.value.stdout
        assert len(read_versions(system.settings)) == 1
        system.publish(random_events(1_000, users=300, seed=8))
        system.wait_until_decided()
        assert system.actions() == []
        assert worker.rulebook() == read_versions(system.settings)[0].id


def test_what_is_meant_can_be_forced_and_what_is_harmless_passes(tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    with System(tmp_path) as system:
        push(system, rules, GOOD)
        worker = system.start_worker("one")
        wait_until(worker.ready, "it is ready")
        system.publish(random_events(3_000, users=300))
        told = push(system, rules, GOOD.replace("> 5000", "> 4000"))
        assert "tried on the last 3," in told
        assert "published rulebook" in told
        push(system, rules, GOOD.replace("> 100", "> 1"), "--force", "--note", "an attack")
        in_use = read_in_use(system.settings)
        assert in_use is not None
        assert in_use[0].note == "an attack"
        with pytest.raises(subprocess.CalledProcessError) as refused:
            push(system, rules, GOOD, "--guard", "soon")
        assert "is not a duration" in refused.value.stderr
