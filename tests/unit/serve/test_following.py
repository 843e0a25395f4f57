"""Which replies are believed."""

import asyncio
from types import SimpleNamespace
from typing import Any

import msgspec
from aiokafka import TopicPartition

from engine.security import SecuritySettings
from engine.serve.asking import Asking, Heard
from engine.serve.following import Following
from engine.serve.metrics import ServeMetrics
from engine.settings import Settings
from engine.stream.handlers.replies import Reply
from engine.stream.kafka.sealing import Seals

SETTINGS = Settings(security=SecuritySettings(worker_key="w" * 40))
TOKEN, REPLY = b"t" * 16, Reply("e", "signup", 1, "act", "1")
HERE = TopicPartition("replies", 0)


def record(offset: int, value: bytes, *, key: bytes = TOKEN, sealed_for: bytes | None = None) -> Any:
    """A reply under a token. `sealed_for`: the token that its seal is about; None: without a seal."""
    seal = Seals(SETTINGS).header("replies", sealed_for, value) if sealed_for is not None else None
    headers = [seal] if seal is not None else []
    return SimpleNamespace(topic="replies", key=key, value=value, headers=headers, offset=offset)


def test_only_what_a_worker_has_sealed_for_this_question_is_heard() -> None:
    async def main() -> None:
        asking, value = Asking(SETTINGS, ServeMetrics()), msgspec.json.encode(REPLY)
        asking.producer = SimpleNamespace(send_and_wait=lambda *_, **__: asyncio.sleep(0))
        following = Following(SETTINGS, asking, ServeMetrics(), asyncio.Event())
        question = asyncio.ensure_future(asking.ask(b"ann", TOKEN, b"event", 20.0))
        await asyncio.sleep(0)
        wrong = [
            record(0, value), record(1, value, sealed_for=b"o" * 16), record(2, b"{", sealed_for=TOKEN),
            record(3, value, key=b"o" * 16, sealed_for=b"o" * 16),
        ]  # fmt: skip
        following._take({HERE: wrong})
        for _ in range(3):
            await asyncio.sleep(0)
        assert not question.done()
        following._take({HERE: [record(4, value, sealed_for=TOKEN)]})
        assert await question == Heard(REPLY, is_published=True)
        assert following._at == {HERE: 5}

    asyncio.run(main())
