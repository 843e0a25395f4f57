"""Texts of `.proto` files: as `protoc` reads them, and what is none."""

import zlib
from base64 import b64decode
from contextlib import suppress
from typing import Any

import pytest
from google.protobuf import timestamp_pb2
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool

from engine.intake.proto_text import read_proto
from tests.costs import cost_by_length

ORDERS = """
/* as protoc takes it */
syntax = "proto2";  // two
package shop.v1;

import "google/protobuf/timestamp.proto";

option java_package = "com.example";

message Order {
  required string id = 0x1;
  repeated group Line = 2 {
    optional string name = 010;
    optional int32 many = 3 [default = -1, deprecated = true];
  }
  oneof paid { string card = 4; Voucher voucher = 5; }
  map<string, Inner> by_name_2x = 6;
  optional .shop.v1.Order.Inner inner = 7;
  message Inner {
    enum Kind { option allow_alias = true; NONE = 0; LESS = -1; ZERO = 0; reserved 5 to 9; }
    optional Kind kind = 1;
    optional string message = 2;
    repeated bool map = 4 [packed = true];
    optional group Option = 5 { optional double x = 1 [default = 1e+10]; }
  }
  optional google.protobuf.Timestamp at = 8;
  optional Order before = 9;
  extensions 100 to max;
  reserved 50, 60 to 70;
  reserved "foo", "bar";
  extend Order { optional int32 more = 100; };
}
message Voucher { optional sint64 no = 1; ; }
service Orders {
  rpc Get(Order) returns (stream Order) { option deprecated = true; }
  rpc Put(Order) returns (Voucher);
}
"""
AS_PROTOC = zlib.decompress(b64decode(
    "eNp9U0tv00AQju21Y09oZZYeHINEZCSIqtZtXAlQxClSVF5KYIs4cImc2Emtxl7LcaLkxpE7v5YTzK6TSk0r9rDamfnm+e3AI15EcbHw84KXnN"
    "YX1zz3Vx33+Yzz2Tw+k+rxcnpWJmm8KMM0r5DebwP0oXClh6AmkaO01LbF8EVfAZknWeyoLa0NwRN/G9KXaP8zmpgE0CMgk7CIHNJS2tb7GpMS"
    "PYH6ii8n13Hh6GhoBPZthO+VHqE7CO0CjDejLEzjUbB2DEzZCJ7tpextBmgP1v2sLDbMHG9Fegx6kmWYpy7zHO25fRA2VkEQq4alY0qg61fD8X"
    "fD8b/thsMQRV+CMY6nvIgdS+IP7wZmW6v7GoiYBqVARAMyusXkm7pA0jDbOBrq9K562umpjsKkzv0KB3daojZoN/EGKRD+4ilaW4XzpSDhP61J"
    "SFd9q7h/FNClkp4CuUmySAY7DJoPOfqfEMAkjDpQx9YX4axKZbGdiOxqaZgjuVrb7Km2woRIL8DgeZnwTJILwdMHEwwlhG2h7gswKg1tgrKWpS"
    "ndRuf89jBl7b0BIuqiJpDBcNC3a/Qxzrd/dWX/3R1FGH/02dCuuViRR0zdto5NM7J/4lEDD4eOxNA9wpxIkMCkrWcAycMk+kjMwL7A+519ybQp"
    "50wbh4XXhPr2k4q1yLislTJ8BSNsQq4a/nDtMi73s7h7sqf9UpVzBddJ+7K8j763Fb0DaEx46sdr/Ifz+B8MpQva"
))  # fmt: skip
"""What `protoc` (grpcio-tools 1.85) makes of it, as `orders.proto`."""


def resolved(file: FileDescriptorProto) -> dict[str, Any]:
    """What is said of each message, when all names are resolved."""
    pool = DescriptorPool()
    pool.AddSerializedFile(timestamp_pb2.DESCRIPTOR.serialized_pb)
    pool.AddSerializedFile(file.SerializeToString())
    found, waiting = {}, list(pool.FindFileByName(file.name).message_types_by_name.values())
    while waiting:
        kind = waiting.pop()
        waiting += kind.nested_types
        found[kind.full_name] = (
            [
                (
                    field.name, field.number, field.type, field.is_repeated, field.has_presence,
                    field.message_type.full_name if field.message_type else None,
                    field.enum_type.full_name if field.enum_type else None,
                    field.containing_oneof.name if field.containing_oneof else None,
                )
                for field in kind.fields
            ],
            [inner.name for inner in kind.nested_types],
            [(enum.name, value.name, value.number) for enum in kind.enum_types for value in enum.values],
            kind.GetOptions().map_entry,
        )  # fmt: skip
    return found


def test_a_text_is_read_as_protoc_reads_it() -> None:
    assert resolved(read_proto(ORDERS, "orders.proto")) == resolved(FileDescriptorProto.FromString(AS_PROTOC))


def test_what_is_optional_in_proto3_may_be_absent_and_stands_in_no_oneof_that_was_declared() -> None:
    text = (
        'syntax = "proto3"; message A { optional int32 a = 1; oneof b { int32 c = 2; } optional A d = 3; int32 e = 4; }'
    )
    (message,) = read_proto(text, "a.proto").message_type
    assert [oneof.name for oneof in message.oneof_decl] == ["b", "_a", "_d"]
    fields = {name: has_presence for name, _, _, _, has_presence, *_ in resolved(read_proto(text, "a.proto"))["A"][0]}
    assert fields == {"a": True, "c": True, "d": True, "e": False}


@pytest.mark.parametrize(
    "text",
    [
        "x", "message", "message A {", "message A { string a; }", "message A { string a = ; }", "message A { } }",
        "message A { map<string,> a = 1; }", "message A { string a = 1 [; }", "%", "/* open", 'syntax = "proto4";',
        "syntax = proto3;", 'edition = "2023";', "import x;", "enum A { B; }", "message A { option a; ] }",
        "message A { string a = 1" + "0" * 5_000 + "; }", "message A { string a = 5000000000; }",
        "message A {" * 31 + "}" * 31, 'message A { string a = 1 [default = "open] ; }', "message A { oneof b { ",
    ],
)  # fmt: skip
def test_what_is_none(text: str) -> None:
    with pytest.raises(ValueError):
        read_proto(text, "a.proto")


@pytest.mark.parametrize(
    "part", ["message A {", "/*", ";", '"\\', "message A { option {", "option (", "[", " ", "enum A { B = 1; }"]
)
def test_a_text_costs_by_its_length(part: str) -> None:
    with cost_by_length(), suppress(ValueError):
        read_proto(part * (200_000 // len(part)), "a.proto")
