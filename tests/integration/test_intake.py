"""`floodgate intake`: producers' own topics, in their formats, into decided events."""

import asyncio
import contextlib
import io
import struct
import warnings
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import fastavro
import orjson
import pytest

from engine.dev.pages import read_page
from engine.intake.metrics import IntakeMetrics
from engine.intake.registry import Registry
from engine.intake.source import Source
from engine.settings import Settings
from tests.registry import WITHHELD, SchemaRegistry, real_registry
from tests.system import RULEBOOKS, System, wait_until
from tests.ways import Intake, send

START_MS = 1_772_449_200_000
OLD = {
    "type": "record", "name": "Post", "fields": [
        {"name": "id", "type": "string"},
        {"name": "author", "type": {"type": "record", "name": "Author", "fields": [{"name": "id", "type": "long"}]}},
        {"name": "created", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "body", "type": "string"},
    ],
}  # fmt: skip
NEW = {**OLD, "fields": [*OLD["fields"], {"name": "lang", "type": ["null", "string"], "default": None}]}
SOURCES: dict[str, dict[str, Any]] = {
    "posts": {
        "topic": "cms.posts", "format": "avro", "type": "post", "as_string": ["user_id"],
        "fields": {"event_id": "id", "user_id": "author.id", "ts": "created", "text": "body"},
    },
    "pays": {"topic": "shop.payments", "fields": {"event_id": "no", "user_id": "buyer"}, "types": {"paid": "payment"}},
    "hooks": {"topic": "bus", "format": "cloudevents", "types": {"com.example.like": "like"}},
}  # fmt: skip


@pytest.fixture(scope="module", params=["real", "small"])
def registry(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SchemaRegistry]:
    if request.param == "real" and real_registry() is None:
        with warnings.catch_warnings():
            warnings.simplefilter("default")
            warnings.warn(
                "NOT TESTED ON A REAL SCHEMA REGISTRY: Java 17 or Maven is missing, or fetches nothing", stacklevel=1
            )
        pytest.skip("a real schema registry could not be had")
    one = SchemaRegistry(tmp_path_factory.mktemp("registry"), is_real=request.param == "real")
    yield one
    one.stop()


def avro(number: int, schema: Any, document: Any) -> bytes:
    """As Confluent's serializers write it."""
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(schema), document)
    return b"\x00" + struct.pack(">I", number) + out.getvalue()


def post(number: int, **more: Any) -> dict[str, Any]:
    return {"id": f"p-{number}", "author": {"id": number % 3}, "created": START_MS + number, "body": "hi", **more}


def test_old_and_new_schemas_broken_ones_and_a_registry_that_is_away(tmp_path: Path, registry: SchemaRegistry) -> None:
    with System(tmp_path) as system:
        old, new = registry.register("cms.posts-value", OLD), registry.register("cms.posts-value", NEW)
        other = registry.register("odd-value", '{"type": "string"}')
        mixed = [
            avro(new, NEW, post(number, lang="de")) if number % 2 else avro(old, OLD, post(number))
            for number in range(40)
        ]
        intake = Intake(system, registry.url, SOURCES)
        send(system, "cms.posts", mixed)
        wait_until(lambda: intake.metric("floodgate_intake_events_total") == 40, "all are events")
        events = sorted(intake.events(), key=lambda event: int(event["event_id"][2:]))
        assert [event["event_id"] for event in events] == [f"p-{number}" for number in range(40)]
        assert [event.get("lang") for event in events] == [None, "de"] * 20
        assert {(event["type"], event["user_id"], event["text"]) for event in events} == {
            ("post", user, "hi") for user in "012"
        }
        assert events[7]["ts"] == "2026-03-02T11:00:00.007000+00:00"
        wrong = {
            "unknown_schema": avro(999_999, OLD, post(0)), "no_schema_id": b'{"id": "p"}',
            "not_avro": mixed[0][:-3], "not_an_object": avro(other, "string", "text"),
        }  # fmt: skip
        send(system, "cms.posts", [*wrong.values(), avro(old, OLD, post(40))])
        wait_until(lambda: intake.metric("floodgate_intake_events_total") == 41, "the good one is an event")
        assert intake.letters() == wrong

        third = registry.register("cms.posts-value", {**NEW, "doc": "the third"})
        registry.leave()
        send(system, "cms.posts", [avro(third, NEW, post(number, lang="fr")) for number in range(41, 60)])
        away = "floodgate_intake_registry_away_timestamp_seconds"
        wait_until(lambda: intake.metric(away) > 0, "the registry is missed")
        assert intake.metric("floodgate_intake_events_total") == 41
        registry.come_back()
        wait_until(lambda: intake.metric("floodgate_intake_events_total") == 60, "nothing is lost")
        assert intake.metric(away) == 0
        assert len(intake.letters()) == len(wrong)
        intake.kill()


