"""Writes databases of networks for tests: as much of the MaxMind DB format (version 2) as a reader needs."""

import struct
from collections.abc import Mapping
from ipaddress import IPv4Network, ip_network
from pathlib import Path
from typing import Any

_MARKER = b"\xab\xcd\xefMaxMind.com"
_MAP, _TEXT, _DOUBLE, _UINT16, _UINT32, _UINT64, _LIST, _BOOL = 7, 2, 3, 5, 6, 9, 11, 14
_BYTES = {_UINT16: 2, _UINT32: 4, _UINT64: 8}
_IPV4_AT = 96
"""IPv4 addresses are the last 32 bits of the first IPv6 ones."""


def write_mmdb(path: Path, networks: Mapping[str, Any], built_s: int = 1_793_664_000) -> Path:
    """A database with a record for each network; of those inside of others, the larger ones come first."""
    tree: list[list[Any]] = [[None, None]]
    data, offsets = bytearray(), dict[str, int]()
    for text, record in networks.items():
        offsets[text] = len(data)
        data += _encoded(record)
        _insert(tree, text)
    count, nodes = len(tree), bytearray()
    for node in tree:
        for side in node:
            place = count if side is None else side if isinstance(side, int) else count + 16 + offsets[side]
            nodes += struct.pack(">I", place)
    metadata: dict[str, Any] = {
        "node_count": (_UINT32, count), "record_size": (_UINT16, 32), "ip_version": (_UINT16, 6),
        "database_type": "Test", "languages": ["en"], "binary_format_major_version": (_UINT16, 2),
        "binary_format_minor_version": (_UINT16, 0), "build_epoch": (_UINT64, built_s),
        "description": {"en": "for tests"},
    }  # fmt: skip
    path.write_bytes(bytes(nodes) + bytes(16) + bytes(data) + _MARKER + _encoded(metadata))
    return path


def _insert(tree: list[list[Any]], text: str) -> None:
    network = ip_network(text)
    bits, length = int(network.network_address), network.prefixlen
    length += _IPV4_AT if isinstance(network, IPv4Network) else 0
    at = 0
    for depth in range(length):
        side = bits >> (127 - depth) & 1
        if depth == length - 1:
            tree[at][side] = text
            return
        if not isinstance(tree[at][side], int):  # what a larger network says goes on on both sides
            tree.append([tree[at][side], tree[at][side]])
            tree[at][side] = len(tree) - 1
        at = tree[at][side]


def _encoded(value: Any) -> bytes:
    match value:
        case dict():
            return _control(_MAP, len(value)) + b"".join(_encoded(key) + _encoded(each) for key, each in value.items())
        case list():
            return _control(_LIST, len(value)) + b"".join(map(_encoded, value))
        case bool():
            return _control(_BOOL, int(value))
        case str():
            return _control(_TEXT, len(value.encode())) + value.encode()
        case float():
            return _control(_DOUBLE, 8) + struct.pack(">d", value)
        case tuple():
            kind, number = value
            return _control(kind, _BYTES[kind]) + int(number).to_bytes(_BYTES[kind], "big")
    return _encoded((_UINT32, value))


def _control(kind: int, size: int) -> bytes:
    assert size < 285  # what one more byte can say
    small, more = (size, b"") if size < 29 else (29, bytes([size - 29]))
    return (bytes([kind << 5 | small]) if kind < 8 else bytes([small, kind - 7])) + more
