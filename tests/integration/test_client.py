"""`engine.client.actions`, from the topic: each action once, whatever happens to the loop."""

import re
import time
from pathlib import Path
from typing import Any

import pytest

from engine.client import Action, actions, reading
from engine.errors import StoreError
from engine.stream.kafka.clients import admin, options
from tests.integration.test_deliver import make_action, publish
from tests.system import System, wait_until

PAGE = Path(__file__).parents[2] / "docs/contract.md"


def all_of(system: System, **more: Any) -> list[str]:
    """The ids that come now."""
    store = str(system.directory / "actions.db")
    return [one.action_id for one in actions(system.settings, store=store, idle_s=3, **more)]


def test_each_action_comes_once_and_what_was_not_finished_comes_again(tmp_path: Path) -> None:
    with System(tmp_path) as system:
        published = [make_action(number, f"u{number % 3}") for number in range(30)]
        publish(system, published)
        came: list[Action] = []
        with pytest.raises(RuntimeError, match="crashed"):
            for action in actions(system.settings, store=str(tmp_path / "actions.db")):
                came.append(action)
                if len(came) == 10:
                    raise RuntimeError("crashed")
        rest = all_of(system)
        assert rest.count(came[9].action_id) == 1
        assert sorted([one.action_id for one in came[:9]] + rest) == sorted(one["action_id"] for one in published)
        publish(system, published)  # as a worker does after a crash
        assert all_of(system) == []
        for user in range(3):
            ids = [one for one in [*[one.action_id for one in came[:9]], *rest] if int(one[2:]) % 3 == user]
            assert ids == [f"a-{number}" for number in range(30) if number % 3 == user]


def test_what_is_over_or_revoked_before_it_comes_is_not_carried_out(tmp_path: Path) -> None:
    with System(tmp_path) as system:
        taken_back = make_action(9, "ben", kind="revoke", revokes="a-2", revoked_kind="limit", author="mia")
        publish(system, [make_action(1, "ben", for_ms=1), taken_back, make_action(2, "ben"), make_action(3, "ben")])
        time.sleep(0.01)
        assert all_of(system) == ["a-9", "a-3"]


def test_a_loop_that_takes_longer_than_its_group_waits_goes_on_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    impatient = {"max_poll_interval_ms": 1_500, "heartbeat_interval_ms": 300, "session_timeout_ms": 3_000}
    monkeypatch.setattr(reading, "options", lambda settings: {**options(settings), **impatient})
    with System(tmp_path) as system, admin(system.settings) as client:

        def members() -> int:
            return len(client.describe_groups(["enforcement"])["enforcement"]["members"])

        published = [make_action(number, f"u{number % 3}") for number in range(12)]
        publish(system, published)
        came = list[str]()
        for action in actions(system.settings, store=str(tmp_path / "actions.db"), idle_s=1):
            came.append(action.action_id)
            if len(came) == 5:
                wait_until(lambda: members() == 0, "the group goes on without it")
        assert sorted(came) == sorted(one["action_id"] for one in published)
        for user in range(3):
            ids = [one for one in came if int(one[2:]) % 3 == user]
            assert ids == [f"a-{number}" for number in range(12) if number % 3 == user]


def test_one_process_uses_a_store(tmp_path: Path) -> None:
    with System(tmp_path) as system:
        publish(system, [make_action(1, "ben")])
        first = actions(system.settings, store=str(tmp_path / "actions.db"))
        assert next(first).action_id == "a-1"
        with pytest.raises(StoreError, match="another process uses"):
            next(actions(system.settings, store=str(tmp_path / "actions.db")))
        first.close()  # type: ignore[attr-defined]  # a generator


def test_the_lines_of_the_page_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (block,) = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(block, names)  # noqa: S102  # our own page
    with System(tmp_path) as system:
        taken_back = make_action(9, "ben", kind="revoke", revokes="a-1", revoked_kind="limit", author="mia")
        asked, hidden = make_action(4, "ben", needs="review"), make_action(5, "ben", kind="hide")
        publish(system, [make_action(1, "ben"), make_action(2, "ben"), taken_back, asked, hidden])
        names["run"](system.settings, idle_s=3)
    assert list(names["limited"]) == ["a-2"]