def test_a_number_at_which_the_registry_fails_stops_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In this process, where there need be no pauses between the tries."""
    monkeypatch.setattr("engine.intake.registry._LONGEST_PAUSE_S", 0.05)
    schemas = SchemaRegistry(tmp_path, is_real=False)
    own = {"sources": {"posts": SOURCES["posts"]}, "registry": schemas.url}
    with contextlib.closing(schemas), System(tmp_path, intake=own) as system:
        good = schemas.register("cms.posts-value", OLD)
        numbers = [WITHHELD, good, WITHHELD, good, *range(1_000_000, 1_000_050), good]
        send(system, "cms.posts", [avro(number, OLD, post(at)) for at, number in enumerate(numbers)])
        asyncio.run(_take_in(system.settings, 3, len(numbers) - 3))
        dead = [dict(record.headers)["reason"] for record in system.read(system.settings.topics.dead_letters)]
        assert Counter(dead) == {b"schema_withheld": 2, b"unknown_schema": 50}
        events = [orjson.loads(record.value)["event_id"] for record in system.read(system.settings.topics.events)]
        assert sorted(events) == ["p-1", "p-3", f"p-{len(numbers) - 1}"]


async def _take_in(settings: Settings, events: int, dead: int) -> None:
    """Until so many have come of a source."""
    stopping, metrics = asyncio.Event(), IntakeMetrics(("posts",))

    def count(name: str) -> float:
        return sum(one.value for metric in metrics.registry.collect() for one in metric.samples if one.name == name)

    async with asyncio.timeout(90), Registry(settings.intake, stopping) as registry:
        taking = asyncio.ensure_future(Source(settings, "posts", registry, metrics, stopping).run())
        while (count("floodgate_intake_events_total"), count("floodgate_intake_dead_letters_total")) != (events, dead):
            await asyncio.wait([taking], timeout=0.05)
        stopping.set()
        await taking


AUTHOR_PROTO = 'syntax = "proto3"; package cms; message Author { int64 id = 1; }'
OLD_PROTO = """
syntax = "proto3";
package cms;
import "cms/author.proto";
import "google/protobuf/timestamp.proto";
message Deleted { string id = 1; }
message Post { string id = 1; Author author = 2; google.protobuf.Timestamp created = 3; string body = 4; }
"""
NEW_PROTO = OLD_PROTO.replace(
    "string body = 4;", "string body = 4; optional string lang = 5; repeated string tags = 6;"
)
PAID = {
    "$schema": "http://json-schema.org/draft-07/schema#", "type": "object", "required": ["no", "buyer"],
    "properties": {"buyer": {"type": "string", "pattern": "^[a-z]+$"}, "amount": {"minimum": 0}},
}  # fmt: skip
CHECKED = {
    "posts": {**SOURCES["posts"], "format": "protobuf"},
    "pays": {**SOURCES["pays"], "schema_in_registry": True},
    "hooks": {**SOURCES["hooks"], "schema_file": "hooks.schema.json"},
}


def proto(number: int, post: int, more: bytes = b"") -> bytes:
    """A `Post`, the second message of its schema, as Confluent's serializers write it."""
    author, name = bytes([0x08, post % 3]), f"p-{post}".encode()
    fields = (b"\x0a", name), (b"\x12", author), (b"\x1a", b"\x08\xb0\xdb\x95\xcd\x06"), (b"\x22", b"hi")
    body = b"".join(tag + bytes([len(data)]) + data for tag, data in fields)
    return b"\x00" + struct.pack(">I", number) + b"\x02\x02" + body + more


