"""Bombs in each codec, through the compiled and the pure readers, and through the embedded broker."""

import asyncio
import gzip
import struct
import subprocess
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cramjam
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.consumer import fetcher
from aiokafka.record import default_records as plain
from aiokafka.record import legacy_records as legacy
from aiokafka.record import memory_records, util
from crc32c import crc32c

from engine.stream.kafka.bounded_records import BoundedRecords, install

MIB = 1 << 20
LIMIT = 8 * MIB
CODECS = {"gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}
TP = TopicPartition("t", 0)


def xerial(data: bytes) -> bytes:
    from aiokafka.codec import snappy_encode

    return bytes(snappy_encode(data))


def lz4(data: bytes) -> bytes:
    from aiokafka.codec import lz4_encode

    return bytes(lz4_encode(data))


ENCODE: dict[int, Any] = {
    1: gzip.compress, 2: xerial, 3: lz4,
    4: lambda data: bytes(cramjam.zstd.compress(data)),
}  # fmt: skip


def varint(value: int) -> bytes:
    raw, out = (value << 1) ^ (value >> 63), bytearray()
    while raw > 127:
        out.append(raw & 127 | 128)
        raw >>= 7
    return bytes(out) + bytes([raw])


def record(delta: int, value: bytes | None = b"v", headers: bytes = varint(0)) -> bytes:
    size = varint(-1) if value is None else varint(len(value)) + value
    body = b"\0" + varint(0) + varint(delta) + varint(-1) + size + headers
    return varint(len(body)) + body


def batch(payload: bytes, count: int, codec: int = 0, base: int = 0, raw: bytes | None = None) -> bytes:
    data = raw if raw is not None else ENCODE[codec](payload) if codec else payload
    tail = struct.pack(">hiqqqhii", codec, count - 1, 5, 7, -1, -1, -1, count) + data
    return struct.pack(">qiibI", base, len(tail) + 9, 0, 2, crc32c(tail)) + tail


def good(base: int, count: int = 3, codec: int = 0) -> bytes:
    return batch(b"".join(record(n, b"good%d" % (base + n)) for n in range(count)), count, codec, base)


def bomb(codec: int, size: int, base: int = 0) -> bytes:
    return batch(record(0, b" " * (size // 2)) + record(1, b" " * (size // 2)), 2, codec, base)


@pytest.fixture(autouse=True)
def _installed() -> None:
    install(LIMIT)


@pytest.fixture(params=["compiled", "pure"])
def reader(request: Any, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "pure":
        monkeypatch.setattr(memory_records, "DefaultRecordBatch", plain._DefaultRecordBatchPy)
        # its varints are the compiled ones otherwise, and those read out of bounds behind a length of 2**62
        monkeypatch.setattr(plain._DefaultRecordBatchPy._read_msg, "__defaults__", (util.decode_varint_py,))
        monkeypatch.setattr(memory_records, "LegacyRecordBatch", legacy._LegacyRecordBatchPy)
        monkeypatch.setattr(memory_records, "MemoryRecords", memory_records._MemoryRecordsPy)
        install(LIMIT)
    else:
        assert "_crecords" in memory_records.MemoryRecords.__module__
    return str(request.param)


def read(data: bytes, start: int = 0, checks: bool = True) -> tuple[list[Any], int]:
    """What the fetcher would hand out, and where it would go on."""
    records = fetcher.MemoryRecords(data)
    assert records.size_in_bytes() == len(data)
    found = fetcher.PartitionRecords(TP, records, None, start, None, None, checks, fetcher.READ_COMMITTED)
    return list(found), found.next_fetch_offset


def refused(entry: Any) -> bytes | None:
    return dict(entry.headers).get("refused") if entry.key is None and entry.value is None else None


@pytest.mark.parametrize("codec", [0, *CODECS.values()])
def test_normal_batches_are_as_they_were(reader: str, codec: int) -> None:
    builder = plain.DefaultRecordBatchBuilder(2, codec, 0, -1, -1, -1, 1 << 30)
    for number in range(500):
        builder.append(number, 1000 + number, b"k%d" % number, b"value" * (number % 9), [("h", b"x")] * (number % 3))
    data = bytes(builder.build())
    original = fetcher.PartitionRecords(TP, memory_records.MemoryRecords(data), None, 0, None, None, True, 0)
    assert read(data) == (list(original), 500)


@pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)
def test_a_bomb_is_one_refused_record_and_reading_goes_on(reader: str, codec: int) -> None:
    data = good(0) + bomb(codec, 2 * LIMIT, 3) + good(5)
    found, following = read(data)
    assert [entry.offset for entry in found] == [0, 1, 2, 4, 5, 6, 7]
    assert [refused(entry) for entry in found] == [None] * 3 + [b"decompressed_size"] + [None] * 3
    assert following == 8
    assert found[3].timestamp == 7
    again, following = read(bomb(codec, 2 * LIMIT, 3), start=4)  # from the middle it is seen as well
    assert [refused(entry) for entry in again] == [b"decompressed_size"]
    assert following == 5


@pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)
def test_right_at_the_bound(reader: str, codec: int) -> None:
    overhead = len(record(0, b" " * (LIMIT - 64))) - (LIMIT - 64)
    fits = batch(record(0, b" " * (LIMIT - overhead)), 1, codec)
    found, _ = read(fits)
    assert len(found[0].value) == LIMIT - overhead
    found, _ = read(batch(record(0, b" " * (LIMIT - overhead + 1)), 1, codec))
    assert refused(found[0]) == b"decompressed_size"


def test_raw_snappy_that_lies_about_its_size(reader: str) -> None:
    found, following = read(batch(b"", 1, 2, raw=b"\xff\xff\xff\xff\x0f" + b"\0" * 40))
    assert (refused(found[0]), following) == (b"decompressed_size", 1)


@pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)
def test_damaged_data_with_a_valid_checksum(reader: str, codec: int) -> None:
    packed = ENCODE[codec](record(0, bytes(range(256)) * 9))
    for raw in (packed[:-9], packed[:12], b"", b"\0" * 50, packed[:20] + b"\xff\xee" + packed[22:]):
        found, following = read(batch(b"", 3, codec, 3, raw) + good(6))
        assert [entry.offset for entry in found] == [5, 6, 7, 8]
        assert refused(found[0]) == b"corrupt" or (codec == 2 and refused(found[0]))  # its length comes first
        assert following == 9


@pytest.mark.parametrize(
    "payload",
    [
        record(0) + record(1)[:-2],  # cut off
        record(0) + record(1) + b"\0\0\0",  # more than it says
        record(0) + record(1, headers=varint(1) + varint(2) + b"\xff\xfe" + varint(0)),  # no UTF-8: any client may
        record(0) + record(1, headers=varint(-3)),
        record(0) + varint(200) + b"\0\0" + varint(1) + varint(1 << 62),
        record(0) + record(1 << 40),  # an offset of its own choice
    ],
)
@pytest.mark.parametrize("codec", [0, 4])
def test_damaged_records(reader: str, payload: bytes, codec: int) -> None:
    found, following = read(batch(payload, 2, codec, 3) + good(5))
    assert [entry.offset for entry in found] == [3, 4, 5, 6, 7]
    assert found[0].value == b"v"
    assert refused(found[1]) == b"corrupt" or payload.endswith(b"\0\0\0")
    assert following == 8


def test_an_unknown_codec(reader: str) -> None:
    found, following = read(batch(b"", 1, 6, raw=b"abc") + good(1))
    assert refused(found[0]) == b"corrupt"
    assert following == 4


def test_a_wrong_checksum_still_raises(reader: str) -> None:
    data = bytearray(good(0))
    data[-1] ^= 1
    with pytest.raises(Exception, match="Invalid CRC"):
        read(bytes(data))


def test_what_unfolds_into_objects(reader: str) -> None:
    headers = record(0, headers=varint(3 * MIB) + b"\0\0" * (3 * MIB))
    found, _ = read(batch(headers, 1, 4))
    assert [refused(entry) for entry in found] == [b"decompressed_size"]
    tiny = b"".join(record(number, None) for number in range(100_000))
    found, following = read(batch(tiny, 100_000, 4))
    assert len(found) < LIMIT // 400 + 2
    assert (refused(found[-1]), found[-1].offset, following) == (b"decompressed_size", 99_999, 100_000)


@pytest.mark.parametrize("codec", [1, 4])
def test_a_fetch_ends_early(reader: str, codec: int) -> None:
    data = b"".join(bomb(codec, LIMIT * 3 // 4, base) for base in range(0, 20, 2))
    found, following = read(data)
    assert [entry.offset for entry in found] == [0, 1, 2, 3]
    assert following == 4
    assert not any(map(refused, found))


def legacy_message(magic: int, value: bytes, codec: int = 0, offset: int = 0) -> bytes:
    tail = struct.pack(">bb", magic, codec) + (struct.pack(">q", 9) if magic else b"")
    tail += struct.pack(">ii", -1, len(value)) + value
    return struct.pack(">qiI", offset, len(tail) + 4, zlib.crc32(tail)) + tail


@pytest.mark.parametrize("magic", [0, 1])
@pytest.mark.parametrize("codec", [1, 2, 3])
def test_legacy_message_sets(reader: str, magic: int, codec: int) -> None:
    if (magic, codec) == (0, 3):
        pytest.skip("no lz4 in format 0")
    inner = legacy_message(magic, b"a", offset=0) + legacy_message(magic, b"b", offset=1)
    found, following = read(legacy_message(magic, ENCODE[codec](inner), codec, 1))
    assert [(entry.offset, entry.value) for entry in found] == [(0, b"a"), (1, b"b")]
    inner = legacy_message(magic, b" " * 2 * LIMIT)
    found, following = read(
        legacy_message(magic, ENCODE[codec](inner), codec, 1) + legacy_message(magic, b"c", offset=2)
    )
    assert [(entry.offset, refused(entry)) for entry in found] == [(1, b"decompressed_size"), (2, None)]
    assert following == 3
    found, following = read(legacy_message(magic, b"nonsense" * 9, codec, 1) + legacy_message(magic, b"c", offset=2))
    assert [(entry.offset, refused(entry)) for entry in found] == [(1, b"corrupt"), (2, None)]


@pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)
def test_several_members(codec: int) -> None:
    halves = [record(0, b"a" * 99), record(1, b"b" * 99)]
    if codec != 2:
        found, _ = read(batch(b"", 2, codec, raw=b"".join(map(ENCODE[codec], halves))))
        assert [entry.value[:1] for entry in found] == [b"a", b"b"]


def test_installing_again_changes_the_limit() -> None:
    install(LIMIT)
    install(4 * LIMIT)
    found, _ = read(bomb(4, 2 * LIMIT))
    assert len(found) == 2
    assert type(fetcher.MemoryRecords(b"")) is BoundedRecords


MEMORY = """
import sys, psutil
sys.path.insert(0, {here!r})
import test_bounded_records as t
from pathlib import Path
data = Path(sys.argv[1]).read_bytes()
if sys.argv[2] == "bounded": t.install(64 << 20)
t.read(t.good(0)) if sys.argv[2] == "bounded" else None
before = psutil.Process().memory_info().rss
if sys.argv[2] == "bounded":
    found, following = t.read(data)
    assert [t.refused(e) for e in found] == [b"decompressed_size"], found
else:
    found = list(t.fetcher.PartitionRecords(t.TP, t.memory_records.MemoryRecords(data), None, 0, None, None, True, 0))
peak = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
print((peak * 1024 - before) >> 20)
"""


def grown(tmp_path: Path, data: bytes, how: str) -> int:
    (tmp_path / "data").write_bytes(data)
    script = MEMORY.format(here=str(Path(__file__).parent))
    ran = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "data"), how], capture_output=True, text=True, check=True
    )
    return int(ran.stdout)


@pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)
def test_memory(tmp_path: Path, codec: int) -> None:
    data = bomb(codec, 200 * MIB)
    bounded, before = grown(tmp_path, data, "bounded"), grown(tmp_path, data, "plain")
    assert bounded < 64 * 2.3
    assert before > 350


@pytest.fixture(scope="module")
def broker() -> Iterator[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "engine.cli", "broker", "--port", "0"], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    yield process.stdout.readline().split("ready on ")[1].split(" ")[0].strip()
    process.kill()
    process.wait()
    process.stdout.close()


async def produce_raw(address: str, topic: str, batches: list[bytes]) -> None:
    from aiokafka.protocol.produce import ProduceRequest

    producer = AIOKafkaProducer(bootstrap_servers=address)
    await producer.start()
    try:
        await producer.partitions_for(topic)
        for data in batches:
            request = ProduceRequest(None, -1, 9000, [(topic, [(0, data)])])
            node = producer.client.cluster.leader_for_partition(TopicPartition(topic, 0))
            response = await producer.client.send(node, request)
            assert response.topics[0][1][0][1] == 0, response
    finally:
        await producer.stop()


@pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)
def test_through_a_broker(broker: str, codec: int) -> None:
    topic = f"bombs{codec}"
    tp = TopicPartition(topic, 0)

    async def run() -> tuple[list[Any], int]:
        await produce_raw(
            broker, topic, [good(0), bomb(codec, 2 * LIMIT), good(0), batch(b"", 2, codec, raw=b"xx"), good(0)]
        )
        consumer = AIOKafkaConsumer(bootstrap_servers=broker, enable_auto_commit=False, auto_offset_reset="earliest")
        await consumer.start()
        try:
            consumer.assign([tp])
            found: list[Any] = []
            while not found or found[-1].offset < 12:
                found += (await asyncio.wait_for(consumer.getmany(tp, timeout_ms=1000), 60)).get(tp, [])
            return found, await consumer.position(tp)
        finally:
            await consumer.stop()

    found, position = asyncio.run(run())
    assert [entry.offset for entry in found] == [0, 1, 2, 4, 5, 6, 7, 9, 10, 11, 12]
    assert [refused(entry) for entry in found if refused(entry)] == [b"decompressed_size", b"corrupt"]
    assert position == 13

    from kafka import KafkaConsumer
    from kafka import TopicPartition as PlainPartition

    client = KafkaConsumer(bootstrap_servers=broker, group_id=None, auto_offset_reset="earliest")
    try:
        part = PlainPartition(topic, 0)
        client.assign([part])
        client.seek_to_beginning(part)
        plainly: list[Any] = []
        while client.position(part) < 13:
            for entries in client.poll(timeout_ms=1000).values():
                plainly += entries
        assert [entry.offset for entry in plainly] == [entry.offset for entry in found]
        assert [refused(entry) for entry in plainly if refused(entry)] == [b"decompressed_size", b"corrupt"]
    finally:
        client.close()
