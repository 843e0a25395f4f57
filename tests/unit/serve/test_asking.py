"""Questions under way: their bounds, and that each hears its own reply."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from aiokafka.errors import KafkaTimeoutError

from engine.serve.asking import Asking, Heard
from engine.serve.metrics import ServeMetrics
from engine.serve_settings import ServeSettings, SurfaceSettings
from engine.settings import Settings
from engine.stream.handlers.replies import ASKED, Reply

SERVE = ServeSettings({"door": SurfaceSettings(("signup",))}, most_waiting=3, most_waiting_of_user=2)
REPLY = Reply("e", "signup", 0, "none", "1")


class Log:
    """In place of a producer: what it was given, and when it is done."""

    def __init__(self) -> None:
        self.sent = list[tuple[Any, ...]]()
        self.is_down, self.goes_on = False, asyncio.Event()
        self.goes_on.set()

    async def send_and_wait(self, topic: str, value: bytes, key: bytes, headers: Any) -> None:
        """Take an event."""
        self.sent.append((topic, value, key, headers))
        await self.goes_on.wait()
        if self.is_down:
            raise KafkaTimeoutError


def run(work: Callable[[Asking, Log], Coroutine[Any, Any, None]]) -> None:
    async def main() -> None:
        asking, log = Asking(Settings(serve=SERVE), ServeMetrics()), Log()
        asking.producer = log
        await work(asking, log)
        log.goes_on.set()
        await asking.drain()

    asyncio.run(main())


async def begin(asking: Asking, user: bytes, token: bytes, timeout_s: float = 20.0) -> "asyncio.Task[Heard]":
    task = asyncio.ensure_future(asking.ask(user, token, b"event " + token, timeout_s))
    for _ in range(3):
        await asyncio.sleep(0)
    return task


def test_each_question_hears_its_own_reply_and_the_same_event_is_published_once() -> None:
    async def work(asking: Asking, log: Log) -> None:
        first, again = await begin(asking, b"ann", b"1"), await begin(asking, b"ann", b"1")
        other = await begin(asking, b"bea", b"2")
        assert log.sent[0] == ("events", b"event 1", b"ann", [(ASKED, b"1")])
        assert len(log.sent) == 2
        asking.hear(b"1", REPLY)
        asking.hear(b"3", REPLY)
        asking.hear(b"1", REPLY)
        assert await first == await again == Heard(REPLY, is_published=True)
        assert not other.done()
        assert asking.is_waiting_for(b"2")
        assert not asking.is_waiting_for(b"1")
        other.cancel()

    run(work)


def test_what_takes_too_long_says_whether_it_is_on_the_log() -> None:
    async def work(asking: Asking, log: Log) -> None:
        assert await (await begin(asking, b"ann", b"1", 0.01)) == Heard(None, is_published=True)
        log.goes_on.clear()
        assert await (await begin(asking, b"ann", b"2", 0.01)) == Heard(None, is_published=False)
        assert not asking.is_waiting_for(b"2")
        log.is_down = True
        third = await begin(asking, b"ann", b"3")
        log.goes_on.set()
        assert await third == Heard(None, is_published=False)
        asking.producer = None
        assert await (await begin(asking, b"ann", b"4")) == Heard(None, is_published=False)

    run(work)


def test_questions_of_one_user_of_all_and_events_that_kafka_does_not_take_are_bounded() -> None:
    async def work(asking: Asking, log: Log) -> None:
        tasks = [await begin(asking, b"ann", token) for token in (b"1", b"2")]
        assert asking.is_busy_with(b"ann")
        assert not asking.is_busy_with(b"bea")
        assert not asking.is_busy
        tasks.append(await begin(asking, b"bea", b"3"))
        assert asking.is_busy
        for token in (b"1", b"2", b"3"):
            asking.hear(token, REPLY)
        await asyncio.gather(*tasks)
        assert not asking.is_busy
        assert not asking.is_busy_with(b"ann")
        log.goes_on.clear()
        for token in (b"4", b"5", b"6"):
            await (await begin(asking, b"ann", token, 0.001))
        assert asking.is_busy  # though nobody waits any more: they are in memory

    run(work)
