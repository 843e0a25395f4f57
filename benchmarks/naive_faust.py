"""The same counters as Faust's documentation would write them: one windowed table for each counter.

Run as `python -m benchmarks.naive_faust COUNT BROKER`; prints `ready`, then `done` with the count.
Windows are Faust's hopping ones, six hops long, the nearest it has to sliding ones; the rules are the
same, the model is left out. So it does less, and less exactly, than the engine beside it.
"""

import os
import sys
import tempfile
from datetime import timedelta
from typing import Any

import faust

COUNT, BROKER = int(sys.argv[1]), sys.argv[2]
PARTITIONS = 4
HOPS = 6
WINDOWS = {"1m": 60, "1h": 3_600, "1d": 86_400}
SERIES = ("posts", "comments", "messages", "links")
OF_TYPE = {"post": "posts", "comment": "comments", "message": "messages"}

app = faust.App(
    "naive",
    broker=f"kafka://{BROKER}",
    store="rocksdb://",
    datadir=tempfile.mkdtemp(prefix="naive-faust-"),
    topic_partitions=PARTITIONS,
    topic_disable_leader=True,
    web_enabled=False,
    consumer_auto_offset_reset="earliest",
)
source = app.topic("events", key_type=bytes, value_serializer="json")
actions = app.topic("actions", value_serializer="json")
tables: dict[tuple[str, str], Any] = {
    (series, window): app.Table(f"{series}_{window}", default=int, partitions=PARTITIONS)
    .hopping(seconds, seconds // HOPS, expires=timedelta(seconds=2 * seconds))
    .relative_to_stream()
    for series in SERIES
    for window, seconds in WINDOWS.items()
}


def tell(word: str) -> None:
    """Say something on the real standard output: Faust sends the other one to its log."""
    os.write(1, f"{word}\n".encode())


def fired(event: dict[str, Any], n: dict[tuple[str, str], int]) -> list[str]:
    """The ten rules, by hand."""
    age, followers, following = event["account_age_days"], event["followers"], event["following"]
    day = n["posts", "1d"] + n["comments", "1d"] + n["messages", "1d"]
    minute = n["posts", "1m"] + n["comments", "1m"] + n["messages", "1m"]
    rules = {
        "message_flood": n["messages", "1m"] > 70,
        "comment_flood": n["comments", "1m"] > 60 and age < 900,
        "post_flood": n["posts", "1h"] > 120,
        "link_spam": n["links", "1m"] > 25 and age < 400,
        "link_new_account": bool(event["urls"]) and age < 3 and n["links", "1h"] > 3,
        "lonely_messages": n["messages", "1h"] > 40 and followers < 30,
        "low_trust_burst": minute > 60 and followers * 10 < following,
        "day_volume": day > 900,
        "link_share": n["links", "1d"] > 40 and n["links", "1d"] * 2 > day + 1,
    }
    return [name for name, holds in rules.items() if holds]


@app.agent(source)
async def decide(stream: Any) -> None:
    """One event at a time, as the documentation shows it."""
    seen = 0
    async for event in stream:
        user_id, counts = event["user_id"], {}
        for (series, window), table in tables.items():
            if OF_TYPE.get(event["type"]) == series or (series == "links" and event["urls"]):
                table[user_id] += 1
            counts[series, window] = table[user_id].delta(WINDOWS[window] - WINDOWS[window] // HOPS)
        names = fired(event, counts)
        if names:
            await actions.send(value={"event_id": event["event_id"], "rules": names})
        seen += 1
        if seen == 1:
            tell("first")
        if seen == COUNT:
            await app.producer.flush()
            await app.consumer.commit()
            tell("done")


if __name__ == "__main__":
    sys.argv[1:] = ["worker", "--without-web", "-l", "error"]
    app.main()
