"""Reads the sections of rulebook files, except the rules, into declarations."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import PurePosixPath

from engine.core.domain.rules import MAX_CAP
from engine.core.values.identity import IDENTITY_FIELDS, TEXT_FIELDS
from engine.core.values.lists import Conceal, LiveList
from engine.rulebook.language import schema
from engine.rulebook.language.diagnostics import Diagnostics, Span, did_you_mean
from engine.rulebook.language.nodes import Ref
from engine.rulebook.language.reading import choice, read_mapping, words
from engine.rulebook.language.source import Node, parse
from engine.rulebook.sections.actions import read_ladder
from engine.rulebook.sections.banks import read_bank
from engine.rulebook.sections.counters import read_cluster, read_counter
from engine.rulebook.sections.declarations import Declarations
from engine.rulebook.sections.entries import COMPUTED, PLAIN, RESERVED, Entry, entries_of_section
from engine.rulebook.sections.fields import read_field
from engine.rulebook.sections.list_files import entries_of_file
from engine.rulebook.sections.macros import read_macro
from engine.rulebook.sections.marks import find_markers, read_mark
from engine.rulebook.sections.memories import read_memory
from engine.rulebook.sections.outcomes import read_outcome
from engine.rulebook.sections.parameters import fill_in, read_parameter
from engine.rulebook.sections.records import FieldDeclaration, RatioDeclaration
from engine.rulebook.sections.reference import files_named, read_enrichment, read_table
from engine.rulebook.sections.rollout import read_share
from engine.rulebook.sections.rules import read_rule_condition
from engine.rulebook.sections.scores import read_score
from engine.rulebook.sections.seeds import seed_files, seed_of_model
from engine.rulebook.sections.sequences import read_sequence
from engine.rulebook.sections.values import can_be_written_out, read_value

"""A line that may be meant as a hashtag: one word, right behind the sign."""


def read_declarations(
    sources: Mapping[str, str], diagnostics: Diagnostics, conceal: Conceal | None = None
) -> Declarations:
    """Everything that the YAML files of a rulebook declare. Order of files: by name."""
    made = Declarations(diagnostics, conceal=conceal, reserved=RESERVED)
    made.fields = {name: FieldDeclaration("text", name) for name in (*IDENTITY_FIELDS, *TEXT_FIELDS)}
    made.fields |= {name: FieldDeclaration(kind, name) for name, kind in COMPUTED.items()}
    documents = []
    for file in sorted(sources):
        if PurePosixPath(file).suffix in (".yaml", ".yml"):
            root = parse(file, sources[file], diagnostics)
            if root is not None:
                documents.append((file, read_mapping(root, schema.SECTIONS, "a rulebook file", diagnostics)))
    for _, sections in documents:
        version = sections.get("version")
        for section in PLAIN:
            made.to_come |= set((sections[section].entries or {}) if section in sections else ())
        for section, prefix in (("params", "params."), ("rules", "rule.")):
            names = (sections[section].entries or {}) if section in sections else {}
            made.to_come |= {prefix + name for name in names}
        if version is not None and (type(version.scalar) is not int or version.scalar != schema.VERSION):
            diagnostics.error(version.span, f"this engine reads version {schema.VERSION}, not {version.kind}")
    made.markers = find_markers([sections for _, sections in documents])
    _read_holdout(made, [sections["holdout"] for _, sections in documents if "holdout" in sections])
    entries = [
        Entry(made, section, name, sections[section].keys[name], entry, partial(read, made, sources, file))
        for section, read in _READERS.items()
        for file, sections in documents
        if section in sections
        for name, entry in entries_of_section(made, sections[section], section).items()
    ]
    for entry in entries:
        if entry.section in ("derived", "scores"):
            made.waiting.setdefault(entry.name, (entry.section, entry.read))
        elif entry.section == "rules":
            condition = partial(read_rule_condition, made, entry.name, entry.node)
            made.waiting.setdefault(f"rule.{entry.name}", ("rules", condition))
    for entry in entries:
        if entry.section in _FIRST:
            entry.read()
    for _, sections in documents:
        for section in sections.keys() - {*_FIRST, "holdout"}:
            fill_in(made, sections[section])
    for entry in entries:
        entry.read()
    return made


def _read_holdout(made: Declarations, nodes: Sequence[Node]) -> None:
    for node in nodes:
        made.holdout = read_share(node, "`holdout`", made.diagnostics) or 0.0
    for node in nodes[1:]:
        first = nodes[0].span
        made.diagnostics.error(node.span, f"`holdout` is said twice, first in {first.file}:{first.line + 1}")


def named_files(file: str, text: str) -> list[str]:
    """The files that a file's lists, banks, tables and seeds are in, as paths from the root."""
    root = parse(file, text, Diagnostics({file: text}))
    sections = (root.entries or {}) if root is not None else {}
    named = [sections[section].entries or {} for section in ("lists", "banks", "tables") if section in sections]
    models = (sections["models"].entries or {}) if "models" in sections else {}
    found = [str(PurePosixPath(file).parent / name) for entries in named for name in files_named(entries)]
    return [*found, *seed_files(file, models)]


def _read_field(made: Declarations, _: Mapping[str, str], __: str, name: str, span: Span, node: Node) -> None:
    declared = read_field(made.diagnostics, name, span, node)
    if declared is None:
        return
    if name in (*IDENTITY_FIELDS, *TEXT_FIELDS, "ts") and (declared.type != "text" or name in (*IDENTITY_FIELDS, "ts")):
        message = f"`{name}` has a fixed meaning and needs no declaration"
        made.diagnostics.error(span, message, "map it in the settings instead")
        return
    made.fields[name] = declared


