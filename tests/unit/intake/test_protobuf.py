"""Protobuf that few bytes of would become much, and what documents say of messages."""

import resource
import struct
from typing import Any

import pytest
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

from engine.errors import EventError
from engine.intake.proto_text import read_proto
from engine.intake.protobuf import ProtobufSchema
from engine.intake.schemas import Written
from tests.costs import cost_by_length

POST = """
syntax = "proto3";
import "google/protobuf/timestamp.proto";
import "google/protobuf/struct.proto";
import "google/protobuf/wrappers.proto";
import "google/protobuf/duration.proto";
import "somewhere/options.proto";
message Post {
  string id = 1; Author author = 2; google.protobuf.Timestamp created = 3; optional string body = 4;
  repeated string tags = 5; map<string, Author> by_name = 6; map<bool, int64> counts = 7; Kind kind = 8;
  repeated Kind kinds = 9; google.protobuf.Struct more = 10; google.protobuf.Int64Value many = 11;
  google.protobuf.Duration took = 12; bytes raw = 13; oneof of { string card = 14; Author friend = 15; }
  bool HasField = 16; Post before = 17; uint64 large = 18;
  enum Kind { NONE = 0; LINK = 1; }
  message Inner { int32 n = 1; }
}
message Author { int64 id = 1; }
message Other { message First {} message Second { string x = 1; } }
"""
ANY_BYTES = 1 << 20


def schema(text: str, **referred: str) -> ProtobufSchema:
    return ProtobufSchema(Written(text, referred))


def read(text: str, data: bytes, most_bytes: int = ANY_BYTES) -> Any:
    return schema(text).read(data, 0, most_bytes)


def reason(text: str, data: bytes, most_bytes: int = ANY_BYTES) -> str:
    with pytest.raises(EventError) as told:
        read(text, data, most_bytes)
    return told.value.reason


def length(size: int) -> bytes:
    data = b""
    while size > 127:
        size, data = size >> 7, data + bytes([size & 127 | 128])
    return data + bytes([size])


def field(number: int, data: bytes) -> bytes:
    """A field that has a length."""
    return length(number << 3 | 2) + length(len(data)) + data


def test_what_stands_in_no_message_has_its_default_or_is_absent() -> None:
    assert read(POST, b"\x00") == {
        "id": "", "tags": [], "by_name": {}, "counts": {}, "kind": "NONE", "kinds": [], "raw": b"", "HasField": False,
        "large": 0,
    }  # fmt: skip


def test_all_kinds_of_fields() -> None:
    author = b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\x7f"
    value = field(1, b"k") + field(2, b"\x11" + struct.pack("<d", 1.5))
    listed = field(1, b"l") + field(2, field(6, field(1, b"\x20\x01") + field(1, field(3, b"t"))))
    at = b"\x08" + length(1_772_449_200) + b"\x10\xc0\x84\x3d"
    data = b"".join((
        field(1, b"p-1"), field(2, author), field(3, at), field(4, b""),
        field(5, b"a"), field(5, b"b"), field(6, field(1, b"me") + field(2, author)), field(7, b"\x08\x01\x10\x07"),
        b"\x40\x01", field(9, b"\x00\x01\x05"), field(10, field(1, value) + field(1, listed)), field(11, b""),
        field(12, b"\x08\x02\x10\x80\xca\xb5\xee\x01"), field(13, b"\xff"), field(15, b""), b"\x80\x01\x01",
        field(17, field(1, b"p-0")), b"\x90\x01" + b"\xff" * 9 + b"\x01",
    ))  # fmt: skip
    document = read(POST, b"\x00" + data + field(900, b"of a newer schema"))
    before = document.pop("before")
    assert before["id"] == "p-0"
    assert "body" not in before
    assert document == {
        "id": "p-1", "author": {"id": 2**63 - 1}, "created": "2026-03-02T11:00:00.001000+00:00", "body": "",
        "tags": ["a", "b"], "by_name": {"me": {"id": 2**63 - 1}}, "counts": {"true": 7}, "kind": "LINK",
        "kinds": ["NONE", "LINK", 5], "more": {"k": 1.5, "l": [True, "t"]}, "many": 0, "took": 2.5, "raw": b"\xff",
        "friend": {"id": 0}, "HasField": True, "large": 2**64 - 1,
    }  # fmt: skip


def test_a_time_that_no_calendar_has_stays_what_it_is() -> None:
    created = read(POST, b"\x00" + field(3, b"\x08" + b"\xff" * 8 + b"\x7f"))["created"]
    assert created == {"seconds": 2**63 - 1, "nanos": 0}


def test_which_message_it_is_stands_before_it() -> None:
    assert read(POST, b"\x02\x02\x08\x07") == {"id": 7}
    assert read(POST, b"\x04\x04\x02" + field(1, b"second")) == {"x": "second"}
    for indexes in (b"", b"\x02", b"\x02\x06", b"\x02\x01", b"\x04\x04\x04", b"\x01", b"\x50", b"\xff" * 9):
        assert reason(POST, indexes) == "not_protobuf"


