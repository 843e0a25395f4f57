"""What an event costs by the format that its producer writes: read, named, checked, written as JSON for `events`.

    python -m benchmarks.formats --events 20000

CPU time of this process; the registry's schema is known, as it is after the first message.
"""

import argparse
import asyncio
import io
import json
import statistics
import struct
import time
from types import SimpleNamespace
from typing import Any

import fastavro
import orjson
from google.protobuf import timestamp_pb2
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

from engine.intake.events import EventMaker
from engine.intake.patience import Patience
from engine.intake.proto_text import read_proto
from engine.intake.registry import Registry
from engine.intake.schemas import Language, Written
from engine.intake_settings import IntakeSettings, SourceSettings
from engine.settings import Settings

ROUNDS = 5
SCHEMA = {
    "type": "record", "name": "Post", "fields": [
        {"name": "id", "type": "string"},
        {"name": "author", "type": {"type": "record", "name": "Author", "fields": [
            {"name": "id", "type": "string"}, {"name": "verified", "type": "boolean"},
            {"name": "age_days", "type": "int"},
        ]}},
        {"name": "created", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "body", "type": "string"},
        {"name": "ip", "type": ["null", "string"]},
    ],
}  # fmt: skip
PROTO = """
syntax = "proto3";
import "google/protobuf/timestamp.proto";
message Post {
  string id = 1; Author author = 2; google.protobuf.Timestamp created = 3; string body = 4; optional string ip = 5;
}
message Author { string id = 1; bool verified = 2; int32 age_days = 3; }
"""
JSON_SCHEMA = {
    "type": "object", "required": ["id", "author", "created"],
    "properties": {
        "id": {"type": "string", "pattern": "^post-[0-9]+$"},
        "author": {"type": "object", "required": ["id"], "properties": {
            "id": {"type": "string", "maxLength": 64}, "verified": {"type": "boolean"},
            "age_days": {"type": "integer", "minimum": 0},
        }},
        "created": {"type": "integer"}, "body": {"type": "string", "maxLength": 5_000},
        "ip": {"anyOf": [{"type": "null"}, {"format": "ipv4"}, {"format": "ipv6"}]},
    },
}  # fmt: skip
TEXTS = {"AVRO": json.dumps(SCHEMA), "PROTOBUF": PROTO, "JSON": json.dumps(JSON_SCHEMA)}
SOURCES: dict[str, dict[str, Any]] = {
    "json": {}, "json, checked": {"schema_in_registry": True}, "avro": {"format": "avro"},
    "protobuf": {"format": "protobuf"}, "cloudevents": {"format": "cloudevents", "fields": {}},
}  # fmt: skip
FIELDS = {"event_id": "id", "user_id": "author.id", "ts": "created", "text": "body"}
TEXT = "Look at this, everybody: the new one is out, and it is better than anything before. " * 2


class _Known(Registry):
    """A registry that has been asked before."""

    def __init__(self) -> None:
        super().__init__(IntakeSettings(), asyncio.Event())
        self._parsed: dict[str, Any] = {}

    async def schema(self, number: int, language: Language[Any], patience: Patience) -> Any:
        """The one."""
        if language.name not in self._parsed:
            self._parsed[language.name] = language.parse(Written(TEXTS[language.name], {}))
        return self._parsed[language.name]


def post_of_protobuf() -> Any:
    """The kind of message that producers of Protobuf write."""
    pool = DescriptorPool()
    pool.AddSerializedFile(timestamp_pb2.DESCRIPTOR.serialized_pb)
    pool.AddSerializedFile(read_proto(PROTO, "post.proto").SerializeToString())
    return GetMessageClass(pool.FindMessageTypeByName("Post"))


def records(count: int) -> dict[str, list[Any]]:
    """The same events in each format."""
    schema, kind = fastavro.parse_schema(SCHEMA), post_of_protobuf()
    made: dict[str, list[Any]] = {name: [] for name in SOURCES}
    prefix = b"\x00" + struct.pack(">I", 7)
    for number in range(count):
        author = {"id": f"user-{number % 997}", "verified": number % 3 == 0, "age_days": number % 400}
        post = {
            "id": f"post-{number}",
            "author": author,
            "created": 1_772_449_200_000 + number,
            "body": TEXT,
            "ip": None,
        }
        at = {"seconds": 1_772_449_200 + number // 1_000, "nanos": number % 1_000 * 1_000_000}
        out = io.BytesIO()
        fastavro.schemaless_writer(out, schema, post)
        cloud = {
            "specversion": "1.0", "id": post["id"], "source": "/cms", "type": "post", "subject": author["id"],
            "time": "2026-03-02T11:00:00Z", "data": post,
        }  # fmt: skip
        made["json"].append(orjson.dumps(post))
        made["json, checked"].append(prefix + orjson.dumps(post))
        made["avro"].append(prefix + out.getvalue())
        made["protobuf"].append(prefix + b"\x00" + kind(**{**post, "created": at}).SerializeToString())
        made["cloudevents"].append(orjson.dumps(cloud))
    return {
        name: [SimpleNamespace(value=value, headers=[], timestamp=1_772_449_200_000) for value in values]
        for name, values in made.items()
    }


def main() -> None:
    """Print a table, and JSON."""
    options = argparse.ArgumentParser(description="What an event costs by its format.")
    options.add_argument("--events", type=int, default=20_000)
    count = options.parse_args().events
    registry, given = _Known(), records(count)
    makers = {
        name: EventMaker(Settings(), SourceSettings("t", type="post", **{"fields": FIELDS, **own}), registry)
        for name, own in SOURCES.items()
    }
    took: dict[str, list[float]] = {name: [] for name in given}

    async def run(maker: EventMaker, some: list[Any]) -> None:
        for record in some:
            await maker.make(record)

    for _ in range(ROUNDS):  # one after the other, so that a busy minute meets all of them
        for name, maker in makers.items():
            began = time.process_time()
            asyncio.run(run(maker, given[name]))
            took[name].append((time.process_time() - began) / count * 1e6)
    results = {}
    for name, each in took.items():
        size = statistics.mean(len(record.value) for record in given[name])
        results[name] = {"us_per_event": round(statistics.median(each), 2), "bytes": round(size)}
        span = f"({min(each):.1f} to {max(each):.1f})"
        print(f"{name:14} {statistics.median(each):7.1f} µs an event {span}, {size:.0f} bytes")
    print(json.dumps(results))


if __name__ == "__main__":
    main()
