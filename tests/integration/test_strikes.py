"""What was revoked is no strike, from topic to topic: through commands, signed, and through a worker that is killed."""

from pathlib import Path
from typing import Any

import msgspec
import orjson

from engine.settings import Settings
from engine.stream.admin.publishing import Publisher
from engine.stream.admin.revocation import REVOKE
from tests.events import START_MS
from tests.integration.test_signing import listed, security
from tests.system import System, WorkerProcess, wait_until

RULES = """
version: 1
ladders:
  spam:
    decay: 10d
    steps:
      - {at: 1, flag: content}
      - {at: 2, challenge: captcha}
      - {at: 3, suspend: account}
rules:
  bad:
    event: post
    when: [event.bad == 1]
    then: {ladder: spam}
"""


def posts(*numbers: int) -> list[bytes]:
    made = [
        {"event_id": f"{user}{at}", "type": "post", "user_id": user, "ts": START_MS + at * 1_000, "bad": 1}
        for at in numbers
        for user in ("ann", "ben")
    ]
    return [orjson.dumps(one) for one in made]


def kinds(system: System, user: str) -> list[str]:
    """What was done to a user, in the order of the events."""
    own = [one for one in system.actions() if one["user_id"] == user and one["kind"] != REVOKE]
    return [one["kind"] for one in sorted(own, key=lambda one: int(one["ts"]))]


def action_of(system: System, event_id: str) -> str:
    (action,) = [one for one in system.actions() if one["event_id"] == event_id and one["kind"] != REVOKE]
    return str(action["action_id"])


def forgiven(worker: WorkerProcess, count: int) -> Any:
    return wait_until(lambda: worker.metric("floodgate_strikes_forgiven_total") == count, f"{count} are forgiven")


def forge(settings: Settings, action_id: str) -> None:
    """A revocation by somebody whose key is not that of the publisher whom he names."""
    with Publisher(settings) as publisher:
        publisher.label(orjson.dumps({"revokes": action_id, "user_id": "ben", "ts": START_MS}), user_id="ben")


def test_after_two_wrong_strikes_the_next_one_is_the_first(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(RULES)
    with System(tmp_path, security=msgspec.to_builtins(listed(tmp_path))) as system:
        system.push_rules(tmp_path / "rules.yaml")
        worker = system.start_worker("one")
        wait_until(worker.ready, "it is ready")
        system.publish(posts(0, 1))
        system.wait_until_decided()
        assert kinds(system, "ann") == kinds(system, "ben") == ["flag", "challenge"]

        forge(security(system.settings, publisher_key=None, publisher=None), action_of(system, "ben0"))
        wait_until(lambda: worker.metric("floodgate_dead_letters_total") == 1, "what is forged is refused")
        system.run("actions", "revoke", "--user", "ann", "--note", "it was no spam")
        forgiven(worker, 2)
        worker.kill()
        again = system.start_worker("one")
        wait_until(again.ready, "it is ready")
        system.publish(posts(2))
        system.wait_until_decided()
        assert kinds(system, "ann") == ["flag", "challenge", "flag"]
        assert kinds(system, "ben") == ["flag", "challenge", "suspend"]

        system.run("actions", "appeal", action_of(system, "ann2"))
        forgiven(again, 1)
        system.publish(posts(3))
        system.wait_until_decided()
        assert kinds(system, "ann") == ["flag", "challenge", "flag", "flag"]