HOSTILE = {
    "cut": field(1, b"p-1")[:-1],
    "a length beyond all": b"\x0a\xff\xff\xff\xff\x07",
    "groups that nobody closes": b"\x83\x4b" * 50_000,
    "a group that nobody opened": b"\x84\x4b",
    "field zero": b"\x00\x00",
    "no wire type": b"\x0f",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_bytes(name: str) -> None:
    assert reason(POST, b"\x00" + HOSTILE[name]) == "not_protobuf"


def test_messages_in_messages_are_read_to_a_depth() -> None:
    data = b""
    for depth in range(300):
        data = field(17, data)
        if depth in (50, 299):
            assert read(POST, b"\x00" + data)["before"] if depth == 50 else reason(POST, b"\x00" + data)
    assert reason(POST, b"\x00" + data) == "not_protobuf"


WIDE = (
    "message Root { repeated Wide wide = 1; map<string, Wide> named = 2; } message Wide { "
    + " ".join(f"optional int64 f{number} = {number + 1};" for number in range(200))
    + "}"
)


@pytest.mark.parametrize("data", [b"\x0a\x00", b"\x12\x00"])
def test_what_two_bytes_are_in_memory_is_bounded(data: bytes) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert reason(WIDE, b"\x00" + data * 500_000) == "too_large"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # kilobytes
    assert len(read(WIDE, b"\x00" + data * 20_000)) == 2


@pytest.mark.parametrize(
    "text",
    [
        'syntax = "proto3"; message Root { repeated Wide wide = 1; } message Wide { int64 ' + "n" * 900 + " = 1; }",
        'syntax = "proto3"; message Root { repeated E e = 1; } enum E { ' + "N" * 900 + " = 0; }",
        "message Root { repeated Wide wide = 1; } message Wide {}",
        "message Root { repeated bool no = 1; }",
    ],
)
def test_names_that_a_document_would_repeat_are_bounded(text: str) -> None:
    is_packed = "Wide" not in text
    many = field(1, b"\x00" * 400_000) if is_packed else b"\x0a\x00" * 200_000
    with cost_by_length():
        assert reason(text, b"\x00" + many, 300_000) == "too_large"


@pytest.mark.parametrize(
    "text",
    [
        "no protobuf", "message A { Unknown x = 1; }", "message A { string a = 1; string b = 1; }",
        "message A {} message A {}",
        "message A { string a = 0; }", "message A { map<double, string> a = 1; }",
        'import "the schema itself"; message',
        "syntax = \"proto3\"; message A { required string a = 1; }",
    ],
)  # fmt: skip
def test_hostile_schemas(text: str) -> None:
    with pytest.raises((ValueError, TypeError)):
        schema(text)


def test_what_is_called_as_googles_own_is_not_taken_for_it() -> None:
    own = 'syntax = "proto3"; package google.protobuf; message Timestamp { string seconds = 1; }'
    text = 'import "own"; message A { optional google.protobuf.Timestamp at = 1; }'
    assert schema(text, own=own).read(b"\x00" + field(1, field(1, b"x")), 0, 1_000) == {"at": {"seconds": "x"}}
    theirs = {"google/protobuf/timestamp.proto": own}
    named = 'import "google/protobuf/timestamp.proto"; message A { optional google.protobuf.Timestamp at = 1; }'
    assert schema(named, **theirs).read(b"\x00" + field(1, b""), 0, 1_000) == {"at": "1970-01-01T00:00:00+00:00"}


def test_what_googles_library_writes_is_read() -> None:
    group = "repeated group Line = 1 { optional string name = 2; }"
    text = f"message A {{ {group} required sint32 n = 3; repeated fixed32 m = 4; }}"
    pool = DescriptorPool()
    pool.AddSerializedFile(read_proto(text, "a.proto").SerializeToString())
    message = GetMessageClass(pool.FindMessageTypeByName("A"))()
    message.n = -7
    message.m.extend([1, 2**32 - 1])
    message.line.add(name="x")
    message.line.add()
    document = {"line": [{"name": "x"}, {}], "n": -7, "m": [1, 2**32 - 1]}
    assert read(text, b"\x00" + message.SerializeToString()) == document


@pytest.mark.parametrize("syntax", ["proto2", "proto3"])
def test_half_a_character_keeps_no_message_from_being_read(syntax: str) -> None:
    text = f"""syntax = "{syntax}"; package a.b;
        import "google/protobuf/struct.proto"; import "google/protobuf/wrappers.proto";
        message Post {{ optional string text = 1; repeated string tags = 2; map<string, string> by = 3; bytes raw = 4;
        message Inner {{ optional string text = 1; }} optional Inner inner = 5; oneof of {{ string one = 6; }}
        optional google.protobuf.StringValue wrapped = 7; optional google.protobuf.Value any = 8; }}
    """.replace(" bytes raw", " optional bytes raw")
    half = b"a\xed\xa0\xbd"
    data = b"".join((
        field(1, half), field(2, half), field(2, "é".encode()), field(3, field(1, b"k") + field(2, half)),
        field(4, half), field(5, field(1, half)), field(6, half), field(7, field(1, half)),
        field(8, field(3, half)),
    ))  # fmt: skip
    read_as = "a\ufffd\ufffd\ufffd"
    assert read(text, b"\0" + data) == {
        "text": read_as, "tags": [read_as, "é"], "by": {"k": read_as}, "raw": half, "inner": {"text": read_as},
        "one": read_as, "wrapped": read_as, "any": read_as,
    }  # fmt: skip
