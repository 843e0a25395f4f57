"""The text of a `.proto` file as a descriptor, which Google's `protobuf` builds messages of.

Registries keep Protobuf's schemas as texts. What their makers take from `protoc`, this takes from the text itself: a
producer's schema is then no reason to start a compiler in C++ over what a stranger may have written. It reads what
says how bytes are to be read, in time that the text's length bounds, and passes over options, services and extensions.
"""

import re
from typing import Any

from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto

_MOST_DEPTH = 30
_TOKEN = re.compile(
    r"""\s+|//[^\n]*|/\*.*?\*/"""
    r"""|(\.?[A-Za-z_][\w.]*|\d[\w.]*|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|[{}\[\]()<>=;,:+\-./])""",
    re.ASCII | re.DOTALL,
)
_SCALARS = {
    name.removeprefix("TYPE_").lower(): number
    for name, number in FieldDescriptorProto.Type.items()
    if name not in ("TYPE_GROUP", "TYPE_MESSAGE", "TYPE_ENUM")
}
_LABELS = {name.removeprefix("LABEL_").lower(): number for name, number in FieldDescriptorProto.Label.items()}
_OPENS, _CLOSES = frozenset("{[("), frozenset("}])")


def read_proto(text: str, name: str) -> FileDescriptorProto:
    """A file of Protobuf of that name. Raises ValueError for what is none."""
    try:
        return _File(_tokens(text)).read(name)
    except IndexError:
        raise ValueError("it ends in the middle") from None


def _tokens(text: str) -> list[str]:
    found, at = [], 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise ValueError(f"{text[at : at + 20]!r} is no Protobuf")
        if match[1]:
            found.append(match[1])
        at = match.end()
    return found


