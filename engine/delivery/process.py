"""`floodgate deliver` as a process: all receivers side by side, until it is told to stop."""

import asyncio
import signal
import time
from collections.abc import Sequence

from engine.delivery.metrics import DeliveryMetrics
from engine.delivery.receiver import Delivering
from engine.delivery.store import DeliveryStore, SetAside
from engine.delivery.webhook import Answer, Webhook, open_session
from engine.errors import SettingsError
from engine.locks import only_one
from engine.settings import Settings
from engine.stream.admin.process_pages import process_pages


def deliver(settings: Settings, names: Sequence[str]) -> None:
    """Deliver to these receivers until SIGTERM or SIGINT. Raises SettingsError, StoreError, and OSError where the port
    is taken."""
    path = settings.delivery.store
    with only_one(f"{path}.lock", f"delivers from `delivery.store` {path}"):
        store = DeliveryStore(settings.delivery.store)
        try:
            asyncio.run(_deliver(settings, names, store))
        finally:
            store.close()


async def _deliver(settings: Settings, names: Sequence[str], store: DeliveryStore) -> None:
    stopping, metrics, own = asyncio.Event(), DeliveryMetrics(), settings.delivery
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    async with open_session(own) as session:
        receivers = [
            Delivering(settings, name, Webhook(own.receivers[name], session), store, metrics, stopping)
            for name in names
        ]
        async with process_pages(
            own.host, own.port, metrics.expose, lambda: [one.name for one in receivers if not one.is_reading]
        ):
            await asyncio.gather(*(one.run() for one in receivers))


def send_again(settings: Settings, aside: Sequence[SetAside]) -> list[Answer]:
    """Send once more what was set aside, one after the other; what the receiver takes is set aside no longer. Raises
    SettingsError."""
    unknown = {one.receiver for one in aside} - settings.delivery.receivers.keys()
    if unknown:
        raise SettingsError(f"`delivery.receivers` has no {', '.join(sorted(unknown))}")
    return asyncio.run(_send_again(settings, aside))


async def _send_again(settings: Settings, aside: Sequence[SetAside]) -> list[Answer]:
    store, answers = DeliveryStore(settings.delivery.store), []
    try:
        async with open_session(settings.delivery) as session:
            for one in aside:
                webhook = Webhook(settings.delivery.receivers[one.receiver], session)
                answer = await webhook.post(one.action_id, one.action, one.published_ms)
                answers.append(answer)
                if answer.is_taken:
                    store.note_delivered(one.receiver, one.action_id, time.time_ns() // 1_000_000)
    finally:
        store.close()
    return answers
