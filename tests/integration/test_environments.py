"""Two environments on one Kafka: what is published for one changes nothing in the other."""

import subprocess
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
import orjson
import pytest

from engine.client import actions
from engine.settings import load_settings
from engine.stream.kafka.clients import admin
from engine.stream.kafka.topics import create_topics, topic_specs
from tests.events import START_MS
from tests.system import RULEBOOKS, System, wait_until

PASSIVE = """
version: 1
rules:
  nothing:
    event: post
    when: [event.word == "never"]
    then: {flag: word}
"""


def test_staging_cannot_push_on_production_nor_work_there(tmp_path: Path) -> None:
    (tmp_path / "staging.yaml").write_text(PASSIVE)
    with System(tmp_path) as production:
        production.push_rules(RULEBOOKS / "flood")
        worker = production.start_worker("one")
        wait_until(worker.ready, "it is ready")
        rulebook = worker.rulebook()
        ours, theirs = production.settings, msgspec.structs.replace(production.settings, app_id="staging")

        production.settings = theirs  # somebody who has set another `app_id` and the same topics
        with pytest.raises(subprocess.CalledProcessError) as refused:
            production.push_rules(tmp_path / "staging.yaml")
        assert "the topic rulebooks belongs to 'floodgate'" in refused.value.stderr
        create_topics(theirs)
        stranger = production.start_worker("stranger")
        assert stranger.wait_until_ended() == 2
        assert "belongs to 'floodgate'" in stranger.reason

        production.publish_rulebook({"staging.yaml": PASSIVE}, for_app="staging")
        production.settings = ours
        wait_until(lambda: worker.metric("floodgate_updates_refused_total") == 1, "it is refused")
        assert worker.rulebook() == rulebook
        with pytest.raises(subprocess.CalledProcessError) as looked:
            production.run("status")
        assert rulebook in looked.value.stdout
        assert "is used by no worker: nobody who may has published it" in looked.value.stdout


EACH = """
version: 1
counters:
  own:    {{count: post, by: user_id, over: 1h}}
  shared: {{distinct: user_id, of: post, by: device_id, over: 1h}}
rules:
  {name}:      {{event: post, when: [own >= 2], then: {{flag: {name}}}}}
  of_{name}:   {{event: post, when: [shared == 3], then: {{flag: alone}}}}
  everybodys:  {{event: post, when: [shared >= 4], then: {{flag: together}}}}
"""


def environment(name: str) -> dict[str, Any]:
    """What a setting makes of all names."""
    settings = load_settings(None, {"FLOODGATE_ENVIRONMENT": name})
    topics = msgspec.structs.asdict(settings.topics)
    return {"environment": name, "app_id": settings.app_id, "topics": topics}


def posts(user: str) -> list[bytes]:
    """Three people at one device, of whom each posts twice."""
    fields = {"type": "post", "device_id": "d", "ts": START_MS}
    return [
        orjson.dumps({"event_id": f"e{number}-{again}", "user_id": f"{user}{number}", **fields})
        for number in range(3) for again in range(2)
    ]  # fmt: skip


def test_two_environments_on_one_kafka_see_nothing_of_each_other(tmp_path: Path) -> None:
    for name in ("blue", "green"):
        (tmp_path / name).mkdir()
        (tmp_path / f"{name}.yaml").write_text(EACH.format(name=name))
    with (
        System(tmp_path / "blue", **environment("blue")) as blue,
        System(tmp_path / "green", blue.settings.brokers, **environment("green")) as green,
    ):
        both = {"blue": blue, "green": green}
        for name, system in both.items():
            system.push_rules(tmp_path / f"{name}.yaml")
        workers = [system.start_worker("one") for system in both.values()]
        for worker in workers:
            wait_until(worker.ready, "both are ready")
        for name, system in both.items():
            system.publish(posts(name))
        for name, system in both.items():
            system.wait_until_decided()
            acted = {action["action_id"]: action["rule"] for action in system.actions()}
            assert set(acted.values()) == {name, f"of_{name}"}
            assert system.users().keys() == {f"{name}{number}" for number in range(3)}
            taking: Any = actions(system.settings, store=str(tmp_path / f"{name}.db"))
            with closing(taking) as coming:
                assert {action.action_id: action.rule for action in islice(coming, len(acted))} == acted
        assert [worker.metric("floodgate_updates_refused_total") for worker in workers] == [0, 0]

        green.run("forget", "blue1")
        assert "blue1" in blue.users()
        with admin(blue.settings) as client:
            topics, groups = client.list_topics(), [group["group_id"] for group in client.list_groups()]
        assert set(topics) == {spec.name for system in both.values() for spec in topic_specs(system.settings)}
        assert {name.partition("-")[0] for name in topics} == both.keys()
        assert set(groups) == {f"{name}-{usual}" for name in both for usual in ("floodgate", "enforcement")}
