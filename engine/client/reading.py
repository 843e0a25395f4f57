"""Actions from their topic, each once: ids in a file, offsets at the brokers."""

import time
from collections.abc import Collection, Generator, Iterator
from contextlib import closing, suppress
from typing import Any

import orjson
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import CommitFailedError, RebalanceInProgressError
from kafka.structs import MemberState, OffsetAndMetadata

from engine.client.action import Action, make_action
from engine.delivery.reading import ActionReader
from engine.delivery.receiver import kept_ms
from engine.delivery.store import DeliveryStore
from engine.delivery_settings import ReceiverSettings
from engine.locks import only_one
from engine.settings import Settings, load_settings
from engine.stream.kafka.clients import options

_POLL_MS = 500
_MOST_AT_ONCE = 100
_COMMIT_S = 1.0


def actions(
    settings: Settings | None = None, *, group: str | None = None, store: str = ".floodgate/actions.db",
    kinds: Collection[str] = (), target_types: Collection[str] = (), idle_s: float | None = None,
) -> Iterator[Action]:  # fmt: skip
    """Actions as they come, without end; in order for each target.

        for action in engine.client.actions(kinds=["limit"]):
            carry_out(action)

    An action counts as carried out when the loop asks for the next one: raise, break or crash before that, and it comes
    again. What has been carried out does not come again, nor does what is over or was revoked before. It may take long:
    after five minutes the group goes on without this process, which joins it anew.

    `settings`: by default those of the environment. `group`: the consumer group; by default `enforcement`, with the
    environment before it where one is set. `store`: a file that keeps the ids;
    one process at a time uses it. `kinds`, `target_types`: only these; empty: all but `add` and `mark`. `idle_s`: end
    when all is read and nothing has come for so long.

    Raises SettingsError, StoreError, and what kafka-python raises where no broker answers."""
    settings = settings or load_settings()
    group = settings.in_environment("enforcement") if group is None else group
    which = ReceiverSettings("http://localhost/", "", kinds=frozenset(kinds), target_types=frozenset(target_types))
    reader = ActionReader(settings, which)
    with only_one(f"{store}.lock", f"uses {store}"), closing(DeliveryStore(store)) as known:
        is_over = False
        while not is_over:
            consumer = KafkaConsumer(
                settings.topics.actions, **options(settings), group_id=group, enable_auto_commit=False,
                auto_offset_reset="earliest",
            )  # fmt: skip
            with closing(_Reading(consumer, reader, known, group, kept_ms(settings))) as reading:
                is_over = yield from reading.all(idle_s)


class _Reading:
    """While this process is in the group: what it still has in hand when it no longer is, may be another's."""

    def __init__(
        self, consumer: KafkaConsumer, reader: ActionReader, known: DeliveryStore, group: str, kept_ms: int
    ) -> None:
        self._consumer, self._reader, self._known, self._group = consumer, reader, known, group
        self._kept_ms = kept_ms
        self._done: dict[TopicPartition, Any] = {}
        self._committed_s = time.monotonic()

    def all(self, idle_s: float | None) -> Generator[Action, None, bool]:
        """Actions until nothing has come for so long, then True; False when the group has gone on without this one."""
        try:
            yield from self._until_idle(idle_s)
        except (CommitFailedError, RebalanceInProgressError):
            self._done = {}
            return False
        return True

    def _until_idle(self, idle_s: float | None) -> Iterator[Action]:
        came_s = time.monotonic()
        while True:
            polled = self._consumer.poll(timeout_ms=_POLL_MS, max_records=_MOST_AT_ONCE)
            for tp, records in polled.items():
                for record in records:
                    yield from self._one(record)
                    self._done[tp] = OffsetAndMetadata(record.offset + 1, "", -1)
                    self._commit(_COMMIT_S)
            now_s = time.monotonic()
            came_s = now_s if polled or not self._has_joined() else came_s
            self._commit(_COMMIT_S)
            if idle_s is not None and now_s - came_s >= idle_s and self._is_at_end():
                return

    def _has_joined(self) -> bool:
        """Whether the group has given this process a share, which may be nothing."""
        return bool(self._consumer.group_metadata().state is MemberState.STABLE)

    def _is_at_end(self) -> bool:
        """Whether nothing is left of this process's share: what is there may be slow to come."""
        ends = self._consumer.end_offsets(list(self._consumer.assignment()))
        return all(self._consumer.position(tp) >= end for tp, end in ends.items())

    def _one(self, record: Any) -> Iterator[Action]:
        read = self._reader.read(record)
        if isinstance(read, str) or self._known.knows(self._group, read.action_id):
            return
        action = make_action(orjson.loads(read.action), read.published_ms)
        if not action.is_over():
            yield action
        now_ms = time.time_ns() // 1_000_000
        for action_id in filter(None, (action.action_id, action.revokes)):
            self._known.note_delivered(self._group, action_id, now_ms)

    def _commit(self, every_s: float) -> None:
        now_s = time.monotonic()
        if self._done and now_s - self._committed_s >= every_s:
            self._consumer.commit(self._done)
            self._done, self._committed_s = {}, now_s
            self._known.prune(time.time_ns() // 1_000_000 - self._kept_ms)

    def close(self) -> None:
        """Commit what is done, and leave the group."""
        try:
            with suppress(CommitFailedError, RebalanceInProgressError):  # the store knows what is done
                self._commit(0)
        finally:
            self._consumer.close(autocommit=False)
