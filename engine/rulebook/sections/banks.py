"""Reads `banks:`: pictures that are known, as hashes, and how far a copy may differ."""

import re
from collections.abc import Mapping
from pathlib import PurePosixPath

from engine.core.values.banks import Bank
from engine.core.values.near_hashes import MOST_DISTANT
from engine.keys.hash_files import Mistaken, read_hashes
from engine.rulebook.language import schema
from engine.rulebook.language.diagnostics import Span, did_you_mean
from engine.rulebook.language.reading import read_mapping
from engine.rulebook.language.source import Node
from engine.rulebook.sections.declarations import Declarations

MAX_FILE_HASHES = 100_000
"""A rulebook travels as one message, of at most 8 MB."""

_MOST_ERRORS = 10


def read_bank(made: Declarations, sources: Mapping[str, str], file: str, name: str, span: Span, node: Node) -> None:
    """Read one bank into the declarations, or report what is wrong with it."""
    report = made.diagnostics
    keys = read_mapping(node, schema.BANK, f"bank `{name}`", report)
    if name in made.lists:
        report.error(span, f"`{name}` is a list already", "live entries are found by the name: choose another one")
        return
    hashes: set[str] = set()
    if "file" in keys:
        path = PurePosixPath(file).parent / (keys["file"].text or "")
        hashes |= _of_file(made, sources, str(path), keys["file"].span)
    if "values" in keys:
        hashes |= _of_values(made, keys["values"])
    data = keys["data"].text or "" if "data" in keys else None
    if data is not None and not re.fullmatch(schema.HASH_FILE_NAME, data):
        message = f"`data` is the name of a file, this is {keys['data'].kind}"
        report.error(keys["data"].span, message, "for example scams.txt; `reference_data_dir` says where it is")
    if not keys.keys() & {"file", "values", "data", "live"}:
        report.error(
            span, f"bank `{name}` needs `file`, `values`, `data` or `live`", "{file: banks/scams.csv, live: true}"
        )
    elif not hashes and not keys.keys() & {"data", "live"} and not report.errors:
        report.warning(span, f"bank `{name}` is empty: no picture is in it", "a line of CSV is: hash,HASH_PDQ,tags")
    made.banks[name] = Bank(hashes, _radius(made, keys.get("radius")), data)
    if "live" in keys and keys["live"].scalar is not True:
        report.error(keys["live"].span, f"`live` is true, this is {keys['live'].kind}", "or leave it out")
    elif "live" in keys:
        made.live[name] = made.banks[name]


def _of_file(made: Declarations, sources: Mapping[str, str], path: str, span: Span) -> set[str]:
    if path not in sources:
        hint = did_you_mean(path, sources) or "paths are relative to this file; files of banks are .txt, .csv or .json"
        made.diagnostics.error(span, f"there is no file {path} in this rulebook", hint)
        return set()
    hashes, mistakes = set[str](), 0
    for found in read_hashes(path, sources[path]):
        if not isinstance(found, Mistaken):
            hashes.add(found.hash)
        elif mistakes < _MOST_ERRORS:
            mistakes += 1
            made.diagnostics.error(Span(path, found.line - 1, 0), found.message, found.hint)
    if len(hashes) > MAX_FILE_HASHES:
        message = f"a rulebook's bank has at most {MAX_FILE_HASHES:,} pictures, this one has {len(hashes):,}"
        made.diagnostics.error(span, message, "put the file into `reference_data_dir`, and name it as `data`")
        return set()
    return hashes


def _of_values(made: Declarations, node: Node) -> set[str]:
    hashes = set[str]()
    for item in node.walk():
        for found in read_hashes("", item.text or ""):
            if isinstance(found, Mistaken):
                made.diagnostics.error(item.span, found.message, found.hint)
            else:
                hashes.add(found.hash)
    return hashes


def _radius(made: Declarations, node: Node | None) -> int:
    radius = node.scalar if node is not None else MOST_DISTANT
    if type(radius) is int and 0 <= radius <= MOST_DISTANT:
        return radius
    assert node is not None  # the default is right
    message = f"`radius` is in how many of 256 bits a copy may differ, from 0 to {MOST_DISTANT}"
    made.diagnostics.error(node.span, message, "pictures that differ in more bits are other pictures")
    return MOST_DISTANT
