"""Files of picture hashes: one a line, or as ThreatExchange gives and takes them, CSV or JSON.

What is there beside the hash are a type, which says whether it is one (files may have hashes of videos too), and tags.
"""

import csv
import json
import re
from collections.abc import Iterator, Mapping
from io import StringIO
from typing import Any, NamedTuple

from engine.core.values.banks import hash_of

_HASHES = ("hash", "raw_indicator", "indicator", "td_raw_indicator", "value", "signal")
_TYPES = ("type", "td_indicator_type", "signal_type", "indicator_type")
_TAGS = ("tags", "td_subjective_tags")
_PDQ = ("HASH_PDQ", "PDQ", "PDQ_HASH")
_HINT = "a hash is 64 hexadecimal digits, as `media.hashes` has them"
_COMMENT = re.compile(r"(?:^|\s)#.*")


class Listed(NamedTuple):
    """A hash of a file, with its line, from 1 on."""

    hash: str
    tags: tuple[str, ...]
    line: int


class Mistaken(NamedTuple):
    """A line that has none."""

    line: int
    message: str
    hint: str


def read_hashes(file: str, text: str) -> Iterator[Listed | Mistaken]:
    """The hashes of a file, whose name says what it is: `.csv`, `.json`, `.jsonl`, or anything else with one a line.
    What is of another type than a picture's is passed over."""
    kind = file.rpartition(".")[2].lower()
    text = text.removeprefix("\ufeff")
    if kind == "csv":
        yield from _rows(text)
    elif kind in ("json", "jsonl"):
        yield from _documents(text, kind == "jsonl")
    else:
        for number, line in enumerate(text.splitlines(), 1):
            entry = _COMMENT.sub("", line).strip()
            if entry:
                yield _listed(entry, (), number)


def write_hashes(entries: Mapping[str, tuple[str, ...]], as_json: bool) -> str:
    """A file of hashes with their tags, to be given to others."""
    documents = [{"hash": entry, "type": _PDQ[0], "tags": list(tags)} for entry, tags in sorted(entries.items())]
    if as_json:
        return json.dumps(documents, indent=1) + "\n"
    file = StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(("hash", "type", "tags"))
    writer.writerows((one["hash"], one["type"], " ".join(one["tags"])) for one in documents)
    return file.getvalue()


def _rows(text: str) -> Iterator[Listed | Mistaken]:
    """CSV with a line of names, or without one: then the hash comes first, and tags come last."""
    reader = csv.reader(StringIO(text))
    names: list[str] | None = None
    try:
        for row in reader:
            if names is None:
                titles = [title.strip().lower() for title in row]
                names = titles if set(titles) & {*_HASHES} else []
                if names:
                    continue
            if not any(cell.strip() for cell in row):
                continue
            if names:
                yield from _one(dict(zip(names, row, strict=False)), reader.line_num)
            else:
                yield _listed(row[0].strip(), _tags(row[-1]) if len(row) > 1 else (), reader.line_num)
    except csv.Error as error:
        yield Mistaken(reader.line_num, f"this is no CSV: {error}", "quote what has commas or quotation marks in it")


def _documents(text: str, by_line: bool) -> Iterator[Listed | Mistaken]:
    """A list of objects, alone or as `data`; or one a line."""
    parts = enumerate(text.splitlines(), 1) if by_line else [(1, text)]
    for number, part in parts:
        if not part.strip():
            continue
        try:
            whole = json.loads(part)
        except (ValueError, RecursionError) as error:
            yield Mistaken(number, f"this is no JSON: {error}", '{"hash": "…", "type": "HASH_PDQ", "tags": []}')
            continue
        inner = whole.get("data", whole) if isinstance(whole, dict) else whole
        for document in inner if isinstance(inner, list) else [inner]:
            if isinstance(document, dict):
                yield from _one(document, number)
            else:
                yield _listed(document, (), number)


def _one(document: Mapping[str, Any], line: int) -> Iterator[Listed | Mistaken]:
    found = _first(document, _HASHES)
    kind = _first(document, _TYPES)
    if isinstance(found, dict):  # an indicator of its own, beside what somebody says of it
        kind, found = kind or _first(found, _TYPES), _first(found, _HASHES)
    if kind is None or str(kind).strip().upper() in _PDQ:
        yield _listed(found.strip() if isinstance(found, str) else found, _tags(_first(document, _TAGS)), line)


def _first(document: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    return next((document[name] for name in names if document.get(name) not in (None, "")), None)


def _tags(found: Any) -> tuple[str, ...]:
    """As a text with spaces, commas or semicolons; as a list; as ThreatExchange nests them."""
    if isinstance(found, dict):
        found = found.get("data")
    if isinstance(found, list):
        words = [one.get("text") if isinstance(one, dict) else one for one in found]
        return tuple(word for word in words if isinstance(word, str) and word)
    return tuple(re.split(r"[\s,;]+", found.strip())) if isinstance(found, str) and found.strip() else ()


def _listed(found: Any, tags: tuple[str, ...], line: int) -> Listed | Mistaken:
    written = hash_of(found)
    if written is None:
        return Mistaken(line, f"`{str(found)[:80]}` is no hash of a picture", _HINT)
    return Listed(written, tags, line)
