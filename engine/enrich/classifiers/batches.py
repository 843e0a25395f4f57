"""Events that go in one request, and each by itself where that fails: one of them may be the reason."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from engine.enrich.answers import Missing
from engine.enrich.classifiers.options import BatchOptions

Sent = dict[str, Any]
_Waiting = tuple[Sent, "asyncio.Future[Any]"]

AskTogether = Callable[[Sequence[Sent]], Awaitable[Sequence[Any]]]
"""Gives what is answered of each. Raises Missing."""


class Batches:
    """Collects what is asked at about the same time. `ask`: one request; `turn_s`: so long the events have together:
    half of it in a batch, the rest each by itself."""

    def __init__(self, options: BatchOptions, ask: AskTogether, turn_s: float) -> None:
        self._options, self._ask = options, ask
        self._batch_s = max(0.0, turn_s - options.wait_ms / 1_000) / 2
        self._waiting: list[_Waiting] = []
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def ask(self, sent: Sent) -> Any:
        """What is answered of one. Raises Missing."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Any] = loop.create_future()
        self._waiting.append((sent, answer))
        if len(self._waiting) >= self._options.most:
            self._send()
        elif self._timer is None:
            self._timer = loop.call_later(self._options.wait_ms / 1_000, self._send)
        return await answer

    async def stop(self) -> None:
        """Ask no more."""
        if self._timer is not None:
            self._timer.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _send(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        waiting, self._waiting, self._timer = self._waiting, [], None
        task = asyncio.ensure_future(self._answer(waiting))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, waiting: list[_Waiting]) -> None:
        waiting = [(sent, answer) for sent, answer in waiting if not answer.done()]
        if not waiting:
            return
        try:
            async with asyncio.timeout(self._batch_s):
                found = await self._ask([sent for sent, _ in waiting])
            for (_, answer), one in zip(waiting, found, strict=True):
                if not answer.done():
                    answer.set_result(one)
        except (Missing, TimeoutError) as error:
            if len(waiting) > 1:
                await asyncio.gather(*(self._answer([one]) for one in waiting))
            else:
                _tell(waiting, error if isinstance(error, Missing) else Missing("timeout"))
        except Exception as error:  # nobody waits for ever
            _tell(waiting, error)


def _tell(waiting: list[_Waiting], error: Exception) -> None:
    for _, answer in waiting:
        if not answer.done():
            answer.set_exception(error)
