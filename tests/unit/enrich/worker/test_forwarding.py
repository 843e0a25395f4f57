"""What was enriched becomes durable, over a broker that keeps what it is sent: above all when an epoch is renewed."""

import asyncio
from types import SimpleNamespace
from typing import Any

from faust.types import TP

from engine.enrich.handler import Forward, Forwarding
from engine.enrich.metrics import EnrichMetrics
from engine.enrich.worker.forwarding import ForwardDurability
from engine.enrich.worker.writers import QuietWriter
from engine.errors import WorkerError
from engine.settings import Settings
from engine.stream.kafka.sealing import Seals

EVENTS, RAW = TP("events", 0), TP("raw-events", 0)


class Batch:
    """Offsets that messages come from, with room for two."""

    def __init__(self) -> None:
        self.sources: list[int] = []

    def append(self, headers: list[tuple[str, bytes]], **_: Any) -> object | None:
        if len(self.sources) == 2:
            return None
        self.sources.append(int(headers[-1][1]))
        return object()


class Broker:
    """Writer, writers, sources and application at once. `renews`: whether the next write is under a newer epoch;
    `foreign`: who may write before the former epoch is shut out."""

    def __init__(self) -> None:
        self.written: list[int] = []
        self.renews, self.renewals, self.foreign = False, 0, 0
        self.settings, self.metrics = Settings(), EnrichMetrics()
        self.seals = Seals(self.settings, lambda _: None)
        self.consumer, self.crashed = self, list[BaseException]()

    async def own(self, _: Any) -> None:
        """Nobody else writes."""

    async def get(self, _: TP) -> "Broker":
        if self.renews:
            self.renews, self.renewals = False, self.renewals + 1
            if self.foreign:
                self.written.append(self.foreign)
        return self

    def batch(self) -> Batch:
        return Batch()

    async def send(self, batch: Batch) -> None:
        self.written += batch.sources

    def header(self, _: int, offset: int) -> tuple[str, bytes]:
        return "floodgate-raw", str(offset).encode()

    async def reached(self, _: int) -> int | None:
        return self.written[-1] if self.written else None

    async def crash(self, error: BaseException) -> None:
        self.crashed.append(error)


def forward(broker: Broker, *batches: range) -> list[bool]:
    """Of each batch, whether it became durable; the second and those after it under a newer epoch."""

    async def go() -> list[bool]:
        application: Any = broker
        durability = ForwardDurability(application, application, broker.metrics)
        durability.writers = application
        await durability.own([RAW])
        done = []
        for number, offsets in enumerate(batches):
            broker.renews = number == 1
            outcome, finished = Forwarding(), asyncio.Event()
            outcome.work = asyncio.get_running_loop().create_future()
            outcome.work.set_result([Forward(offset, b"u", b"{}", 0, []) for offset in offsets])
            durability.begin(RAW, outcome, finished.set, lambda: None)
            await durability.drain()
            done.append(finished.is_set())
        return done

    return asyncio.run(go())


def test_batches_go_on_in_order_however_many_messages_fit_into_one() -> None:
    broker = Broker()
    assert forward(broker, range(5), range(5, 6)) == [True, True]
    assert broker.written == [0, 1, 2, 3, 4, 5]
    assert broker.metrics.registry.get_sample_value("floodgate_enriched_events_total") == 6


def test_an_epoch_that_is_renewed_loses_and_repeats_nothing() -> None:
    broker = Broker()
    assert forward(broker, range(2), range(2, 4), range(4, 6)) == [True, True, True]
    assert (broker.written, broker.renewals) == ([0, 1, 2, 3, 4, 5], 1)


def test_what_another_has_written_before_an_epoch_was_renewed_is_not_written_again() -> None:
    broker = Broker()
    broker.foreign = 2
    assert forward(broker, range(2), range(2, 4), range(4, 6)) == [True, False, False]
    assert broker.written == [0, 1, 2]
    assert [type(error) for error in broker.crashed] == [WorkerError]


def test_a_writer_shuts_others_out_before_it_takes_its_epoch_and_writes_no_marker() -> None:
    told: list[str] = []

    class Client:
        async def open(self) -> Any:
            return SimpleNamespace()

        async def epoch(self, name: str) -> tuple[int, int]:
            told.append(f"epoch of {name}")
            return 1, len(told)

        async def give_up_transaction(self, name: str, tp: TP) -> None:
            told.append(f"{name} given up on {tp.topic}")

    async def go() -> None:
        client: Any = Client()
        writer = QuietWriter(EVENTS, "one", client)
        assert (await writer.open(), await writer.renew(), writer.is_old()) == (0, 0, False)

    asyncio.run(go())
    assert told == ["one given up on events", "epoch of one"] * 2
