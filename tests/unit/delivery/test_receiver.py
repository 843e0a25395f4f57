"""Who waits for whom, when a receiver does not take all."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
from aiokafka import TopicPartition

from engine.delivery.metrics import DeliveryMetrics
from engine.delivery.receiver import Delivering
from engine.delivery.store import DeliveryStore
from engine.delivery.waiting import Line, Waiting
from engine.delivery.webhook import Answer
from engine.settings import Settings

MOST_WAITING = 40
STUCK = "stuck"


def action(offset: int, target: str) -> Waiting:
    return Waiting(0, offset, f"a-{offset}", ("post", target), 1, b"{}")


class Topic:
    """A consumer of one partition that holds these actions."""

    def __init__(self, actions: Sequence[Waiting], at: int = 0) -> None:
        self._actions, self._at = actions, at

    async def getmany(self, timeout_ms: int, max_records: int) -> dict[TopicPartition, list[Waiting]]:
        """Some more of them."""
        await asyncio.sleep(0)
        few = self._actions[self._at : self._at + max_records]
        self._at += len(few)
        return {TopicPartition("actions", 0): list(few)} if few else {}


class Shop:
    """A receiver. `refuses`: the target that it does not take."""

    def __init__(self, refuses: str = "") -> None:
        self.refuses, self.taken = refuses, list[str]()
        self._targets = dict[str, str]()

    def knows(self, actions: Sequence[Waiting]) -> None:
        """What the actions are about."""
        self._targets = {one.action_id: one.target[1] for one in actions}

    async def post(self, action_id: str, *_: Any) -> Answer:
        """As a webhook."""
        await asyncio.sleep(0)
        if self._targets[action_id] == self.refuses:
            return Answer(is_taken=False, status="422", why="no")
        self.taken.append(action_id)
        return Answer(is_taken=True, status="200", why="")


async def deliver(
    actions: Sequence[Waiting], shop: Shop, path: Path, enough: int, begin: int = 0, most_tries: int = 1_000_000
) -> int:
    """Deliver until the shop has taken so many; up to which offset all is done then."""
    (path / "key").write_text("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw3Kx2pYz0c1s=")
    (path / "key").chmod(0o600)
    own = {
        "url": "http://127.0.0.1:1/", "secret_file": str(path / "key"), "most_waiting": MOST_WAITING,
        "first_retry_ms": 1, "longest_retry_s": 0.001, "most_tries": most_tries,
    }  # fmt: skip
    settings = msgspec.convert({"delivery": {"receivers": {"shop": own}, "store": str(path / "store.db")}}, Settings)
    store, stopping = DeliveryStore(settings.delivery.store), asyncio.Event()
    shop.knows(actions)
    webhook: Any = shop
    delivering = Delivering(settings, "shop", webhook, store, DeliveryMetrics(), stopping)
    reader: Any = SimpleNamespace(read=lambda record: record)
    delivering._reader = reader
    line, topic = Line(MOST_WAITING, 1 << 20), Topic(actions, begin)
    line.start(0, begin)
    async with asyncio.timeout(60), asyncio.TaskGroup() as senders:
        for target in list(delivering._put_off):
            delivering._begin(line, senders, target)
        while len(shop.taken) < enough:
            await delivering._read(topic, line, senders)
        stopping.set()
    store.close()
    return line.positions()[0]


def test_one_target_that_is_not_taken_holds_up_no_other(tmp_path: Path) -> None:
    actions = [action(at, STUCK) for at in range(200)] + [action(at, f"t{at}") for at in range(200, 400)]
    shop = Shop(refuses=STUCK)
    asyncio.run(deliver(actions, shop, tmp_path, 200))
    assert shop.taken == [f"a-{at}" for at in range(200, 400)]


def test_what_is_put_off_comes_in_order_when_the_target_is_taken_also_after_a_restart(tmp_path: Path) -> None:
    actions = [action(at, STUCK if at % 3 else f"t{at}") for at in range(300)]
    shop = Shop(refuses=STUCK)
    done = asyncio.run(deliver(actions, shop, tmp_path, 100))
    assert done == 1  # the first of those that wait in memory
    shop.refuses = ""
    asyncio.run(deliver(actions, shop, tmp_path, 300, begin=done))
    assert len(shop.taken) == len(set(shop.taken)) == 300
    stuck = [one for one in shop.taken if int(one[2:]) % 3]
    assert stuck == sorted(stuck, key=lambda one: int(one[2:]))


def test_what_is_put_off_is_set_aside_while_others_are_taken(tmp_path: Path) -> None:
    actions = [action(at, STUCK if at % 2 else f"t{at}") for at in range(400)]
    shop = Shop(refuses=STUCK)
    asyncio.run(deliver(actions, shop, tmp_path, 200, most_tries=1))
    store = DeliveryStore(str(tmp_path / "store.db"))
    assert 0 < store.count_set_aside("shop") <= 200
    store.close()
