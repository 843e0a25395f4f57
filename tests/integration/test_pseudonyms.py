"""People have pseudonyms on every topic but those that need their ids, and on the workers' disks."""

import re
import shutil
from pathlib import Path

import orjson

from engine.core.values.identity import identity_of
from engine.keys.pseudonyms import Pseudonyms
from engine.security import PrivacySettings
from engine.stream.kafka.topics import changelog_topic
from tests.events import swarm_events
from tests.integration.test_forget import MODEL, newest_state, on_disk, scored
from tests.system import RULEBOOKS, Oracle, System, wait_until

KEY = "0123456789abcdef" * 4


def test_only_actions_name_people(tmp_path: Path) -> None:
    rules = Path(shutil.copytree(RULEBOOKS / "swarm", tmp_path / "rules"))
    (rules / "model.yaml").write_text(MODEL)
    (tmp_path / "key").write_text(KEY)
    privacy = PrivacySettings(key_file=str(tmp_path / "key"))
    events = swarm_events(4_000)
    read = [orjson.loads(event) for event in events]
    of = Pseudonyms([KEY], ()).of
    ids = {of(event[name]): event[name] for event in read for name in ("user_id", "ip")}
    post = next(event for event in read if event["type"] == "post")
    user = post["user_id"]
    with System(tmp_path, privacy=privacy, decision_sample=1.0, review_share=1.0) as system:
        names = system.settings.topics
        system.push_rules(rules)
        worker = system.start_worker("one")
        system.publish(events)
        system.wait_until_decided()

        actions = system.actions()
        assert {one["action_id"] for one in actions} == Oracle(rules, system.settings, events).action_ids
        assert {one["user_id"] for one in actions} <= set(ids.values())
        waiting = [orjson.loads(record.value)["user_id"] for record in system.read(names.review)]
        assert user in waiting

        decided = [orjson.loads(record.value) for record in system.read(names.decisions)]
        assert {ids[one["user_id"]] for one in decided} == {event["user_id"] for event in read}
        assert system.run("pseudonym", user).strip() == of(user)
        assert system.run("pseudonym", "--reveal", of(user)).strip() == user

        for name in (user, of(user)):  # whoever has a decision before him has only the pseudonym
            system.run("label", post["event_id"], "spam" if name == user else "ham", "--user", name)
        wait_until(lambda: len(system.read(names.examples)) == 2, "both labels are joined")

        system.run("forget", user)
        own = {identity_of(of(user), event["type"], event["event_id"]) for event in read if event["user_id"] == user}
        state = newest_state(system)
        assert not scored(state) & own
        assert not [key for key, value in state.items() if of(user).encode() in key + value]

        told = [
            record.value or b""
            for topic in (changelog_topic(system.settings), names.decisions, names.hops, names.examples)
            for record in system.read(topic)
            if (record.key or b"") != user.encode()  # the request to forget him
        ]
        system.workers.remove(worker)
        assert worker.stop() == 0
        disk = [key + value for key, value in on_disk(tmp_path / "one").items()]
        everything = b"\n".join([*told, *disk, worker.log.encode()])
        assert of(read[1]["user_id"]).encode() in everything
        assert not re.findall(rb"user-[0-9]+|10[.]0[.][0-9]+[.][0-9]+", everything)
