"""Workers die and others come while events wait for what comes of them: each outcome is learned once, and is right."""

import random
from pathlib import Path
from typing import Any

import orjson

from engine.learning.labels import Example
from engine.learning.sources import LearnedSources
from engine.stream.admin.publishing import read_models
from engine.stream.handlers.label_messages import decode_example
from tests.events import START_MS
from tests.system import System, wait_until

RULES = """
version: 1
outcomes:
  hidden:    {after: impression, is: hide, by: [user_id, target_id], within: 1m}
  installed: {after: click, is: install, by: device_id, within: 1m}
counters:
  seen:    {count: impression, by: user_id, over: 1h}
  clicked: {count: click, by: device_id, over: 1h}
models:
  negative: {outcome: hidden, numbers: [seen]}
  installs: {outcome: installed, numbers: [clicked]}
"""
USERS, TARGETS, DEVICES, EVENTS, WITHIN_MS = 24, 4, 30, 1_600, 60_000
Sent = dict[str, Any]


def events(seed: int) -> list[Sent]:
    rng = random.Random(seed)
    return [
        {"event_id": f"e{at}", "type": rng.choice(("impression", "impression", "hide", "click", "install")),
         "user_id": f"u{rng.randrange(USERS)}", "target_id": f"t{rng.randrange(TARGETS)}",
         "device_id": f"d{rng.randrange(DEVICES)}", "ts": START_MS + 100 * at + rng.randrange(2_000)}
        for at in range(EVENTS)
    ]  # fmt: skip


def recount(made: list[Sent], after: str, comes: str, by: tuple[str, ...]) -> dict[str, str]:
    times: dict[tuple[str, ...], list[int]] = {}
    for one in made:
        if one["type"] == comes:
            times.setdefault(tuple(one[name] for name in by), []).append(one["ts"])
    return {
        one["event_id"]: "spam" if any(one["ts"] < ts <= one["ts"] + WITHIN_MS for ts in came) else "ham"
        for one in made
        if one["type"] == after
        for came in [times.get(tuple(one[name] for name in by), [])]
    }


def learned(system: System) -> dict[str, dict[str, list[str]]]:
    """By model and event, what the trainer learns."""
    sources: dict[str, LearnedSources] = {}
    answers: dict[str, dict[str, list[str]]] = {"negative": {}, "installs": {}}
    for record in system.read(system.settings.topics.examples):
        example: Example = decode_example(record.value, system.settings.partitions)
        if sources.setdefault(example.model, LearnedSources()).take(example.source, example.answered):
            answers[example.model].setdefault(example.event_id, []).append(example.verdict)
    return answers


def test_each_outcome_is_learned_once_though_workers_die(tmp_path: Path) -> None:
    made = events(seed=11)
    right = {
        "negative": recount(made, "impression", "hide", ("user_id", "target_id")),
        "installs": recount(made, "click", "install", ("device_id",)),
    }
    (tmp_path / "rules.yaml").write_text(RULES)
    with System(tmp_path, batch_max_events=40, commit_interval_ms=100) as system:
        system.push_rules(tmp_path / "rules.yaml")
        system.publish(map(orjson.dumps, made))  # of a year ago: in a silent partition it is today once all is read
        one = system.start_worker("one")
        for left in (0.8, 0.5):
            system.wait_until_lag_below(int(EVENTS * left))
            one.kill()
            one.restart()
        two = system.start_worker("two")  # it gets some of the partitions
        wait_until(two.ready, "it is ready")
        system.wait_until_decided()
        one.kill()  # the other one goes on with what waits
        count = sum(map(len, right.values()))
        wait_until(lambda: sum(map(len, learned(system).values())) >= count, "all is known")
        answers = learned(system)
        assert {model: {event: said[-1] for event, said in own.items()} for model, own in answers.items()} == right
        assert all(len(said) == 1 for own in answers.values() for said in own.values())
        labels = {name: len(own) for name, own in right.items()}

        def counts() -> dict[str, int]:
            return {name: model.labels for name, model in read_models(system.settings).items()}

        wait_until(lambda: counts() == labels, "the trainer has learned each")
