"""The private seams of Faust and aiokafka that the batch path extends. A failure here means that
upstream has moved: read `engine/stream/worker/consumer.py`, `durability.py` and `recovery.py` again before
changing the pinned version."""

import inspect
import re
from importlib.metadata import version
from typing import Any

import aiokafka
import pytest
from aiokafka.consumer.fetcher import Fetcher, FetchResult
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.producer.message_accumulator import BatchBuilder, MessageAccumulator
from aiokafka.producer.sender import Sender, SendProduceReqHandler
from faust.app.base import App
from faust.stores.rocksdb import RocksDBOptions, Store
from faust.tables.manager import TableManager
from faust.tables.recovery import Recovery
from faust.transport.consumer import Consumer
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Producer, Transport
from faust.transport.drivers.aiokafka import Consumer as DriverConsumer
from faust.web.drivers.aiohttp import Server, Web
from faust.worker import Worker
from mode.threads import ServiceThread
from river import linear_model, optim

from engine.stream.kafka.fetched_records import FetchedRecords
from engine.stream.worker.consumer import BatchConsumer


def source(thing: Any) -> str:
    return inspect.getsource(thing)


def test_the_versions_are_the_ones_that_were_read() -> None:
    assert version("faust-streaming") == "0.15.3"
    assert version("aiokafka") == "0.14.0"
    assert version("kafka-python") == "3.0.12"


@pytest.mark.parametrize(
    "name",
    ["_drain_messages", "_new_offset", "_filter_tps_with_pending_acks", "wait_empty", "perform_seek",
     "on_partitions_revoked", "on_partitions_assigned"],
)  # fmt: skip
def test_what_is_overridden_exists_with_the_same_parameters(name: str) -> None:
    ours, theirs = getattr(BatchConsumer, name), getattr(Consumer, name)
    assert list(inspect.signature(ours).parameters) == list(inspect.signature(theirs).parameters)
    assert inspect.iscoroutinefunction(ours) == inspect.iscoroutinefunction(theirs)


def test_the_fetch_loop_is_started_by_the_fetcher_and_waits_for_records_as_we_do() -> None:
    assert "_wait_next_records(timeout)" in source(Consumer.getmany)
    assert "await self.perform_seek()" in source(Consumer.getmany)
    assert "records, active_partitions" in source(Consumer.getmany)


def test_faust_forgets_acknowledged_offsets_before_a_revocation_commits() -> None:
    """The reason for finishing and committing in `on_partitions_revoked` ourselves."""
    text = source(Consumer.on_partitions_revoked)
    assert text.index("self._acked.pop(tp, None)") < text.index("self._on_partitions_revoked")


def test_faust_lets_a_fetch_wait_longer_than_anything_may_wait_behind_it() -> None:
    """The reason for `Member`, and what it relies on."""
    assert "fetch_max_wait_ms=1500" in source(AIOKafkaConsumerThread._create_worker_consumer)
    assert "self._fetch_max_wait_ms = fetch_max_wait_ms" in source(aiokafka.AIOKafkaConsumer.__init__)
    assert "fetch_max_wait_ms=self._fetch_max_wait_ms" in source(aiokafka.AIOKafkaConsumer.start)
    assert "return AIOKafkaConsumerThread(self, loop=self.loop, beacon=self.beacon)" in source(
        DriverConsumer._new_consumer_thread
    )


def test_faust_serves_in_a_thread_that_is_to_be_replaced() -> None:
    """The reason for `one_loop`, and what it relies on."""
    assert "self._thread = self.Worker(self)" in source(ServiceThread.start)
    assert "self._thread.stop()" in source(ServiceThread.stop)
    assert "self.thread_loop = thread_loop or asyncio.new_event_loop()" in source(ServiceThread.__init__)
    serve = source(ServiceThread._serve)
    assert serve.index("await self.crash(exc)") < serve.index("await self._shutdown_thread()")
    assert "await self._gather_remaining_tasks()" in serve
    assert "all_tasks(loop=self.thread_loop)" in source(ServiceThread._gather_remaining_tasks)
    assert "self.set_shutdown()" in source(ServiceThread._start_thread)
    assert "self._fetch_records" in source(AIOKafkaConsumerThread.getmany)


