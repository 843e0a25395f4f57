"""One way to lay a rulebook file out, so that an edit's difference shows what was edited.

Lines are moved and aligned, nothing else: comments stay with what they stand above, and what the file says is compared
before and after. Sections stand one empty line apart, and so do rules; the keys of a rule stand in the order in which
they are read; what fields, tables, lists, values, counters and derived values are stands under one another.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from engine.errors import RulebookError
from engine.rulebook.language import rule_schema
from engine.rulebook.language.diagnostics import Diagnostics
from engine.rulebook.language.source import parse

Lines = list[str]

_ALIGNED = (
    "fields", "params", "tables", "lists", "banks", "values", "macros", "counters", "sequences", "outcomes", "derived",
)  # fmt: skip
_KEY = re.compile(r"( *)([A-Za-z_][\w.]*):( *)(.*)")


def formatted(file: str, text: str) -> str:
    """A rulebook file as it should look. Raises RulebookError where it is not YAML, or would not say the same."""
    report = Diagnostics({file: text})
    before = parse(file, text, report)
    report.raise_on_errors()
    made = _laid_out(_laid_out(text))
    after = parse(file, made, Diagnostics({file: made}))
    if before is None:
        return text  # nothing but comments
    if after is None or before.plain() != after.plain() or _laid_out(made) != made:
        raise RulebookError(f"{file}: error: this cannot be laid out without changing what it says", 1)
    return made


def entries_called(text: str, name: str) -> list[str]:
    """The lines of each entry of a rulebook file that has this name, below the name of its section."""
    entries = []
    for section in _blocks([line.rstrip() for line in text.splitlines()], 0):
        head, body = _head(section)
        indent = _indent_of(body)
        for entry in _blocks(body, indent) if indent is not None else []:
            lines = _without_empty(entry)
            if any(_name(line) == name for line in _head(lines)[0]):
                entries.append("\n".join([*head[-1:], *lines]))
    return entries


def _laid_out(text: str) -> str:
    blocks = _blocks([line.rstrip() for line in text.splitlines()], 0)
    return "\n".join(_apart([_section(block) for block in blocks])) + "\n"


def _section(block: Lines) -> Lines:
    head, body = _head(block)
    name = _name(head[-1]) if head else ""
    indent = _indent_of(body)
    if indent is None:
        return _without_empty(block)
    entries = [_without_empty(entry) if name == "rules" else entry for entry in _blocks(body, indent)]
    if name == "rules":
        return [*head, *_apart([_rule(entry, indent) for entry in entries])]
    if name in _ALIGNED:
        entries = list(_aligned(entries))
    return [*head, *_tight([line for entry in entries for line in entry])]


def _rule(entry: Lines, outer: int) -> Lines:
    """A rule with its keys in their order."""
    head, body = _head(entry)
    indent = _indent_of(body)
    if indent is None or indent <= outer or not _KEY.fullmatch(_first(body)):
        return entry
    order = {key: place for place, key in enumerate(rule_schema.RULE)}
    end = _end_of(body, indent)
    parts = [_without_empty(part) for part in _blocks(body[:end], indent)]
    parts.sort(key=lambda part: order.get(_name(_head(part)[0][-1]), len(order)))
    return [*head, *(line for part in parts for line in part), *body[end:]]


def _end_of(body: Lines, indent: int) -> int:
    """Where a rule ends: what is not indented as far as its keys, behind the last of them, is a comment on what comes
    next."""
    last = max(place for place, line in enumerate(body) if line and not line.lstrip().startswith("#"))
    left = (place for place in range(last + 1, len(body)) if not body[place].startswith(" " * indent))
    return next(left, len(body))


def _aligned(entries: Sequence[Lines]) -> Iterator[Lines]:
    """The entries of a section; values of those that follow one another directly begin in the same column."""
    run: list[Lines] = []
    for entry in entries:
        match = _KEY.fullmatch(entry[0])
        alone = match is None or not match[4] or match[4].startswith("#")
        if alone:
            yield from _in_columns(run)
            yield entry
            run = []
            continue
        run.append(_without_empty(entry))
        if not entry[-1]:  # an empty line behind it
            yield from _in_columns(run)
            yield [""]
            run = []
    yield from _in_columns(run)


def _in_columns(run: Sequence[Lines]) -> Iterator[Lines]:
    width = max((len(_name(entry[0])) for entry in run), default=0) + 2
    for first, *rest in run:
        match = _KEY.fullmatch(first)
        assert match is not None  # as it was chosen by that
        start = f"{match[1]}{match[2]}:".ljust(len(match[1]) + width)
        by = len(start) - match.start(4)
        yield [start + match[4], *(_shifted(line, by, len(match[1]) + 2) for line in rest)]


def _shifted(line: str, by: int, least: int) -> str:
    bare = line.lstrip()
    return " " * max(least, len(line) - len(bare) + by) + bare if bare else ""


def _blocks(lines: Lines, indent: int) -> list[Lines]:
    """Cut before each key at this indent. Comments at the same indent belong to the key below them, as do those above
    the first key; empty lines stay above."""
    blocks: list[Lines] = [[]]
    begun = False
    for line in lines:
        begins = bool(line) and len(line) - len(line.lstrip()) == indent and line.lstrip()[0] not in "#-"
        if begins and begun:
            at = len(blocks[-1])
            while at and blocks[-1][at - 1].startswith(" " * indent + "#"):
                at -= 1
            blocks.append(blocks[-1][at:])
            del blocks[-2][at:]
        begun = begun or begins
        blocks[-1].append(line)
    return [block for block in blocks if any(block)]


def _head(block: Lines) -> tuple[Lines, Lines]:
    """The comments above a key with the key's own line, and what is below."""
    at = next((place for place, line in enumerate(block) if line and not line.lstrip().startswith("#")), len(block) - 1)
    return [line for line in block[: at + 1] if line], block[at + 1 :]


def _apart(blocks: Sequence[Lines]) -> Lines:
    """Blocks with an empty line between them, but for lines that stay close together."""
    lines = list(blocks[0]) if blocks else []
    for block, following in pairwise(blocks):
        lines += ([] if len(block) == len(following) == 1 else [""]) + following
    return lines


def _tight(lines: Lines) -> Lines:
    """Without several empty lines in a row, and none at the ends."""
    kept = [line for place, line in enumerate(lines) if line or (place and lines[place - 1])]
    return _without_empty(kept)


def _without_empty(lines: Lines) -> Lines:
    begin = next((place for place, line in enumerate(lines) if line), 0)
    end = next((len(lines) - place for place, line in enumerate(reversed(lines)) if line), 0)
    return lines[begin:end]


def _indent_of(body: Lines) -> int | None:
    first = _first(body)
    return len(first) - len(first.lstrip()) if first else None


def _first(body: Lines) -> str:
    return next((line for line in body if line and not line.lstrip().startswith("#")), "")


def _name(line: str) -> str:
    match = _KEY.fullmatch(line)
    return match[2] if match is not None else ""
