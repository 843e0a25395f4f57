"""Reference data on running workers: tables that come on topics, databases in files that are replaced."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
from kafka import KafkaProducer
from kafka.admin import NewTopic

from engine.settings import Settings
from engine.stream.kafka.clients import admin, options
from tests.events import START_MS
from tests.mmdb import write_mmdb
from tests.system import System, WorkerProcess, wait_until

RULES = """
version: 1
enrich: {ip: {mmdb: city.mmdb, as: [country]}}
tables: {profile: {topic: users, key: user_id, fields: {plan: text}}}
counters: {posts_by_country: {count: post, by: country, over: 30d}}
rules:
  free:    {event: post, when: ['profile.plan == "free"'], then: {flag: free}}
  abroad:  {event: post, when: ['country == "FR"', posts_by_country >= 1], then: {flag: abroad}}
"""
USERS = 20


def posts(of: str) -> list[bytes]:
    """A post of each user, who claims another plan and country than they have."""
    claims = {"profile.plan": "free", "country": "FR", "reference country": "FR", "reference profile plan": "free"}
    return [
        orjson.dumps(
            {"event_id": f"{of}-{n}", "type": "post", "user_id": f"u{n}", "ts": START_MS, "ip": "192.0.2.1", **claims}
        )
        for n in range(USERS)
    ]


def write_rows(settings: Settings, rows: Mapping[str, Any]) -> None:
    producer = KafkaProducer(**options(settings))
    for key, row in rows.items():
        producer.send("users", key=key.encode(), value=orjson.dumps(row) if row is not None else None)
    producer.flush()
    producer.close()


def send(system: System, of: str) -> dict[str, int]:
    """How often each rule acts on the posts of a round."""
    system.publish(posts(of))
    system.wait_until_decided()
    rules = [action["rule"] for action in system.actions() if action["event_id"].startswith(of)]
    return {rule: rules.count(rule) for rule in sorted(set(rules))}


def rows(worker: WorkerProcess) -> float:
    return worker.metric("floodgate_table_rows")


def test_rows_and_databases_are_used_as_they_come(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(RULES)
    reference = tmp_path / "reference"
    reference.mkdir()
    with System(tmp_path, reference_data_dir=str(reference)) as system:
        with admin(system.settings) as client:
            client.create_topics([NewTopic("users", 3, 1, topic_configs={"cleanup.policy": "compact"})])
        write_rows(system.settings, {f"u{n}": {"plan": "free", "email": "x"} for n in range(USERS)} | {"u0": None})
        system.push_rules(tmp_path / "rules.yaml")
        workers = [system.start_worker("one"), system.start_worker("two")]
        system.wait_until_ready()
        assert [rows(worker) for worker in workers] == [USERS - 1] * 2  # all of it before they decide anything
        assert missing(workers[0]) == ["file city.mmdb"]
        assert send(system, "first") == {"free": USERS - 1}

        write_rows(system.settings, {"u1": {"plan": "pro"}, "u2": None, "u3": [1], "u0": {"plan": "free"}})
        write_rows(system.settings, {f"later-{n}": {"plan": "pro"} for n in range(USERS)})  # in every partition
        write_mmdb(reference / "city.tmp", {"192.0.2.0/24": {"country": {"iso_code": "FR"}}})
        (reference / "city.tmp").replace(reference / "city.mmdb")
        wait_until(lambda: [rows(worker) for worker in workers] == [2 * USERS - 1] * 2, "both know the rows")
        wait_until(lambda: [missing(worker) for worker in workers] == [[], []], "both have the database")
        assert [worker.metric("floodgate_table_rows_refused_total") for worker in workers] == [1, 1]
        assert send(system, "second") == {"abroad": USERS, "free": USERS - 2}
        decisions = [orjson.loads(record.value) for record in system.read(system.settings.topics.decisions)]
        told = [decision["enrichment"] for decision in decisions if decision["event_id"].startswith("second")]
        assert told
        assert all(versions == {"city.mmdb": "2026-11-03"} for versions in told)


def missing(worker: WorkerProcess) -> list[str]:
    page = wait_until(lambda: worker.get("/readyz"), "it is ready")
    named: list[str] = orjson.loads(page)["missing"]
    return named


def test_a_topic_that_is_not_there_keeps_no_worker_waiting(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(RULES)
    with System(tmp_path, reference_data_dir=str(tmp_path)) as system:
        system.push_rules(tmp_path / "rules.yaml")
        worker = system.start_worker("one")
        wait_until(worker.ready, "it is ready")
        assert missing(worker) == ["file city.mmdb", "topic users"]
        assert send(system, "first") == {}