def test_faust_waits_for_nothing_when_tables_start_and_when_a_worker_has_ended() -> None:
    begin = ["await self.sleep(1.0)", "if not self.should_stop:", "await self._update_channels()"]
    assert [line.strip() for line in source(TableManager.on_start).splitlines()[2:]] == [
        *begin, "await self.recovery.start()",
    ]  # fmt: skip
    assert source(Worker._sentinel_task).splitlines()[1].strip() == "await asyncio.sleep(1.0)"


def test_a_member_with_a_name_does_not_leave_by_itself() -> None:
    assert "self._group_instance_id is None" in source(GroupCoordinator._maybe_leave_group)
    assert "await self._consumer.stop()" in source(AIOKafkaConsumerThread.on_thread_stop)


def test_a_fetch_that_waits_to_be_sent_again_ends_the_closing_of_its_fetcher() -> None:
    """The reason for `Member._close_rest`, and what it relies on."""
    assert "for x in self._pending_tasks:" in source(Fetcher.close)
    fetch = source(Fetcher._proc_fetch_request)
    assert fetch.index("await asyncio.sleep(self._retry_backoff)") < fetch.index("except asyncio.CancelledError:")
    stop = source(aiokafka.AIOKafkaConsumer.stop)
    assert stop.index("await self._fetcher.close()") < stop.index("await self._client.close()")


def test_aiokafka_leaves_partitions_without_a_commit_where_they_are() -> None:
    """The reason for pinning positions in `perform_seek`."""
    text = source(aiokafka.AIOKafkaConsumer.seek_to_committed)
    assert "offset = await self.committed(tp)" in text
    assert "if offset and offset > 0:" in text


def test_aiokafka_knows_what_a_group_has_committed_in_many_partitions() -> None:
    """What `committed_of` relies on, and why it does not ask with `committed`."""
    assert list(inspect.signature(GroupCoordinator.fetch_committed_offsets).parameters) == ["self", "partitions"]
    assert "self._coordinator.fetch_committed_offsets([partition])" in source(aiokafka.AIOKafkaConsumer.committed)


def test_aiokafka_gives_all_of_a_partition_before_it_comes_to_the_next() -> None:
    """The reason for `Member._fetch_records`, and what it relies on."""
    assert "max_records=_consumer._max_poll_records" in source(AIOKafkaConsumerThread.getmany)
    text = source(Fetcher.fetched_records)
    assert "for tp in list(self._records.keys())" in text
    assert "type(res_or_error) is FetchResult" in text
    assert "res_or_error.getall(max_records)" in text


def test_faust_reads_the_fetcher_and_never_the_coordinators_errors() -> None:
    """The reason for the coordinator watchdog."""
    assert "fetcher.fetched_records(" in source(AIOKafkaConsumerThread._fetch_records)
    assert "check_errors" not in source(AIOKafkaConsumerThread)
    assert callable(GroupCoordinator.check_errors)


def test_recovery_swallows_errors_behind_its_offsets() -> None:
    """The reason for recovering in bulk ourselves, and the attributes that we keep informed."""
    text = source(Recovery)
    text = text[text.index("async def _slurp_changelogs") :]
    assert text.index("offsets[tp] = offset") < text.index("except Exception as ex:")
    for name in ("tp_to_table", "active_tps", "standby_tps", "active_offsets", "_active_events_received_at"):
        assert name in source(Recovery)
    for name in ("need_recovery", "flush_buffers", "_set_recovery_ended", "standby_remaining_total"):
        assert callable(getattr(Recovery, name))


def test_the_store_closes_databases_by_letting_go_of_them() -> None:
    """The reason for never keeping a database handle."""
    text = source(Store.revoke_partitions)
    assert "_dbs.pop(" in text
    assert "# db.close()" in text
    assert callable(Store._db_for_partition)
    assert Store.offset_key == b"__faust\0offset__"
    assert "AccessType.with_ttl(self.ttl)" in source(RocksDBOptions.open)


def test_the_producer_is_aiokafkas_and_builds_batches() -> None:
    assert "_producer = self._new_producer()" in source(Producer.on_start)
    for name in ("create_batch", "send_batch", "partitions_for"):
        assert callable(getattr(aiokafka.AIOKafkaProducer, name))
    assert Transport.Consumer is not BatchConsumer