def test_protobuf_and_json_by_a_schema(tmp_path: Path, registry: SchemaRegistry) -> None:
    """Old and new schemas mixed, what breaks them, and a registry that is away."""
    (tmp_path / "hooks.schema.json").write_text('{"properties": {"data": {"required": ["target_id"]}}}')
    refers = [{"name": "cms/author.proto", "subject": "cms-author", "version": 1}]
    registry.register("cms-author", AUTHOR_PROTO, kind="PROTOBUF")
    old, new = (registry.register("cms.proto-value", one, refers, "PROTOBUF") for one in (OLD_PROTO, NEW_PROTO))
    paid = registry.register("shop.payments-value", PAID, kind="JSON")
    with System(tmp_path) as system:
        sources = {**CHECKED, "hooks": {**CHECKED["hooks"], "schema_file": str(tmp_path / "hooks.schema.json")}}
        intake = Intake(system, registry.url, sources)
        mixed = [
            proto(new, number, b"\x2a\x02de\x32\x01x") if number % 2 else proto(old, number, b"\x2a\x02de")
            for number in range(20)
        ]
        send(system, "cms.posts", mixed)
        wait_until(lambda: intake.metric("floodgate_intake_events_total") == 20, "all are events")
        events = sorted(intake.events(), key=lambda event: int(event["event_id"][2:]))
        assert [event["event_id"] for event in events] == [f"p-{number}" for number in range(20)]
        assert [(event.get("lang"), event.get("tags")) for event in events] == [(None, None), ("de", ["x"])] * 10
        assert {(event["type"], event["user_id"], event["text"]) for event in events} == {
            ("post", user, "hi") for user in "012"
        }
        assert events[7]["ts"] == events[7]["created"] == "2026-03-02T11:00:00+00:00"
        wrong = {
            "unknown_schema": proto(999_999, 0), "no_schema_id": b"\x0a\x01p", "wrong_schema": proto(paid, 0),
            "not_protobuf": proto(old, 0, b"\xa3\x06" * 200),
        }  # fmt: skip
        send(system, "cms.posts", [*wrong.values(), proto(old, 20)])
        prefix = b"\x00" + struct.pack(">I", paid)
        wrong["breaks_schema"] = prefix + b'{"no": "x-1", "buyer": "anna", "amount": -1, "type": "paid"}'
        send(system, "shop.payments", [wrong["breaks_schema"], wrong["breaks_schema"].replace(b"-1,", b"1,")])
        wait_until(lambda: intake.metric("floodgate_intake_events_total") == 22, "the good ones are events")
        assert intake.letters() == wrong
        cloud = b'{"specversion": "1.0", "id": "c-1", "type": "like", "subject": "ben", "data": {"target_id": "p-1"}}'
        send(system, "bus", [cloud.replace(b"target_id", b"target"), cloud])
        wait_until(lambda: intake.metric("floodgate_intake_events_total") == 23, "the one that fits is an event")
        last = system.read(system.settings.topics.dead_letters)
        told = {dict(one.headers)["error"].decode() for one in last if dict(one.headers)["reason"] == b"breaks_schema"}
        assert any("at /amount: -1 is less than" in one for one in told)
        assert any('at /data: "target_id" is a required property' in one for one in told)

        if not registry.is_real:  # a real one is away in the test above, which takes half a minute
            third = registry.register("cms.proto-value", NEW_PROTO + "// the third", refers, "PROTOBUF")
            registry.leave()
            send(system, "cms.posts", [proto(third, number) for number in range(21, 40)])
            away = "floodgate_intake_registry_away_timestamp_seconds"
            wait_until(lambda: intake.metric(away) > 0, "the registry is missed")
            registry.come_back()
            wait_until(lambda: intake.metric("floodgate_intake_events_total") == 42, "nothing is lost")
            assert len(intake.letters()) == len(wrong)
        intake.kill()


