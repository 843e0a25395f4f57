"""Reads which seed a model begins with: one that comes with Floodgate, by name, or a file of the rulebook."""

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from engine.errors import SeedError
from engine.learning.seeds import SUFFIX, read_seed, shipped_seed, shipped_seeds
from engine.rulebook.language.diagnostics import did_you_mean
from engine.rulebook.language.source import Node
from engine.rulebook.sections.declarations import Declarations

_MAKE = "`floodgate learn seed` makes one from labelled events"


def seed_of_model(declared: Declarations, sources: Mapping[str, str], keys: Mapping[str, Node]) -> str | None:
    """The seed that a model names, as its file has it; None without one, and where something is wrong with it."""
    if "seed" not in keys:
        return None
    report, node = declared.diagnostics, keys["seed"]
    if "river" in keys:
        report.error(node.span, "`seed` is for the default learner", "leave `river` out, or `seed`")
    elif "texts" not in keys:
        report.error(node.span, "a seed reads texts, and this model has none", "for example: texts: [text]")
    elif (text := _text(declared, sources, node, node.text or "")) is not None:
        try:
            read_seed(text)
        except SeedError as error:
            report.error(node.span, str(error), None if "learn seed" in str(error) else _MAKE)
        else:
            return text
    return None


def _text(declared: Declarations, sources: Mapping[str, str], node: Node, named: str) -> str | None:
    report = declared.diagnostics
    if named.endswith(SUFFIX):
        path = _path(node.span.file, named)
        if path not in sources:
            hint = did_you_mean(path, sources) or f"paths are relative to this file; {_MAKE}"
            report.error(node.span, f"there is no file {path} in this rulebook", hint)
        return sources.get(path)
    if named not in shipped_seeds():
        known = " and ".join(f"`{name}`" for name in shipped_seeds())
        hint = did_you_mean(named, shipped_seeds()) or f"{_MAKE}: `seed: seeds/ours{SUFFIX}`"
        report.error(node.span, f'there is no seed "{named}": {known} come with Floodgate', hint)
        return None
    return shipped_seed(named)


def seed_files(file: str, models: Mapping[str, Node]) -> Iterator[str]:
    """The files that the models of a file name as their seeds, as paths from the root."""
    for model in models.values():
        node = (model.entries or {}).get("seed")
        if node is not None and node.text and node.text.endswith(SUFFIX):
            yield _path(file, node.text)


def _path(file: str, named: str) -> str:
    return str(PurePosixPath(file).parent / named)
