"""What is forged is refused by a real worker and by the commands, and what is signed is taken."""

from pathlib import Path
from typing import Any

import msgspec
import orjson

from engine.security import SecuritySettings
from engine.settings import Settings
from engine.stream.control.rulebooks import read_in_use
from engine.stream.kafka.clients import producer
from engine.stream.kafka.signing import make_keys
from tests.events import START_MS, random_events
from tests.system import RULEBOOKS, System, wait_until

FLOOD = RULEBOOKS / "flood"
PRIVATE, PUBLIC = make_keys()
GUESSED, _ = make_keys()


def listed(tmp_path: Path) -> SecuritySettings:
    """Ann may do everything, and this process is ann."""
    path = tmp_path / "publishers.yaml"
    may = ["label", "rules", "pause", "lists", "forget", "model", "revoke"]
    path.write_bytes(orjson.dumps({"ann": {"may": may, "keys": [{"public": PUBLIC}]}}))
    return SecuritySettings(publishers_file=str(path), publisher="ann", publisher_key=PRIVATE)


def security(settings: Settings, **changes: Any) -> Settings:
    return msgspec.structs.replace(settings, security=msgspec.structs.replace(settings.security, **changes))


def test_what_is_forged_is_refused_and_counted(tmp_path: Path) -> None:
    with System(tmp_path, security=msgspec.to_builtins(listed(tmp_path))) as system:
        ann = system.settings
        stranger = security(ann, publisher_key=GUESSED, publishers_file=None)  # else the command refuses
        nobody = security(ann, publisher=None, publisher_key=None)
        system.push_rules(FLOOD)
        worker = system.start_worker("one")
        wait_until(worker.ready, "it is ready")
        good = worker.rulebook()
        system.publish(random_events(500), [orjson.dumps({"event_id": "e1", "label": "spam", "ts": START_MS})])
        system.wait_until_decided()

        system.settings = stranger
        system.push_rules(RULEBOOKS / "swarm")
        wait_until(lambda: worker.metric("floodgate_updates_refused_total") == 1, "the rulebook is refused")
        system.settings = nobody
        system.publish([], [orjson.dumps({"event_id": "e2", "label": "spam", "ts": START_MS})])
        letters = wait_until(lambda: system.read(ann.topics.dead_letters), "the label is refused")
        assert worker.metric("floodgate_dead_letters_total") >= 1
        assert worker.rulebook() == good
        in_use = read_in_use(nobody)
        assert in_use is not None
        assert in_use[0].id == good  # nor do the commands see what is forged
        assert {dict(letter.headers)["reason"] for letter in letters} == {b"not_a_publishers"}

        system.settings = ann
        system.run("rules", "pause", "big_spender")
        wait_until(lambda: worker.metric("floodgate_rules_paused") == 1, "what is signed is taken")
        worker.kill()
        again = system.start_worker("one")
        wait_until(again.ready, "what was verified last is in force again")
        assert again.rulebook() == good
        assert again.metric("floodgate_rules_paused") == 1
        assert PRIVATE not in again.log


def test_what_is_displaced_on_the_topic_is_put_back(tmp_path: Path) -> None:
    with System(tmp_path, security=msgspec.to_builtins(listed(tmp_path))) as system:
        system.push_rules(FLOOD)
        worker, topic = system.start_worker("one"), system.settings.topics.rulebooks
        wait_until(worker.ready, "it is ready")
        (pushed,) = system.read(topic)
        for value in (b"junk", None):
            with producer(system.settings) as client:
                client.send(topic, value, pushed.key, partition=0).get(timeout=30)

            def is_back() -> bool:
                newest = system.read(topic)[-1]
                return (newest.key, newest.value, newest.headers) == (pushed.key, pushed.value, pushed.headers)

            wait_until(is_back, "it is there again, as compaction would keep it")
        good = worker.rulebook()
        assert good
        fresh = system.start_worker("two")
        wait_until(fresh.ready, "a worker that has verified nothing finds it")
        assert fresh.rulebook() == good
