"""Protobuf by schemas and bytes that strangers may have written, at a cost that the message's length bounds.

Google's library reads the bytes: it goes 100 messages deep and believes no length. What it does not bound is memory:
two bytes of a message within another become room for all its fields.
"""

import importlib
from collections.abc import Iterator
from typing import Any, NamedTuple

from google.protobuf.descriptor import Descriptor
from google.protobuf.descriptor_pb2 import DescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass

from engine.errors import EventError
from engine.intake.proto_text import read_proto
from engine.intake.protobuf_documents import Documents
from engine.intake.schemas import Language, Written

_OWN_NAME = "the schema itself"
_LIBRARY = {
    f"google/protobuf/{name}.proto": f"google.protobuf.{name}_pb2"
    for name in (
        "any", "api", "descriptor", "duration", "empty", "field_mask", "source_context", "struct", "timestamp", "type",
        "wrappers",
    )
}  # fmt: skip
"""Files that no registry has to have."""
_MOST_INDEXES = 32
_MOST_MEMORY_BYTES = 256 << 20
_BYTES_OF_MESSAGE, _BYTES_OF_FIELD, _LEAST_ON_WIRE = 32, 16, 2


class _Root(NamedTuple):
    """A message of the schema. `inner_bytes`: of memory for the widest within it, 0 where there is none."""

    kind: Any
    inner_bytes: int


class ProtobufSchema:
    """A file of Protobuf, with all that it imports. Raises whatever goes wrong where it is none."""

    def __init__(self, written: Written) -> None:
        self._pool, self._loaded = DescriptorPool(), set[str]()
        self._roots: dict[tuple[int, ...], _Root] = {}
        texts = set[str]()
        self._texts, self._documents = texts, Documents(_LIBRARY, texts)
        for name, text in written.referred.items():
            if name not in _LIBRARY:
                self._load(name, text)
        self._load(_OWN_NAME, written.text)
        self._file = self._pool.FindFileByName(_OWN_NAME)

    def read(self, data: bytes, at: int, most_bytes: int) -> dict[str, Any]:
        """The document in a message; behind `at` it says of which kind it is, and then it is. Raises EventError, also
        where the document would have more than `most_bytes` as JSON."""
        indexes, at = _read_indexes(data, at)
        root = self._roots.get(indexes) or self._find(indexes)
        if (len(data) - at) // _LEAST_ON_WIRE * root.inner_bytes > _MOST_MEMORY_BYTES:
            raise EventError("too_large", f"{len(data)} bytes, where each two may become {root.inner_bytes} in memory")
        try:
            message = root.kind.FromString(data[at:])
        except DecodeError as error:
            raise EventError("not_protobuf", f"the message is not as its schema says: {error}"[:500]) from error
        return self._documents.read(message, most_bytes)

    def _load(self, name: str, text: str) -> None:
        file = read_proto(text, name)
        for other in file.dependency:
            self._load_library(other)
        known = [other for other in file.dependency if other in self._loaded]
        del file.dependency[:]
        file.dependency.extend(known)  # one that is there for options alone may be missing
        self._add(file)

    def _load_library(self, name: str) -> None:
        if name in _LIBRARY and name not in self._loaded:
            file = importlib.import_module(_LIBRARY[name]).DESCRIPTOR
            for other in file.dependencies:
                self._load_library(other.name)
            self._add(FileDescriptorProto.FromString(file.serialized_pb))

    def _add(self, file: FileDescriptorProto) -> None:
        for message in file.message_type:
            self._texts.update(_loosen(message, file.package))
        self._pool.AddSerializedFile(file.SerializeToString())
        self._loaded.add(file.name)

    def _find(self, indexes: tuple[int, ...]) -> _Root:
        """By its index in the file, then by the index in that message, and so on, as descriptors count."""
        kinds, found = list(self._file.message_types_by_name.values()), None
        for index in indexes:
            if not 0 <= index < len(kinds):
                raise EventError("not_protobuf", f"the schema has no message {list(indexes)}")
            found = kinds[index]
            kinds = found.nested_types
        assert found is not None
        root = self._roots[indexes] = _Root(GetMessageClass(found), _inner_bytes(found))
        return root


def _loosen(message: DescriptorProto, around: str) -> Iterator[str]:
    """Have a message's texts read as bytes, which are the same on the wire: the library would refuse all of a message
    for half a character that somebody has typed. Returns their names. A map's keys stay texts: they have to be."""
    name = f"{around}.{message.name}" if around else message.name
    for field in message.field:
        if field.type == field.TYPE_STRING and not (message.options.map_entry and field.name == "key"):
            field.type = field.TYPE_BYTES
            yield f"{name}.{field.name}"
    for inner in message.nested_type:
        yield from _loosen(inner, name)


def _inner_bytes(root: Descriptor) -> int:
    seen, waiting, widest = set[str](), [root], 0
    while waiting:
        for field in waiting.pop().fields:
            inner = field.message_type
            if inner is not None and inner.full_name not in seen:
                seen.add(inner.full_name)
                waiting.append(inner)
                widest = max(widest, _BYTES_OF_MESSAGE + _BYTES_OF_FIELD * len(inner.fields))
    return widest


def _read_indexes(data: bytes, at: int) -> tuple[tuple[int, ...], int]:
    """Which message it is: how many indexes, and they; a single zero is for the first message."""
    count, at = _read_varint(data, at)
    if not count:
        return (0,), at
    if not 0 < count <= _MOST_INDEXES:
        raise EventError("not_protobuf", f"{count} indexes cannot stand before a message")
    indexes = []
    for _ in range(count):
        index, at = _read_varint(data, at)
        indexes.append(index)
    return tuple(indexes), at


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    """Of either sign, by turns: 0, -1, 1, -2."""
    value = 0
    for shift in range(0, 35, 7):
        if at >= len(data):
            break
        byte = data[at]
        value, at = value | (byte & 127) << shift, at + 1
        if byte < 128:
            return value >> 1 ^ -(value & 1), at
    raise EventError("not_protobuf", "the message does not say of which kind it is")


PROTOBUF = Language("PROTOBUF", ProtobufSchema)
