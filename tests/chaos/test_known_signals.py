"""Workers die while a simulated day and its labels come: what is known at the end is what a plain look at the day says.

Each kind of broker has its turn."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest

from engine.core.values.bounds import LEAST
from engine.dev.kafka.cluster import KafkaCluster
from tests.plain_look import HOUR_MS, REMEMBERED, RULES, SIGNALS, PlainLook, the_day
from tests.system import System, wait_until

PROBES = 300
LATE_EVENTS = 12_000
"""Half of the day: whom the probes name has been known for so long, and no longer."""
SECOND_MS, MINUTE_MS = 1_000, 60_000
IS_TRUE = ("guessed", "restless", "is_young_here")
DURATIONS = {"idle": "idle_s", "first_post": "first_s", "rhythm": "rhythm_s"}
QUIET = {"posts_1h", "largest", "triers", "rhythm"}
"""Of these the day has nothing in the hours before its end."""
TOLD_AS = {name: name for name in (*SIGNALS, *REMEMBERED)} | DURATIONS


def rules() -> str:
    """The day's, and one that tells at a probe all that is known."""
    told = " or ".join(name if name in IS_TRUE else f"{name} >= 0" for name in TOLD_AS.values())
    day = RULES.replace("derived: {", "derived: {idle_s: idle / 1s, first_s: first_post / 1s, rhythm_s: rhythm / 1s, ")
    return f"""{day}
  tells:
    event: probe
    when: ['known(user_id) or {told}']
    then: {{flag: x}}
    mode: shadow
"""


@pytest.fixture(params=["embedded", "kafka"])
def system(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[System]:
    """One on each kind of broker."""
    cluster: KafkaCluster | None = request.getfixturevalue("kafka") if request.param == "kafka" else None
    (tmp_path / "rules.yaml").write_text(rules())
    with System(tmp_path, cluster.address if cluster else None, commit_interval_ms=100) as made:
        made.push_rules(tmp_path / "rules.yaml")
        yield made


def probes(events: Sequence[Mapping[str, Any]], after_ms: int) -> list[dict[str, Any]]:
    """Events that name what events at the end of the day have named."""
    late, last_ms = events[-10 * PROBES :: 10], max(event["ts"] for event in events)
    named = ("user_id", "device_id", "ip")
    return [
        {name: event[name] for name in named}
        | {"event_id": f"probe{after_ms + at}", "type": "probe", "ts": last_ms + after_ms + at, "target_id": "u00001"}
        for at, event in enumerate(late)
    ]


def said(system: System) -> dict[str, dict[str, Any]]:
    """By probe, what the rule has told."""
    decisions = map(orjson.loads, (record.value for record in system.read(system.settings.topics.decisions)))
    return {
        one["event_id"]: hit["clauses"][0]["value"]
        for one in decisions for hit in one["hits"] if hit["rule"] == "tells"
    }  # fmt: skip


def test_workers_that_are_killed_know_what_a_plain_look_at_the_day_says(system: System) -> None:
    arrived, labelled = the_day(people=5)
    arrived = arrived[-LATE_EVENTS:]
    events = list({event["event_id"]: event for event in (orjson.loads(arrival.value) for arrival in arrived)}.values())
    happened = {event["event_id"] for event in events}
    labelled = [label for label in labelled if orjson.loads(label.value)["event_id"] in happened]
    # All at once: in a partition that has been read to its end, a worker would tell the time by its own clock.
    system.publish(arrival.value for arrival in arrived)
    workers = [system.start_worker("one"), system.start_worker("two")]
    for worker, left in zip(workers, (0.7, 0.3), strict=True):
        system.wait_until_lag_below(int(len(arrived) * left))
        worker.kill()
        worker.restart()
    system.wait_until_decided(timeout_s=180)
    system.publish([], (label.value for label in labelled))
    wait_until(lambda: system.labels_left() == 0, "all labels are joined")
    system.wait_until_decided()
    soon, later = probes(events, SECOND_MS), probes(events, HOUR_MS + 10 * MINUTE_MS)
    system.publish(map(orjson.dumps, (*soon, *later)))
    system.wait_until_decided()
    told, seen = said(system), PlainLook()
    for event in events:
        seen.arrive(event)
    for label in map(orjson.loads, (label.value for label in labelled)):
        seen.label(label)
    wrong, known = [], set[str]()
    for probe in (*soon, *later):
        right = seen.arrive(probe)
        right |= {name: right[name] / SECOND_MS for name in DURATIONS if right[name] is not None}
        for name, as_ in TOLD_AS.items():
            if name == "unheard" and probe in soon:
                continue  # whether the last waits have ended depends on the worker's clock
            value = told[probe["event_id"]][as_]
            if isinstance(value, dict):  # a lower bound
                is_right = right[name] is not None and value[LEAST] <= right[name] + 0.001
            else:
                is_right = value == pytest.approx(right[name])
                known |= {name} if right[name] else set()
            if not is_right:
                wrong.append((probe["event_id"], name, right[name], value))
    assert wrong == []
    assert {*TOLD_AS} - known <= QUIET
