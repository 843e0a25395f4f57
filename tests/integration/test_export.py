"""`floodgate export`: the files equal the topics, also when the process is killed in between."""

import os
import re
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import orjson
import pytest
from kafka.admin import NewTopic

from engine.dev.pages import metric_sum, read_page
from engine.stream.kafka.clients import admin
from tests import forks
from tests.events import random_events
from tests.system import RULEBOOKS, System, wait_until
from tests.ways import Exporting

PAGE = Path(__file__).parents[2] / "docs/warehouse.md"
QUERIES = re.findall(r"\*\*(\d+)\. .*?```sql\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
(VIEWS,) = re.findall(r"```sql\n(CREATE VIEW.*?)```", PAGE.read_text("utf-8"), re.DOTALL)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A system that has decided, acted, been judged, and taken some of it back."""
    with System(tmp_path_factory.mktemp("system")) as system:
        system.push_rules(RULEBOOKS / "flood")
        system.start_worker("one")
        system.publish(random_events(1_500, seed=7))
        system.wait_until_decided()
        acted = system.actions()
        labels = [
            {"event_id": action["event_id"], "user_id": action["user_id"], "ts": action["ts"] + 1_000,
             "moderator": "mia", "label": "ham" if number % 4 == 0 else "spam"}
            for number, action in enumerate(acted)
        ]  # fmt: skip
        system.publish([], map(orjson.dumps, labels))
        system.run("actions", "revoke", *[action["action_id"] for action in acted[:5]], "--author", "mia")
        yield system


def topic_rows(system: System, table: str) -> list[dict[str, Any]]:
    """The messages of a topic, by partition and offset; of labels what judges an event."""
    records = sorted(system.read(getattr(system.settings.topics, table)), key=lambda one: (one.partition, one.offset))
    found = [
        {**orjson.loads(one.value), "kafka_partition": one.partition, "kafka_offset": one.offset, "at": one.timestamp}
        for one in records
    ]
    return [row for row in found if table != "labels" or "label" in row]


def same(row: dict[str, Any], message: dict[str, Any]) -> None:
    """A row has what its message has."""
    assert int(row.pop("published").timestamp() * 1_000 + 0.5) == message.pop("at")
    assert int(row.pop("ts").timestamp() * 1_000 + 0.5) == message.pop("ts")
    for name, value in row.items():
        expected: Any = message.get(name)
        if name == "hits":
            assert [(hit["rule"], hit["mode"], hit["effect"], hit["counterfactual"]) for hit in value] == [
                (hit["rule"], hit["mode"], hit["effect"], hit.get("counterfactual")) for hit in expected
            ]
            clauses = [clause for hit in value for clause in hit["clauses"]]
            for clause, said in zip(clauses, (one for hit in expected for one in hit["clauses"]), strict=True):
                assert (clause["text"], clause["result"]) == (said["text"], said["result"])
                assert orjson.loads(clause["value"] or b"null") == said["value"]
        elif isinstance(value, list):
            assert dict(value) == expected
        elif name in ("features", "contributions"):
            assert orjson.loads(value or b"null") == expected
        else:
            assert value == expected, name


def _has_files(exporting: Exporting, count: int) -> bool:
    return len(exporting.files()) >= count


def test_the_files_equal_the_topics_however_often_it_is_killed(filled: System, tmp_path: Path) -> None:
    exporting = Exporting(filled, to=str(tmp_path), most_rows=3)
    for more in (5, 40, 90):
        exporting.start()
        try:
            wait_until(partial(_has_files, exporting, more), f"{more} files are there")
        finally:
            exporting.kill()
    before = exporting.files()
    left = before[0].with_name(".00000-000000000000-000000000002.parquet.new")
    left.write_bytes(b"half of a file")
    assert "rows" in exporting.run("--once")
    assert set(before) <= set(exporting.files())
    assert "each offset is in one file" in exporting.run("--check")
    for table in ("decisions", "actions", "labels"):
        rows, messages = exporting.rows(table), topic_rows(filled, table)
        assert len(rows) == len(messages) > 20
        for row, message in zip(rows, messages, strict=True):
            same(row, message)
    assert exporting.run("--once") == "0 rows\n"


def test_it_goes_on_as_messages_come_and_tells_how_far_it_is(filled: System, tmp_path: Path) -> None:
    exporting = Exporting(filled, to=str(tmp_path), every_s=0.1, tables=["actions"])
    exporting.start()
    many = len(filled.actions())
    wait_until(lambda: len(exporting.rows("actions")) == many, "all actions are in files")
    wait_until(lambda: '"ready"' in read_page(exporting.port, "/readyz"), "it is ready")

    def told(name: str) -> float:
        return metric_sum(read_page(exporting.port, "/metrics"), name)

    wait_until(lambda: told("floodgate_export_rows_total") == many, "they are counted")
    wait_until(lambda: told("floodgate_export_lag") == 0, "nothing is left")
    exporting.kill()


def test_what_could_not_be_read_and_now_can_be_is_well_again_without_a_file(tmp_path: Path) -> None:
    since = "floodgate_export_failing_since_timestamp_seconds"
    with System(tmp_path) as system:
        later = msgspec.structs.replace(system.settings.topics, labels="later")
        system.settings = msgspec.structs.replace(system.settings, topics=later)
        exporting = Exporting(system, tables=["labels"])
        exporting.start()
        wait_until(lambda: metric_sum(read_page(exporting.port, "/metrics"), since) > 0, "it misses the topic")
        with admin(system.settings) as client:
            client.create_topics([NewTopic("later", 1, 1)])
        wait_until(lambda: '"ready"' in read_page(exporting.port, "/readyz"), "it reads the topic")
        wait_until(lambda: metric_sum(read_page(exporting.port, "/metrics"), since) == 0, "it is well again")
        assert exporting.files() == []
        exporting.kill()


def test_faults_are_found(filled: System, tmp_path: Path) -> None:
    exporting = Exporting(filled, to=str(tmp_path), tables=["labels"], most_rows=5)
    exporting.run("--once")
    first = next(path for path in exporting.files() if "/labels/" in str(path) and "000000000000-" in path.name)
    twice = first.with_name(first.name.replace("-000000000000-", "-000000000001-"))
    twice.write_bytes(b"no parquet")
    told = exporting.run("--check", code=1)
    assert "have the same offsets" in told
    assert "cannot be read" in told
    twice.unlink()


def test_an_analysts_ten_questions(filled: System, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the page has them, on what `export` has written; answers are those that the topics give."""
    exporting = Exporting(filled, to=str(tmp_path / "warehouse"))
    exporting.run("--once")
    monkeypatch.chdir(tmp_path)
    database = duckdb.connect()
    database.execute(VIEWS)
    assert [number for number, _ in QUERIES] == [str(number) for number in range(1, 11)]
    answers = {int(number): database.execute(query).fetchall() for number, query in QUERIES}
    actions = [one for one in filled.actions() if one["kind"] != "revoke"]
    revoked = {one["revokes"] for one in filled.actions() if one["kind"] == "revoke"}
    decisions = topic_rows(filled, "decisions")
    assert sum(row[2] for row in answers[1]) == len(decisions)
    assert sum(row[3] for row in answers[1]) == sum(one["outcome"] == "act" for one in decisions)
    assert {(rule, kind): many for rule, kind, many, _ in answers[2]} == Counter(
        (one["rule"], one["kind"]) for one in actions
    )
    assert {rule: (many, taken) for rule, many, taken, _ in answers[3]} == {
        rule: (many, sum(one["rule"] == rule and one["action_id"] in revoked for one in actions))
        for rule, many in Counter(one["rule"] for one in actions).items()
    }
    assert sum(row[1] for row in answers[4]) == len({(one["rule"], one["user_id"], one["event_id"]) for one in actions})
    assert all(0 < row[3] < 1 for row in answers[4])
    shadows = Counter(hit["rule"] for one in decisions for hit in one["hits"] if hit["effect"] == "shadow")
    assert {rule: many for rule, many, _ in answers[5]} == shadows
    assert answers[6][0][1] == Counter(one["user_id"] for one in actions).most_common(1)[0][1]
    assert sum(row[1] for row in answers[7]) == len(actions)
    assert {row[1] for row in answers[8]} == {
        clause["text"] for one in decisions for hit in one["hits"] for clause in hit["clauses"]
    }
    assert [row[0] for row in answers[9]] == sorted({one["rulebook"] for one in decisions})
    assert {label for _, label, _ in answers[10]} == {"spam", "ham"}


def test_a_second_process_is_refused(filled: System, tmp_path: Path) -> None:
    exporting = Exporting(filled, to=str(tmp_path))
    exporting.start()
    wait_until(lambda: '"ready"' in read_page(exporting.port, "/readyz"), "it is ready")
    ran = forks.run("engine.cli", ["export", "--config", str(filled.directory / "export.json"), "--once"], os.environ)
    assert ran.returncode == 2
    assert "another process exports to" in ran.stderr
    exporting.kill()
