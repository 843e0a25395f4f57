"""The four codecs of Kafka, decompressing into no more than so many bytes.

Each takes the compressed payload and the limit, and raises TooLargeError before it holds more, or anything else over
damaged data. They read what `aiokafka/codec.py` (0.14.0) and `kafka/codec.py` (3.0.12) read.
"""

import gzip
import io
from collections.abc import Callable
from functools import partial
from typing import Any

import cramjam

RECORD_COST, HEADER_COST = 400, 128
"""Bytes that each takes as Python objects, besides its contents."""

Payload = bytes | memoryview

_CHUNK, _GUESS, _GROWTH = 1 << 20, 16, 8
_XERIAL, _XERIAL_HEADER = b"\x82SNAPPY\x00", 16


class TooLargeError(Exception):
    """A payload would decompress, or its records unfold, beyond the bound."""


def audit(payload: Payload, limit: int) -> None:
    """Raise TooLargeError for records that would unfold beyond the limit. A header of two bytes takes sixty as an
    object, and a reader makes all those of a record at once."""
    at = cost = 0
    while at < len(payload):
        size, at = _varint(payload, at)
        end = at + size
        for _ in ("attributes", "timestamp", "offset"):
            _, at = _varint(payload, at)
        for _ in ("key", "value"):
            length, at = _varint(payload, at)
            at += max(0, length)
        headers, at = _varint(payload, at)
        cost += RECORD_COST + HEADER_COST * max(0, headers)
        if cost > limit:
            raise TooLargeError
        if end < at:
            raise ValueError("a record is longer than it says")
        at = end


def _varint(payload: Payload, at: int) -> tuple[int, int]:
    raw = shift = 0
    while (byte := payload[at]) > 127:
        raw |= (byte & 127) << shift
        shift, at = shift + 7, at + 1
    raw |= byte << shift
    return raw >> 1 ^ -(raw & 1), at + 1


def _gzip(data: Any, limit: int) -> bytes:
    chunks: list[bytes] = []
    left = limit
    with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
        while chunk := file.read(_CHUNK):
            left -= len(chunk)
            if left < 0:
                raise TooLargeError
            chunks.append(chunk)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _snappy(data: Any, limit: int) -> bytes:
    if bytes(data[: len(_XERIAL)]) != _XERIAL:
        return _snappy_block(data, limit)
    blocks: list[bytes] = []
    at = _XERIAL_HEADER
    while at < len(data):
        end = at + 4 + int.from_bytes(data[at : at + 4], "big")
        blocks.append(_snappy_block(data[at + 4 : end], limit))
        limit -= len(blocks[-1])
        at = end
    return b"".join(blocks)


def _snappy_block(data: Any, limit: int) -> bytes:
    if cramjam.snappy.decompress_raw_len(data) > limit:
        raise TooLargeError
    return bytes(cramjam.snappy.decompress_raw(data))


def _framed(codec: Any, data: Any, limit: int) -> memoryview:
    """Into buffers of a fixed size: frames need not say how much they hold, and what they say need not be true."""
    size = min(limit, _GUESS * len(data) + _CHUNK // _GUESS)
    while True:
        buffer = bytearray(size)
        try:
            return memoryview(buffer)[: codec.decompress_into(data, buffer)]
        except cramjam.DecompressionError as error:
            if "write whole buffer" not in str(error):
                raise
        if size == limit:
            raise TooLargeError
        size = min(limit, _GROWTH * size)
        del buffer


DECODERS: dict[str, Callable[[Any, int], Payload]] = {
    "gzip_decode": _gzip,
    "snappy_decode": _snappy,
    "lz4_decode": partial(_framed, cramjam.lz4),
    "zstd_decode": partial(_framed, cramjam.zstd),
}