def test_several_topics_become_decided_events(tmp_path: Path) -> None:
    with System(tmp_path) as system:
        system.push_rules(RULEBOOKS / "flood")
        system.start_worker("one")
        intake = Intake(system, "http://127.0.0.1:9", SOURCES)
        paid = {"no": "x-1", "buyer": "anna", "type": "paid", "amount": 5, "ts": START_MS, "event_id": "mine"}
        structured = {
            "specversion": "1.0", "id": "c-1", "source": "/app", "type": "com.example.like", "subject": "ben",
            "time": "2026-03-02T11:00:00Z", "data": {"target_id": "p-1", "user_id": "somebody else"},
        }  # fmt: skip
        headers = {name: f"{value}".encode() for name, value in structured.items() if name != "data"}
        binary = [(f"ce_{name}", value) for name, value in headers.items() if name != "id"] + [("ce_id", b"c-2")]
        send(
            system,
            "shop.payments",
            [orjson.dumps(paid), b"{", b"\x00\x00\x00\x00\x07" + orjson.dumps({**paid, "no": "x-2"})],
        )
        send(system, "bus", [orjson.dumps(structured), b'{"id": "c"}'])
        send(system, "bus", [b'{"target_id": "p-2"}'], binary)
        wait_until(lambda: intake.metric("floodgate_intake_events_total") == 4, "all are events")
        events = {event["event_id"]: event for event in intake.events()}
        assert events.keys() == {"x-1", "x-2", "c-1", "c-2"}
        assert (events["x-1"]["type"], events["x-1"]["user_id"], events["x-1"]["amount"]) == ("payment", "anna", 5)
        for name, target in (("c-1", "p-1"), ("c-2", "p-2")):
            assert (events[name]["type"], events[name]["user_id"]) == ("like", "ben")
            assert events[name]["target_id"] == target
        assert intake.letters().keys() == {"not_json", "no_cloudevent"}
        system.wait_until_decided()
        for record in system.read(system.settings.topics.events):
            assert record.key == orjson.loads(record.value)["user_id"].encode()
        intake.kill()


def _has_events(intake: Intake, count: int) -> bool:
    return len(intake.events()) > count


def test_each_message_is_one_event_however_often_it_is_killed(tmp_path: Path) -> None:
    with System(tmp_path) as system:
        intake = Intake(system, "http://127.0.0.1:9", SOURCES)
        documents = [
            {"no": f"x-{number}", "buyer": f"u{number % 7}", "type": "paid", "ts": START_MS + number}
            for number in range(6_000)
        ]
        send(system, "shop.payments", [orjson.dumps(one) for one in documents[:3_000]])
        for count in (1, 1_500, 2_500):
            wait_until(partial(_has_events, intake, count), "some are events")
            intake.kill()
            intake.start()
        send(system, "shop.payments", [orjson.dumps(one) for one in documents[3_000:]])
        wait_until(lambda: len(intake.events()) > 4_500, "more are events")
        intake.kill()
        intake.start()
        wait_until(lambda: len(intake.events()) >= 6_000, "all are events")
        wait_until(lambda: '"ready"' in read_page(intake.port, "/readyz"), "it is ready")
        wait_until(lambda: intake.metric("floodgate_intake_lag") == 0, "nothing is left")
        ids = [event["event_id"] for event in intake.events()]
        assert len(ids) == len(set(ids)) == 6_000
        intake.kill()
