"""What an event's way to its entities costs: CPU per event with none to three entities, and with one that half of all
events name."""

import orjson

from benchmarks.engine import Stream, Work, publish
from benchmarks.measure import measure_engine
from engine.dev.broker.process import BrokerProcess
from engine.dev.pages import free_port
from engine.rulebook.compiler import load_rulebook
from engine.settings import Settings

KINDS = ("device_id", "ip", "target_id")
_USER_RULES = """
version: 1
counters:
  posts_1m: {count: post, by: user_id, over: 1m}
  messages_1h: {count: message, by: user_id, over: 1h}
"""


def rules(stops: int, probing: bool = False) -> dict[str, str]:
    """A rulebook whose events visit so many entities. `probing`: it acts on the events that ask for it."""
    counters = "".join(
        f"  users_{kind}: {{distinct: user_id, of: any, by: {kind}, over: 10m}}\n" for kind in KINDS[:stops]
    )
    clauses = ["posts_1m > 70", *(f"users_{kind} > 30" for kind in KINDS[:stops])]
    made = "".join(
        f"  rule_{index}: {{event: any, when: ['{clause}', messages_1h >= 0], then: {{flag: busy}}}}\n"
        for index, clause in enumerate(clauses)
    )
    if probing:
        met = "".join(f", users_{kind} >= 1" for kind in KINDS[:stops])
        made += f"  probe: {{event: any, when: [event.probe{met}], then: {{flag: probe, target: event}}}}\n"
    return {"rules.yaml": f"{_USER_RULES}{counters}rules:\n{made}"}


def hot(stream: Stream) -> Stream:
    """The same stream, half of it from one device."""
    made = []
    for index, (key, value) in enumerate(stream):
        event = orjson.loads(value)
        if index % 2:
            event["device_id"] = "hot"
        made.append((key, orjson.dumps(event)))
    return made


def measure_hops(stops: int, stream: Stream) -> float:
    """CPU per event over a stream that is there already."""
    with BrokerProcess("--retention-mb", "0") as broker:
        settings = Settings(brokers=broker.address, partitions=4, standby_replicas=0)
        publish(settings, Work(load_rulebook(rules(stops)), stream))
        done = "floodgate_routed_events_total" if stops else "floodgate_events_total"
        return measure_engine(settings, len(stream), free_port(), done).cpu_us_per_event