def test_rivers_regression_keeps_its_weights_where_snapshots_look() -> None:
    model = linear_model.LogisticRegression(optimizer=optim.AdaGrad(0.3))
    model.learn_one({1: 1.0}, True)
    assert model._weights.to_dict().keys() == {1}
    assert dict(model.optimizer.g2).keys() == {1}
    assert model.optimizer.n_iterations == 1


def test_aiokafka_asks_for_an_epoch_and_for_transactions_where_there_is_a_transactional_id() -> None:
    """The reason for a producer in `fencing.py` that only asks, and for another one that writes."""
    assert "if self._txn_manager is None or self._txn_manager.has_pid():" in source(Sender._maybe_wait_for_pid)
    assert "await self._maybe_wait_for_pid()" in source(Sender.start)
    assert "txn_manager.transactional_id is not None" in source(aiokafka.AIOKafkaProducer.send_batch)
    assert 'kwargs["transactional_id"] = self._sender._txn_manager.transactional_id' in source(SendProduceReqHandler)


def test_a_sender_repeats_a_batch_for_ever_where_it_is_told_that_batches_are_numbered() -> None:
    """The reason for `_Numbered` in `fencing.py`, and all that it is asked for."""
    retry = source(SendProduceReqHandler._can_retry)
    assert "if self._sender._txn_manager is None and batch.expired():" in retry
    asked = set(re.findall(r"txn_manager\.(\w+)", source(Sender._sender_routine) + source(Sender._fail_all)))
    assert asked == {"transactional_id", "partitions_to_add", "make_task_waiter", "fatal_error"}
    assert "txn_manager is not None and txn_manager.transactional_id is not None" in source(Sender._sender_routine)
    assert "if self._txn_manager is not None and not_retry" in source(MessageAccumulator._pop_batch)
    assert "self._builder.set_producer_state(" in source(BatchBuilder._set_producer_state)


def test_a_fetch_is_asked_for_with_what_the_fetcher_has_then() -> None:
    """The reason for changing how long the next one waits, in `membership.py`."""
    request = source(Fetcher._get_actions_per_node)
    assert "self._fetch_max_wait_ms," in request
    assert "self._fetch_min_bytes," in request


def test_an_empty_batch_takes_one_record_of_any_size() -> None:
    """The reason why what `publishing.py` has to publish comes to an end."""
    batch = BatchBuilder(100, 0, is_transactional=False)
    assert batch.append(key=b"k", value=b"v" * 10_000, timestamp=1) is not None
    assert batch.append(key=b"k", value=b"v", timestamp=1) is None


def test_a_fetch_hands_out_what_it_iterates_over() -> None:
    """The reason for the records of `kafka/fetched_records.py`."""
    assert "for msg in self._partition_records:" in source(FetchResult.getall)
    assert "consumer_record = self._consumer_record(tp, record)" in source(FetchedRecords._unpack_records)
    assert "= PartitionRecords(" in source(Fetcher)


def test_faust_begins_recovery_behind_the_assignment() -> None:
    """The reason for fencing in `on_partitions_assigned`."""
    assert "self._on_partitions_assigned" in source(Consumer.on_partitions_assigned)


def test_a_partition_that_is_added_has_no_offset_to_be_sought() -> None:
    """The reason for `RecoveryService._seek_offsets`."""
    assert "offsets.setdefault(tp, None)" in source(Recovery._add)
    assert "if offset == -1:" in source(Recovery._seek_offsets)


def test_faust_says_that_a_recovery_starts_between_seeing_its_need_and_reading() -> None:
    """The reason why `RecoveryService` clears the signal of its end there, and nowhere else."""
    text = source(Recovery._restart_recovery.fun)
    need, read = text.index("if self.need_recovery():"), text.index("consumer.resume_partitions)(active_tps)")
    assert need < text.index("self._set_recovery_started()", need) < read < text.index("signal_recovery_end.wait()")
    assert "await" not in text[need:read]
    assert "signal_recovery_end.clear()" not in text


def test_the_web_server_is_made_started_and_stopped_where_ours_takes_its_place() -> None:
    assert "return self._new_web()" in source(App)
    assert "(self)" in source(App._new_web)
    assert "await self.web.start_server()" in source(Server.on_start)
    assert "await self.web.stop_server()" in source(Server.on_stop)
    assert "self._runner.setup()" in source(Web.start_server)  # and nothing but sites that listen
    assert source(Web.stop_server).count("await") == 2  # the runner's end, and once more that of the application
