"""What goes wrong in the night: how it begins, what is paged, and what somebody does about it."""

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from engine.dev.broker.process import BrokerProcess
from engine.dev.kafka.cluster import KafkaCluster
from engine.stream.kafka.topics import create_topics
from tests.night.moderation import judge, latest
from tests.night.traffic import Traffic
from tests.system import System, WorkerProcess, wait_until

POISON = "version: 1\nrules: {r: {event: x, when: [oops], then: {flag: x}}}\n"


@dataclass(slots=True)
class Night:
    """What there is: a cluster, two workers, producers."""

    kafka: KafkaCluster
    system: System
    workers: list[WorkerProcess]
    traffic: Traffic


@dataclass(frozen=True, slots=True)
class Fault:
    """`pages`: the alerts that have to fire, and no others, but for those that `may` come along; `mend`: what somebody
    does then."""

    name: str
    begin: Callable[[Night], None]
    mend: Callable[[Night], None]
    resolved_by: str
    pages: frozenset[str]
    may: frozenset[str] = frozenset()
    lasts_s: float = 0.0
    """At least so long, also when it was paged before."""


def _kill_broker(night: Night) -> None:
    night.kafka.nodes[0].kill()


def _start_broker(night: Night) -> None:
    night.kafka.nodes[0].start()
    night.kafka.nodes[0].wait_until_up()


def _publish_poison(night: Night) -> None:
    night.system.publish_rulebook({"rules.yaml": POISON})


def _push_from_staging(night: Night) -> None:
    night.system.publish_rulebook({"rules.yaml": POISON}, for_app="staging")


def _start_on_another_cluster(night: Night) -> None:
    """As after a wrong `brokers`: the worker ends at once, and says so."""
    worker = night.workers[0]
    worker.stop()
    with BrokerProcess() as other:
        settings = msgspec.structs.replace(night.system.settings, brokers=other.address)
        create_topics(settings)
        worker.configure(settings)
        worker.restart()
        assert worker.wait_until_ended() == 2
    assert "is of the Kafka cluster" in worker.reason


def _start_on_the_right_cluster(night: Night) -> None:
    night.workers[0].configure(night.system.settings)
    _start_again(night)


def _start_again(night: Night) -> None:
    night.workers[0].restart()


def _fill_disk(night: Night) -> None:
    night.workers[0].fill_disk()
    wait_until(night.workers[0].has_ended, "it ends", 120)


def _upgrade(night: Night) -> None:
    for worker in night.workers:
        worker.stop()
        worker.restart()
        wait_until(worker.ready, f"{worker.name} is ready")


def _nothing(_: Night) -> None:
    """It resolves itself."""


def _silence(night: Night) -> None:
    night.traffic.is_silent = True


def _speak(night: Night) -> None:
    night.traffic.is_silent = False


def _skew(night: Night) -> None:
    night.traffic.ahead_ms = 3_600_000


def _set_clocks(night: Night) -> None:
    night.traffic.ahead_ms = 0


def _judge_wrongly(night: Night) -> None:
    """Two say what is true; then a third says the opposite of everything."""
    colleagues = latest(night.traffic.sent, 120)
    for start, moderator in enumerate(("ann", "ben")):
        judge(night.system, colleagues[start::2], moderator)
    begins = night.traffic.sent
    wait_until(lambda: night.traffic.sent > begins + 1_000, "there are posts that the model has scored")
    judge(night.system, latest(night.traffic.sent, 40), "eve", right=False)


def _quarantine(night: Night) -> None:
    night.system.run("learn", "quarantine", "eve")


AWAY = frozenset({"FloodgateBrokersAway", "FloodgateNotReady"})
DOWN = frozenset({"FloodgateWorkerDown"})
REFUSED = frozenset({"FloodgateUpdateRefused"})

FAULTS = [
    Fault("rolling upgrade", _upgrade, _nothing, "nothing to do", frozenset()),
    Fault("producers silent", _silence, _speak, "the producers", frozenset({"FloodgateNoEvents"})),
    Fault("producers' clocks an hour ahead", _skew, _set_clocks, "the producers", frozenset({"FloodgateSkewedEvents"})),
    Fault("poisoned rulebook", _publish_poison, _nothing, "the one before stays in use", REFUSED),
    Fault("staging pushes on production", _push_from_staging, _nothing, "it is refused", REFUSED),
    Fault("a worker is given another cluster", _start_on_another_cluster, _start_on_the_right_cluster,
          "`brokers` as it was", DOWN),
    Fault("a worker's disk is full", _fill_disk, _start_again, "room on the disk, a start", DOWN),
    Fault("a moderator gone bad", _judge_wrongly, _quarantine, "`floodgate learn quarantine`",
          frozenset({"FloodgateModeratorDoubted"}), frozenset({"FloodgateModelDrift"})),
    Fault("Kafka killed for two minutes", _kill_broker, _start_broker, "Kafka started again", AWAY,
          frozenset({"FloodgateNoEvents"}), 120),
]  # fmt: skip
