"""Publishes events as a platform should: docs/contract.md. It needs kafka-python alone.

    python examples/producer.py --broker 127.0.0.1:9092 < events.jsonl

Each line is a JSON object with at least `user_id` and `type`. It gets an `event_id` and a `ts` where it has none.
"""

import argparse
import json
import sys
import time
import uuid
from collections.abc import Iterable
from typing import Any

from kafka import KafkaProducer


def event_of(happened: dict[str, Any]) -> dict[str, Any]:
    """The event for something that happens now. Its id and time are made once, so that it is the same when it is sent
    again."""
    return {"event_id": uuid.uuid4().hex, "ts": time.time_ns() // 1_000_000, **happened}


def publish(producer: KafkaProducer, topic: str, events: Iterable[dict[str, Any]]) -> int:
    """Send events under their users, and wait until the broker has all of them; returns how many. Raises KafkaError for
    the first that it has not: send that one again as it is."""
    sent = [
        producer.send(topic, key=event["user_id"].encode(), value=json.dumps(event, ensure_ascii=False).encode())
        for event in events
    ]
    producer.flush()
    for one in sent:
        one.get(timeout=30)
    return len(sent)


def main() -> None:
    """Publish what is on standard input."""
    options = argparse.ArgumentParser(description="Publish events, one JSON object a line.")
    options.add_argument("--broker", default="127.0.0.1:9092")
    options.add_argument("--topic", default="events")
    given = options.parse_args()
    # `acks="all"`: an event that one broker alone has is lost with it. TLS and SASL are further options here.
    producer = KafkaProducer(bootstrap_servers=given.broker, acks="all", linger_ms=5)
    try:
        count = publish(producer, given.topic, (event_of(json.loads(line)) for line in sys.stdin if line.strip()))
    finally:
        producer.close()
    print(f"published {count} events")


if __name__ == "__main__":
    main()
