"""What has no label is presumed to be ham when one would have come, on real topics, though the trainer is killed."""

from itertools import count
from pathlib import Path

import orjson

from engine.learning.models import LearnedModel
from engine.learning.trainer import Trainer
from engine.stream.admin.publishing import read_models
from engine.stream.handlers.label_messages import decode_example
from tests.events import START_MS
from tests.system import System, wait_until
from tests.unit.learning.inputs import same

RULES = """
version: 1
models: {installs: {categories: [event.app], presume: 1, presume_after: learned, min_labels: 10}}
rules: {likely: {event: click, when: [score.installs > 0.9], then: {flag: likely}}}
"""
MINUTE_MS = 60_000
FIRST, TOLD = 40, 30


def click(at: int) -> bytes:
    named = {"event_id": f"e{at}", "user_id": f"u{at % 5}", "ts": START_MS + at * MINUTE_MS}
    return orjson.dumps({**named, "type": "click", "app": "abc"[at % 3]})


def install(at: int) -> bytes:
    ts_ms = START_MS + (at + 3) * MINUTE_MS
    return orjson.dumps({"event_id": f"e{at}", "user_id": f"u{at % 5}", "label": "spam", "ts": ts_ms})


def test_who_learns_next_waits_for_what_was_waited_for(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(RULES)
    with System(tmp_path, snapshot_interval_ms=100, review_share=0.0) as system:
        system.push_rules(tmp_path / "rules.yaml")
        worker = system.start_worker("one")
        wait_until(worker.ready, "it is ready")
        examples = system.settings.topics.examples

        def learned(many: int) -> LearnedModel:
            """The model, as published when it has learned, or waits for, so many examples."""

            def model() -> LearnedModel | None:
                known = read_models(system.settings).get("installs")
                return known if known is not None and known.next_offset >= many else None

            found: LearnedModel = wait_until(model, f"{many} examples are learned")
            return found

        system.publish(map(click, range(FIRST)))
        system.wait_until_decided()
        system.publish([], map(install, range(TOLD)))
        assert learned(FIRST + TOLD).delays.is_known
        for at in count(FIRST):  # until the worker goes by what has been learned
            system.publish([click(at)])
            if learned(TOLD + at + 1).labels < at + 1:
                break
        worker.kill()
        worker.restart()
        wait_until(worker.ready, "it is ready again")
        system.publish([], [install(at)])
        assert learned(TOLD + at + 2).spam == TOLD + 1
        system.publish([click(at + 60)])
        model = learned(TOLD + at + 3)
        assert model.labels == at + 1  # all but the newest, which waits
        assert "labels of spam come after" in system.run("learn", "status")
        undisturbed = Trainer()
        for record in system.read(examples):
            undisturbed.learn(decode_example(record.value), record.offset)
        whole = undisturbed.models["installs"]
        assert same(model, whole)
        assert (model.delays.dump(), len(whole.waiting)) == (whole.delays.dump(), 1)