def _read_derived(made: Declarations, _: Mapping[str, str], __: str, name: str, span: Span, node: Node) -> None:
    report = made.diagnostics
    if node.entries is None:
        expr = made.value(node)
        if expr is not None and expr.type == "any":
            expr.type = "number"
        if expr is not None and can_be_written_out(made, "derived values", name, span, [expr]):
            made.derived[name] = (expr.type, expr)
        return
    keys = read_mapping(node, schema.RATIO, f"derived `{name}`", report)
    parts = keys["ratio"].items if "ratio" in keys else None
    if "ratio" in keys and (parts is None or len(parts) != 2):
        report.error(keys["ratio"].span, "`ratio` is a list of two names: [numerator, denominator]")
    if parts is None or len(parts) != 2:
        return
    refs = [made.resolve(part.text or "", part.span) for part in parts]
    at_least = keys["at_least"].scalar if "at_least" in keys else 1
    bound = choice(keys["bound"], schema.BOUNDS, "`bound`", report) if "bound" in keys else "none"
    for ref in refs:
        if ref is not None and ref.type == "any":
            ref.type = "number"
        elif ref is not None and ref.type not in ("number", "duration", "size"):
            report.error(ref.span, f"a ratio needs numbers, `{ref.written}` is a {ref.type}")
            return
    if type(at_least) not in (int, float) or not 0 <= at_least < 1e15:  # type: ignore[operator]  # a number here
        report.error(keys["at_least"].span, "`at_least` is a number, 0 or more")
    elif not can_be_written_out(made, "derived values", name, span, [ref for ref in refs if ref]):
        return
    elif refs[1] is not None and _beyond(made, refs[1], float(at_least)):  # type: ignore[arg-type]  # checked
        report.error(keys["at_least"].span, f"`{refs[1].written}` never counts to {at_least}", "or `approx: true`")
    elif refs[0] is not None and refs[1] is not None and bound is not None:
        ratio = RatioDeclaration(refs[0], refs[1], float(at_least), bound != "none")  # type: ignore[arg-type]  # checked
        made.derived[name] = ("number", ratio)


def _beyond(made: Declarations, ref: Ref, at_least: float) -> bool:
    """Whether a count that is kept exactly can never reach so far."""
    counter = made.counters.get(ref.target) if ref.kind == "counter" else None
    return counter is not None and counter.kind in ("count", "distinct") and not counter.approx and at_least >= MAX_CAP


def _read_list(made: Declarations, sources: Mapping[str, str], file: str, name: str, span: Span, node: Node) -> None:
    if node.items is not None:
        made.diagnostics.error(node.span, f"list `{name}` must be a mapping, this is a list", "write: {values: [a, b]}")
        made.lists[name] = frozenset()
        return
    keys = read_mapping(node, schema.LIST, f"list `{name}`", made.diagnostics)
    values: dict[str, Span] = {}
    if "file" in keys:
        path = str(PurePosixPath(file).parent / (keys["file"].text or ""))
        if path not in sources:
            hint = did_you_mean(path, sources) or "paths are relative to this file; list files end in .txt"
            made.diagnostics.error(keys["file"].span, f"there is no file {path} in this rulebook", hint)
        values |= entries_of_file(path, sources.get(path, ""), made.diagnostics)
    if "values" in keys:
        words(keys["values"], "an entry", made.diagnostics)
        values |= {item.text: item.span for item in keys["values"].walk() if item.text and type(item.scalar) is str}
    if not keys:
        made.diagnostics.error(span, f"list `{name}` needs `file`, `values` or `live`")
    elif not values and "live" not in keys and not made.diagnostics.errors:
        made.diagnostics.warning(
            span, f"list `{name}` is empty: nothing is in it", "a line that begins with # says nothing"
        )
    made.lists[name] = frozenset(values)
    made.entry_spans[name] = values
    if "live" in keys and keys["live"].scalar is not True:
        made.diagnostics.error(keys["live"].span, f"`live` is true, this is {keys['live'].kind}", "or leave it out")
    elif "live" in keys:
        made.live[name] = LiveList(values, made.conceal)


def _read_value(made: Declarations, files: Mapping[str, str], file: str, name: str, span: Span, node: Node) -> None:
    """What is computed of the event, as it is written, or what is remembered."""
    (read_value if node.entries is None else read_memory)(made, files, file, name, span, node)


def _read_model(made: Declarations, sources: Mapping[str, str], _: str, name: str, span: Span, node: Node) -> None:
    keys = made.models[name] = read_mapping(node, schema.MODEL, f"model `{name}`", made.diagnostics)
    seed = seed_of_model(made, sources, keys)
    if seed is not None:
        made.seeds[name] = seed


def _read_ladder(made: Declarations, _: Mapping[str, str], __: str, name: str, span: Span, node: Node) -> None:
    ladder = read_ladder(made, name, span, node)
    if ladder is not None:
        made.ladders[name] = ladder


def _read_rule(made: Declarations, _: Mapping[str, str], __: str, name: str, span: Span, node: Node) -> None:
    made.rules[name] = node


_FIRST = frozenset(("version", "fields", "params"))
_READERS = {
    "fields": _read_field,
    "params": read_parameter,
    "enrich": read_enrichment,
    "tables": read_table,
    "lists": _read_list,
    "banks": read_bank,
    "values": _read_value,
    "macros": read_macro,
    "clusters": read_cluster,
    "marks": read_mark,
    "counters": read_counter,
    "sequences": read_sequence,
    "outcomes": read_outcome,
    "models": _read_model,
    "derived": _read_derived,
    "scores": read_score,
    "ladders": _read_ladder,
    "rules": _read_rule,
}
"""In the order in which a section may name things of an earlier one."""
