"""Reads `enrich:` and `tables:`: what the engine looks up about an event, beside what the event says."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import PurePosixPath

from engine.core.domain.reference import LookupKind, Row, reference_path
from engine.core.values.hashing import hash32
from engine.rulebook.language import schema
from engine.rulebook.language.diagnostics import Span, did_you_mean
from engine.rulebook.language.keys import KEY_SOURCES
from engine.rulebook.language.reading import read_mapping
from engine.rulebook.language.source import Node
from engine.rulebook.language.well_known import WELL_KNOWN, type_at
from engine.rulebook.sections.declarations import Declarations
from engine.rulebook.sections.fields import read_field
from engine.rulebook.sections.records import FieldDeclaration, ReferenceDeclaration
from engine.rulebook.sections.table_files import read_rows

MAX_COLUMNS = 50
"""Of one table, or one database."""

_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\.mmdb")
_NAME = re.compile(schema.NAME_PATTERN)
_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,249}")


def read_enrichment(made: Declarations, _: Mapping[str, str], __: str, name: str, span: Span, node: Node) -> None:
    """Read what databases tell about one field into the declarations, or report what is wrong with it."""
    if not _is_key(made, name, span):
        return
    for database in node.walk():
        keys = read_mapping(database, schema.DATABASE, f"`enrich` of `{name}`", made.diagnostics)
        if {"mmdb", "as"} > keys.keys():
            continue
        file = keys["mmdb"].text or ""
        if not _FILE_NAME.fullmatch(file):
            message = f"`mmdb` is the name of a file, this is {keys['mmdb'].kind}"
            hint = "for example city.mmdb; the setting `reference_data_dir` says where it is"
            made.diagnostics.error(keys["mmdb"].span, message, hint)
            continue
        for column, place, field in _columns_of(made, keys["as"]):
            reference = ReferenceDeclaration("mmdb", file, name, field.path)
            _declare(made, column, place, field, reference)


def read_table(
    made: Declarations, sources: Mapping[str, str], file: str, name: str, span: Span, node: Node
) -> None:  # fmt: skip
    """Read one table into the declarations, or report what is wrong with it."""
    report, title = made.diagnostics, f"table `{name}`"
    keys = read_mapping(node, schema.TABLE, title, report)
    if name in made.fields:
        report.error(span, f"`{name}` is a field already", "give the table another name")
        return
    if ("topic" in keys) == ("file" in keys):
        report.error(span, f"{title} needs exactly one of `topic` and `file`")
        return
    key = keys["key"].text or "" if "key" in keys else ""
    if "key" not in keys or "fields" not in keys or not _is_key(made, key, keys["key"].span):
        columns_node = keys.get("fields", node)
        made.spans.update({f"{name}.{column}": at for column, at in columns_node.keys.items()})  # none is unknown then
        return
    if not keys["fields"].entries or len(keys["fields"].entries) > MAX_COLUMNS:
        report.error(keys["fields"].span, f"`fields` of {title} are 1 to {MAX_COLUMNS} columns", "{plan: text}")
        return
    columns = dict(_fields_of(made, keys["fields"]))
    kind: LookupKind = "topic" if "topic" in keys else "file"
    if kind == "topic":
        if not _TOPIC.fullmatch(keys["topic"].text or ""):
            report.error(keys["topic"].span, f"`topic` is the name of a topic, this is {keys['topic'].kind}")
            return
        made.topics[name] = keys["topic"].text or ""
    else:
        path = str(PurePosixPath(file).parent / (keys["file"].text or ""))
        if path not in sources:
            hint = did_you_mean(path, sources) or "paths are relative to this file; table files end in .csv or .jsonl"
            report.error(keys["file"].span, f"there is no file {path} in this rulebook", hint)
        else:
            made.tables[name] = read_rows(path, sources[path], key, columns, report)
    for at, (column, field) in enumerate(columns.items()):
        content = _content(made.tables.get(name, {}), at)
        source = made.topics.get(name, name)
        reference = ReferenceDeclaration(kind, name, key, field.path, content or hash32(source))
        _declare(made, f"{name}.{column}", keys["fields"].keys[column], field, reference)


def files_named(entries: Mapping[str, Node]) -> Iterator[str]:
    """The files that the entries of a section name."""
    for declaration in entries.values():
        node = (declaration.entries or {}).get("file")
        if node is not None and node.text:
            yield node.text


def _columns_of(made: Declarations, node: Node) -> Iterator[tuple[str, Span, FieldDeclaration]]:
    """The names that a database's values get, with what they are."""
    report = made.diagnostics
    if node.entries is None:
        for item in node.walk():
            path = WELL_KNOWN.get(item.text or "")
            if path is None:
                hint = did_you_mean(item.text or "", WELL_KNOWN) or "give its path: as: {name: path.in.the.database}"
                report.error(item.span, f"{item.kind} is no well-known name", hint)
            else:
                yield item.text or "", item.span, FieldDeclaration(type_at(path), path)
        return
    for name, entry in node.entries.items():
        span = node.keys[name]
        if entry.entries is not None:
            field = read_field(report, name, span, entry, "column")
            if field is not None:
                yield name, span, field
        elif not entry.text or not isinstance(entry.scalar, str) or entry.text.split() != [entry.text]:
            report.error(entry.span, f"a path in the database is needed here, this is {entry.kind}", "country.iso_code")
        else:
            yield name, span, FieldDeclaration(type_at(entry.text), entry.text)


