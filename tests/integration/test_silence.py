"""After an outage, a partition to which nothing comes waits for what the others have still to read."""

import asyncio
import random
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path
from typing import Any

import kafka
import orjson
from aiokafka import TopicPartition

from engine.core.evaluation.outcomes import Answer
from engine.rulebook.compiler import load_rulebook
from engine.settings import Settings
from engine.stream.handlers.label_messages import decode_example
from engine.stream.kafka.clients import admin, async_options
from engine.stream.kafka.placing import among
from engine.stream.offline.arrivals import Arrival
from engine.stream.offline.engine import OfflineEngine
from engine.stream.worker.fencing import Client
from engine.stream.worker.group import Rests
from tests.events import START_MS
from tests.system import System, wait_until

RULES = """
version: 1
sequences: {unopened: {after: install, none: open, within: 1m, by: user_id}}
outcomes: {installed: {after: click, is: install, by: device_id, within: 20m}}
counters:
  clicked:  {count: click, by: device_id, over: 1h}
  unopened_1h: {count: absent.unopened, by: device_id, over: 1h}
models: {installs: {outcome: installed, numbers: [clicked]}}
rules:
  never_opened:
    event: absent.unopened
    when: [unopened_1h >= 1]
    then: {flag: unpaid, target: event}
"""
SILENT, BUSY = 0, 1
EVENTS, EVERY_MS = 800, 45_000  # ten hours
LATER_MS = 100 * 86_400_000
Sent = dict[str, Any]


def users_of(partition: int) -> Iterator[str]:
    place = among(2)
    return (user for user in (f"u{at}" for at in count()) if place(user.encode()) == partition)


def backlog() -> list[Sent]:
    """One user of the partition that is silent, then only users of the other one; devices are in both."""
    rng, users = random.Random(5), list(islice(users_of(BUSY), 50))
    made = [
        {"event_id": f"e{at}", "type": rng.choice(("click", "click", "install", "open")), "user_id": rng.choice(users),
         "device_id": f"d{rng.randrange(60)}", "ts": START_MS + EVERY_MS * at}
        for at in range(1, EVENTS)
    ]  # fmt: skip
    lone = {"event_id": "e0", "type": "install", "user_id": next(users_of(SILENT)), "device_id": "d0", "ts": START_MS}
    return [lone, *made]


def expected(made: list[Sent], settings: Settings) -> tuple[dict[str, str], set[str]]:
    """By the engine without a broker: what has come of each event, and the ids of the actions."""
    answers: dict[str, str] = {}

    def note(answer: Answer) -> None:
        answers[answer.event_id] = "spam" if answer.answer else "ham"

    engine = OfflineEngine(load_rulebook({"rules.yaml": RULES}), settings, answered=note)
    messages = list(engine.run(Arrival("event", one["ts"], orjson.dumps(one)) for one in made))
    messages += engine.pass_time(LATER_MS)
    acted = [orjson.loads(message.value) for message in messages if message.topic == settings.topics.actions]
    return answers, {action["action_id"] for action in acted}


def learned(system: System) -> dict[str, str]:
    records = system.read(system.settings.topics.examples)
    examples = (decode_example(record.value, system.settings.partitions) for record in records)
    return {example.event_id: example.verdict for example in examples}


def test_it_is_no_later_in_a_silent_partition_than_in_what_others_have_still_to_read(tmp_path: Path) -> None:
    made = backlog()
    (tmp_path / "rules.yaml").write_text(RULES)
    with System(tmp_path, partitions=2, batch_max_events=2, commit_interval_ms=100) as system:
        answers, acted = expected(made, system.settings)
        system.push_rules(tmp_path / "rules.yaml")
        system.publish(map(orjson.dumps, made))
        one = system.start_worker("one")
        system.wait_until_decided()
        wait_until(lambda: len(learned(system)) >= len(answers), "all is known")
        wait_until(lambda: {action["action_id"] for action in system.actions()} >= acted, "all is acted on")
        assert 'floodgate_outcomes_total{as="late"}' not in one.get("/metrics")
        assert learned(system) == answers
        assert {action["action_id"] for action in system.actions()} == acted


def test_markers_and_what_was_deleted_hold_back_nobody(tmp_path: Path) -> None:
    with System(tmp_path, partitions=3) as system:
        events, made = system.settings.topics.events, backlog()[:60]
        system.publish(map(orjson.dumps, made))
        marked, deleted, waiting = (TopicPartition(events, number) for number in range(3))

        async def mark() -> None:
            client = Client(async_options(system.settings))
            await client.give_up_transaction("another", marked)
            await client.close()

        ends = {TopicPartition(record.topic, record.partition): record.offset + 1 for record in system.read(events)}
        asyncio.run(mark())
        with admin(system.settings) as client:
            client.delete_records({kafka.TopicPartition(*deleted): -1})
        done = {marked: ends[marked], waiting: 1}
        ends[marked] += 1

        async def look() -> list[dict[TopicPartition, int]]:
            rests = Rests(system.settings)
            return [await rests.look(done, ends) for _ in range(3)]

        nothing, *looked = asyncio.run(look())
        assert nothing == {}  # it may still get on
        assert looked == 2 * [{marked: ends[marked], deleted: ends[deleted], waiting: 1}]