class _File:
    """Statement by statement; `_at` is where it is."""

    def __init__(self, tokens: list[str]) -> None:
        self._tokens, self._at, self._depth, self._is_proto3 = tokens, 0, 0, False

    def read(self, name: str) -> FileDescriptorProto:
        file = FileDescriptorProto(name=name)
        while self._at < len(self._tokens):
            word = self._next()
            if word == "syntax":
                self._take("=")
                file.syntax = self._quoted()
                if file.syntax not in ("proto2", "proto3"):
                    raise ValueError(f"the syntax {file.syntax!r} is not known")
                self._is_proto3 = file.syntax == "proto3"
                self._take(";")
            elif word == "package":
                file.package = self._next()
                self._take(";")
            elif word == "import":
                self._skip_one_of("public", "weak", "option")
                file.dependency.append(self._quoted())
                self._take(";")
            elif word == "message":
                self._message(file.message_type.add())
            elif word == "enum":
                self._enum(file.enum_type.add())
            elif word in ("option", "extend", "service"):
                self._skip()
            elif word != ";":  # an edition too
                raise ValueError(f"a file cannot have {word!r} here")
        return file

    def _message(self, message: DescriptorProto) -> None:
        message.name = self._next()
        self._body(message)

    def _body(self, message: DescriptorProto) -> None:
        self._depth += 1
        if self._depth > _MOST_DEPTH:
            raise ValueError(f"messages stand within messages, more than {_MOST_DEPTH} deep")
        self._take("{")
        while (word := self._next()) != "}":
            if word == "message":
                self._message(message.nested_type.add())
            elif word == "enum":
                self._enum(message.enum_type.add())
            elif word == "oneof":
                self._oneof(message)
            elif word in ("option", "reserved", "extensions", "extend"):
                self._skip()
            elif word != ";":
                self._field(message, word)
        self._depth -= 1
        _declare_optionals(message)

    def _oneof(self, message: DescriptorProto) -> None:
        number = len(message.oneof_decl)
        message.oneof_decl.add(name=self._next())
        self._take("{")
        while (word := self._next()) != "}":
            if word == "option":
                self._skip()
            elif word != ";":
                self._field(message, word).oneof_index = number

    def _field(self, message: DescriptorProto, word: str) -> FieldDescriptorProto:
        field = message.field.add(label=_LABELS.get(word, _LABELS["optional"]))
        if word in _LABELS:
            field.proto3_optional = word == "optional" and self._is_proto3
            word = self._next()
        if word == "group":
            return self._group(message, field)
        if word == "map" and self._tokens[self._at] == "<":
            self._map(message, field)
        else:
            _set_type(field, word)
            self._name_and_number(field)
        self._take(";")
        return field

    def _name_and_number(self, field: FieldDescriptorProto) -> None:
        field.name = self._next()
        self._take("=")
        field.number = self._integer()
        if self._tokens[self._at] == "[":
            self._skip_balanced()

    def _group(self, message: DescriptorProto, field: FieldDescriptorProto) -> FieldDescriptorProto:
        self._name_and_number(field)
        inner = message.nested_type.add(name=field.name)
        field.type, field.type_name, field.name = field.TYPE_GROUP, field.name, field.name.lower()
        self._body(inner)
        return field

    def _map(self, message: DescriptorProto, field: FieldDescriptorProto) -> None:
        self._take("<")
        entry = DescriptorProto()
        entry.options.map_entry = True
        for number, (name, end) in enumerate((("key", ","), ("value", ">")), 1):
            _set_type(entry.field.add(name=name, number=number, label=_LABELS["optional"]), self._next())
            self._take(end)
        self._name_and_number(field)
        entry.name = "".join(part[:1].upper() + part[1:] for part in field.name.split("_")) + "Entry"
        message.nested_type.append(entry)
        field.label, field.type, field.type_name = _LABELS["repeated"], field.TYPE_MESSAGE, entry.name

    def _enum(self, enum: Any) -> None:
        enum.name = self._next()
        self._take("{")
        while (word := self._next()) != "}":
            if word in ("option", "reserved") and self._tokens[self._at] != "=":
                self._skip()
            elif word != ";":
                self._take("=")
                sign = -1 if self._skip_one_of("-") else 1
                enum.value.add(name=word, number=sign * self._integer())
                if self._tokens[self._at] == "[":
                    self._skip_balanced()
                self._take(";")

    def _next(self) -> str:
        self._at += 1
        return self._tokens[self._at - 1]

    def _take(self, expected: str) -> None:
        found = self._next()
        if found != expected:
            raise ValueError(f"{expected!r} was expected, not {found[:100]!r}")

    def _skip_one_of(self, *words: str) -> bool:
        is_there = self._at < len(self._tokens) and self._tokens[self._at] in words
        self._at += is_there
        return is_there

    def _skip(self) -> None:
        """To the end of a statement: a semicolon, or the braces that it ends with."""
        while (word := self._tokens[self._at]) != ";":
            if word in _CLOSES:
                raise ValueError(f"{word!r} closes nothing")
            if word in _OPENS:
                self._skip_balanced()
                if word == "{":
                    self._skip_one_of(";")
                    return
            else:
                self._at += 1
        self._at += 1

    def _skip_balanced(self) -> None:
        depth = 0
        while True:
            word = self._next()
            depth += (word in _OPENS) - (word in _CLOSES)
            if not depth:
                return

    def _quoted(self) -> str:
        word = self._next()
        if word[0] not in "\"'":
            raise ValueError(f"a text in quotes was expected, not {word[:100]!r}")
        return word[1:-1]

    def _integer(self) -> int:
        word = self._next()
        is_octal = len(word) > 1 and word.isdigit() and word[0] == "0"
        return int(word, 8 if is_octal else 0)


def _set_type(field: FieldDescriptorProto, word: str) -> None:
    """Whether a name is a message's or an enum's, whoever resolves it finds out."""
    scalar = _SCALARS.get(word)
    if scalar is None:
        field.type_name = word
    else:
        field.type = scalar


def _declare_optionals(message: DescriptorProto) -> None:
    """What is `optional` in proto3 stands in a oneof of its own, behind all others."""
    for field in message.field:
        if field.proto3_optional:
            field.oneof_index = len(message.oneof_decl)
            message.oneof_decl.add(name=f"_{field.name}")
