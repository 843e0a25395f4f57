"""What is decompressed, and what its records would take, is at most the limit: exactly at it is allowed."""

import gzip
from typing import Any

import cramjam
import pytest
from aiokafka.codec import snappy_encode

from engine.stream.kafka.bounded_codecs import DECODERS, HEADER_COST, RECORD_COST, TooLargeError, audit

MIB = 1 << 20


def varint(value: int) -> bytes:
    raw, out = (value << 1) ^ (value >> 63), bytearray()
    while raw > 127:
        out.append(raw & 127 | 128)
        raw >>= 7
    return bytes(out) + bytes([raw])


def record(key: int = -1, value: bytes = b"v", headers: int = 0, said: int = 0) -> bytes:
    """A record without the bytes of its headers. `said`: by how much its size is wrong."""
    kept = b"k" * max(0, key)
    body = b"\0" + varint(300) + varint(1) + varint(key) + kept + varint(len(value)) + value + varint(headers)
    return varint(len(body) + said) + body


ENCODE: dict[str, Any] = {
    "gzip_decode": gzip.compress,
    "snappy_decode": lambda data: bytes(snappy_encode(data)),
    "lz4_decode": lambda data: bytes(cramjam.lz4.compress(data)),
    "zstd_decode": lambda data: bytes(cramjam.zstd.compress(data)),
}


@pytest.mark.parametrize("codec", DECODERS)
@pytest.mark.parametrize("size", [1, 1_000, 2 * MIB + 5])
def test_a_payload_of_exactly_the_limit_is_read(codec: str, size: int) -> None:
    data = bytes(range(250)) * (size // 250) + b"x" * (size % 250)
    packed = ENCODE[codec](data)
    assert bytes(DECODERS[codec](packed, size)) == data
    assert bytes(DECODERS[codec](packed, 2 * size + 1)) == data
    with pytest.raises(TooLargeError):
        DECODERS[codec](packed, size - 1)


def test_a_snappy_block_without_a_frame_is_bounded_as_well() -> None:
    packed = bytes(cramjam.snappy.compress_raw(b"abc" * 50))
    assert DECODERS["snappy_decode"](packed, 150) == b"abc" * 50
    with pytest.raises(TooLargeError):
        DECODERS["snappy_decode"](packed, 149)


@pytest.mark.parametrize("codec", ["lz4_decode", "zstd_decode"])
def test_damage_is_told_from_size(codec: str) -> None:
    with pytest.raises(cramjam.DecompressionError):
        DECODERS[codec](b"nothing of the kind", MIB)


def test_records_may_cost_exactly_the_limit() -> None:
    audit(record() * 3, 3 * RECORD_COST)
    with pytest.raises(TooLargeError):
        audit(record() * 3, 3 * RECORD_COST - 1)
    audit(b"", 0)


def test_each_header_costs() -> None:
    # the bytes of two hundred empty headers: a length of no key and one of no value
    payload = record(headers=200, said=400) + bytes(400)
    audit(payload, RECORD_COST + 200 * HEADER_COST)
    with pytest.raises(TooLargeError):
        audit(payload, RECORD_COST + 200 * HEADER_COST - 1)


def test_a_negative_number_of_headers_pays_for_nothing() -> None:
    with pytest.raises(TooLargeError):
        audit(record(headers=-3) * 2, 2 * RECORD_COST - 1)


@pytest.mark.parametrize("key", [-1, 0, 1, 63, 64, 8_191, 8_192, 20_000])
def test_a_record_is_as_long_as_it_says(key: int) -> None:
    audit(record(key, b"v" * 100) * 2, 2 * RECORD_COST)
    with pytest.raises(ValueError, match="longer than it says"):
        audit(record(key, b"v" * 100, said=-1), RECORD_COST)
