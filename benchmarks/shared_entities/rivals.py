"""The peers of workload 2 (`programs/`) and one run of each, on the same broker that the engine has."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson
from confluent_kafka.admin import AdminClient, NewTopic

from benchmarks import engine, peers
from benchmarks.engine import Stream
from benchmarks.measure import Cost
from benchmarks.peers import CLIENT, FAUST, Peer
from benchmarks.shared_entities.programs.job import ACTIONS, RESULT
from benchmarks.shared_entities.recount import Actions
from engine.dev.broker.process import BrokerProcess
from engine.settings import Settings

ROOT = Path(__file__).parents[2]
TIMEOUT_S = 240
PREFIX = 5_000
"""Of the events, for who takes too long for all of them."""

_TOPICS = ("events", "actions", "repartition", "changelog", "by_device", "by_ip", "by_target")
_CONFIGURATION = {"retention.ms": "604800000", "retention.bytes": "-1", "cleanup.policy": "delete"}
"""Quix Streams reads how long topics are kept, and makes its changelogs alike."""

_HAND = (*CLIENT, "rocksdict==0.3.29")
_FLINK = ("apache-flink==1.20.5", "orjson", "pyyaml")


def rivals(events: int) -> tuple[Peer, ...]:
    """Who competes. A command: the program, events, partitions, and what else the program wants to know."""

    def flink(backend: str) -> tuple[str, str]:
        return f"flink {events} 1 {backend}", f"flink {4 * events} 1 {backend}"

    return (
        Peer("by_hand", "hand-written loop, RocksDB, changelog", _HAND, (f"by_hand {events} 1",)),
        Peer("by_hand_4", "the same, four partitions", _HAND, (f"by_hand {events} 4",)),
        Peer("quix", "Quix Streams", (*CLIENT, "quixstreams==3.28.0"), (f"quix {events} 1",)),
        Peer("flink_heap", "Flink in Java, state on the heap, from a file", _FLINK, flink("hashmap"),
             environment="flink"),
        Peer("flink_rocksdb", "Flink in Java, RocksDB, from a file", _FLINK, flink("rocksdb"), environment="flink"),
        Peer("faust", f"Faust, the first {PREFIX:,} events", FAUST, (f"stock_faust {min(PREFIX, events)} 1",)),
    )  # fmt: skip


def measure(peer: Peer, stream: Stream) -> tuple[Cost, Actions]:
    """One run: its cost, and what was decided. Raises RuntimeError when it fails."""
    directory = peers.HOME / "run" / f"entities_{peer.name}"
    directory.mkdir(parents=True, exist_ok=True)
    first = _run(peer, peer.commands[0], stream, directory)
    actions = _actions(directory)
    if len(peer.commands) > 1:  # of two lengths the difference counts: what starting takes is left out
        longer = _run(peer, peer.commands[1], stream, directory)
        first = {name: longer[name] - value for name, value in first.items()}
    return Cost(first["cpu_s"] / first["events"] * 1e6, first["wall_s"] / first["events"] * 1e6, 0.0), actions


def answered(peer: Peer) -> int:
    """How many events it decides, of those whose answers are compared."""
    return int(peer.commands[0].split()[1])


def _run(peer: Peer, command: str, stream: Stream, directory: Path) -> dict[str, float]:
    program, count, partitions, *more = command.split()
    for name in (RESULT, ACTIONS):
        (directory / name).unlink(missing_ok=True)
    with _broker(stream[: int(count)], int(partitions)) as brokers:
        module = f"{__package__}.programs.{program}"
        run = subprocess.run(
            [peers.interpreter(peer.environment), "-W", "ignore", "-m", module, brokers, count, partitions,
             str(directory), *more],
            cwd=peers.HOME, env={**os.environ, "PYTHONPATH": str(ROOT)}, timeout=TIMEOUT_S, check=False,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        )  # fmt: skip
    if not (directory / RESULT).exists():
        raise RuntimeError(f"{command} ended with {run.returncode}: {run.stderr.decode(errors='replace')[-500:]}")
    result: dict[str, float] = orjson.loads((directory / RESULT).read_bytes())
    return result


def _actions(directory: Path) -> Actions:
    lines = (directory / ACTIONS).read_bytes().splitlines()
    return {action["event_id"]: tuple(action["rules"]) for action in map(orjson.loads, lines)}


@contextmanager
def _broker(stream: Stream, partitions: int) -> Iterator[str]:
    """The engine's broker, with the events and empty topics."""
    with BrokerProcess("--retention-mb", "0") as broker:
        client = AdminClient({"bootstrap.servers": broker.address})
        topics = [NewTopic(name, partitions, 1, config=_CONFIGURATION) for name in _TOPICS]
        for created in client.create_topics(topics).values():
            created.result()
        settings = Settings(brokers=broker.address)
        engine.send(settings, settings.topics.events, stream)
        yield broker.address
