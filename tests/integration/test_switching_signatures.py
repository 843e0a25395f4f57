"""Signatures and seals are switched on in a system that runs: first what lacks them is told, then it is refused."""

from pathlib import Path

import msgspec
import orjson

from engine.security import SecuritySettings
from engine.settings import Settings
from engine.stream.kafka.signing import make_keys
from tests.events import START_MS, random_events
from tests.system import RULEBOOKS, System, wait_until

PRIVATE, PUBLIC = make_keys()
UNVERIFIED, REFUSED = "floodgate_messages_unverified_total", "floodgate_updates_refused_total"


def test_first_it_is_told_then_it_is_refused(tmp_path: Path) -> None:
    publishers = tmp_path / "publishers.yaml"
    publishers.write_bytes(orjson.dumps({"ann": {"may": ["rules", "label"], "keys": [{"public": PUBLIC}]}}))

    def secured(settings: Settings, **more: str) -> Settings:
        known = {"publishers_file": str(publishers), "worker_key": "ab" * 32, **more}
        return msgspec.structs.replace(settings, security=SecuritySettings(**known))  # type: ignore[arg-type]  # names

    with System(tmp_path) as system:
        unsecured = system.settings
        system.push_rules(RULEBOOKS / "flood")
        before = system.start_worker("one")
        wait_until(before.ready, "it is ready")
        system.publish(random_events(300, seed=1))
        system.wait_until_decided()
        rulebook = before.rulebook()
        assert before.stop() == 0

        system.settings = secured(unsecured, unverified="warn")  # whoever pushes has no key yet, and is told
        told = system.ran("rules", "push", str(RULEBOOKS / "flood"), "--force").stderr
        assert "this has to be signed" in told and "for now" in told
        warns = system.start_worker("one")
        wait_until(warns.ready, "it is ready")
        assert warns.rulebook() == rulebook
        label = orjson.dumps({"event_id": "e1", "label": "spam", "ts": START_MS})
        system.publish(random_events(300, seed=2), [label])
        system.wait_until_decided()
        assert warns.metric("floodgate_events_total") > 100
        wait_until(lambda: warns.metric(UNVERIFIED) == 3, "both rulebooks and the label are told")
        assert warns.metric(REFUSED) == 0
        assert "`security.unverified` is `warn`" in warns.log

        signed = secured(unsecured, unverified="warn", publisher="ann", publisher_key=PRIVATE)
        system.settings = signed
        assert system.ran("rules", "push", str(RULEBOOKS / "flood"), "--force").stderr == ""
        system.publish(random_events(300, seed=3), [orjson.dumps({"event_id": "e2", "label": "spam", "ts": START_MS})])
        system.wait_until_decided()
        wait_until(lambda: warns.metric("floodgate_labels_total") == 2, "the label is joined")
        assert warns.metric(UNVERIFIED) == 3
        assert warns.stop() == 0

        system.settings = secured(unsecured)
        refuses = system.start_worker("one")
        wait_until(refuses.ready, "it is ready")
        assert refuses.rulebook() == rulebook
        earlier = refuses.metric(REFUSED)
        assert earlier == 2  # what was pushed without a signature
        system.settings = unsecured
        system.push_rules(RULEBOOKS / "swarm")
        wait_until(lambda: refuses.metric(REFUSED) == earlier + 1, "what is not signed is refused")
        assert refuses.rulebook() == rulebook