def _fields_of(made: Declarations, node: Node) -> Iterator[tuple[str, FieldDeclaration]]:
    for name, entry in (node.entries or {}).items():
        span = node.keys[name]
        if not _NAME.fullmatch(name):
            made.diagnostics.error(span, f'"{name}" cannot be a name', "names have small letters, digits and _")
            continue
        field = read_field(made.diagnostics, name, span, entry, "column")
        if field is not None:
            yield name, field


def _is_key(made: Declarations, name: str, span: Span) -> bool:
    """Whether rows can be found by a field."""
    field = made.fields.get(name)
    if field is not None and field.type in ("text", "number") and field.factor == 1:
        return True
    known = [known for known, field in made.fields.items() if field.type in ("text", "number")]
    hint = did_you_mean(name, known) or f"one of: {', '.join(known)}; declare others under `fields:`"
    made.diagnostics.error(span, f'nothing can be looked up by "{name}"', hint)
    return False


def _declare(
    made: Declarations, name: str, span: Span, field: FieldDeclaration, reference: ReferenceDeclaration
) -> None:
    """Let clauses read a value under a name, unless it means something else."""
    report = made.diagnostics
    if "." not in name and not _NAME.fullmatch(name):
        report.error(span, f'"{name}" cannot be a name', "names have small letters, digits and _")
    elif name in made.spans:
        first = made.spans[name]
        report.error(span, f'"{name}" is declared twice, first in {first.file}:{first.line + 1}')
    elif name in made.fields or name in KEY_SOURCES or name in made.to_come or name in made.reserved:
        report.error(span, f"`{name}` means something else already", "give it another name: as: {ip_country: …}")
    else:
        made.spans[name] = span
        made.fields[name] = replace(field, path=reference_path(name), reference=reference)


def _content(rows: Mapping[str, Row], column: int) -> int:
    """What stands for the values of a column; 0 without rows."""
    return hash32("\x00".join(f"{key}\x01{rows[key][column]!r}" for key in sorted(rows))) if rows else 0


def lookups_in(fields: Mapping[str, FieldDeclaration], names: Iterable[str]) -> Iterator[str]:
    """Of these names, those that are looked up, and what they are looked up by."""
    for name in names:
        field = fields.get(name)
        if field is not None and field.reference is not None:
            yield from lookups_in(fields, (field.reference.key,))
            yield name
