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

from engine.intake.events import EventMaker
from engine.intake.registry import Registry
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
FIELDS = {"event_id": "id", "user_id": "author.id", "ts": "created", "text": "body"}
TEXT = "Look at this, everybody: the new one is out, and it is better than anything before. " * 2


class _Known(Registry):
    """A registry that has been asked before."""

    def __init__(self, schema: Any) -> None:
        super().__init__(IntakeSettings(), asyncio.Event())
        self._schema = schema

    async def schema(self, number: int) -> Any:
        """The one."""
        return self._schema


def records(count: int) -> dict[str, list[Any]]:
    """The same events in each format."""
    schema, made = fastavro.parse_schema(SCHEMA), dict[str, list[Any]](json=[], avro=[], cloudevents=[])
    for number in range(count):
        author = {"id": f"user-{number % 997}", "verified": number % 3 == 0, "age_days": number % 400}
        post = {
            "id": f"post-{number}",
            "author": author,
            "created": 1_772_449_200_000 + number,
            "body": TEXT,
            "ip": None,
        }
        out = io.BytesIO()
        fastavro.schemaless_writer(out, schema, post)
        cloud = {
            "specversion": "1.0", "id": post["id"], "source": "/cms", "type": "post", "subject": author["id"],
            "time": "2026-03-02T11:00:00Z", "data": post,
        }  # fmt: skip
        made["json"].append(orjson.dumps(post))
        made["avro"].append(b"\x00" + struct.pack(">I", 7) + out.getvalue())
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
    registry, given = _Known(fastavro.parse_schema(SCHEMA)), records(count)
    makers = {
        name: EventMaker(
            Settings(),
            SourceSettings(
                "t", format=name, fields=FIELDS if name != "cloudevents" else {}, type="post",  # type: ignore[arg-type]
            ),
            registry,
        )
        for name in given
    }  # fmt: skip
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
        print(f"{name:12} {statistics.median(each):7.1f} µs an event {span}, {size:.0f} bytes")
    print(json.dumps(results))


if __name__ == "__main__":
    main()
