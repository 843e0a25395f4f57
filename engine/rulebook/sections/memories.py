"""Reads the declarations of what entities remember: which events, what of them, and for how long."""

from collections.abc import Mapping

from engine.core.domain.rules import USER, Memory, MemoryKind
from engine.core.series.remembered import AGE, FIRST, LAST
from engine.core.state.entities import MAX_KEEP_MS, MAX_WINDOW_MS
from engine.core.values.hashing import hash32
from engine.rulebook.language import schema
from engine.rulebook.language.diagnostics import Span
from engine.rulebook.language.nodes import Ref, Type
from engine.rulebook.language.reading import choice, duration, read_mapping
from engine.rulebook.language.source import Node
from engine.rulebook.sections.counters import is_known_at
from engine.rulebook.sections.declarations import Declarations
from engine.rulebook.sections.entities import entity_kind
from engine.rulebook.sections.records import MemoryDeclaration

_ASKED = ("last", "first", "age", "new")
_DAY_MS = 86_400_000
_REMEMBERED: tuple[Type, ...] = ("text", "number", "bool", "duration", "size")
_SEPARATOR = "\x1f"
_REGISTERS: Mapping[MemoryKind, int] = {
    "last": LAST, "first": FIRST, "age of last": AGE, "age of first": FIRST, "new": FIRST
}  # fmt: skip
"""Which kind of register answers what."""
_WARMING: tuple[MemoryKind, ...] = ("new", "age of first")


def read_memory(made: Declarations, _: Mapping[str, str], __: str, name: str, span: Span, node: Node) -> None:
    """Read one remembered value into the declarations, or report what is wrong with it."""
    report, title = made.diagnostics, f"value `{name}`"
    keys = read_mapping(node, schema.MEMORY, title, report)
    asked = [key for key in _ASKED if key in keys]
    if len(asked) != 1:
        report.error(span, f"{title} needs exactly one of last, first, age and new")
        return
    kind = _kind(made, asked[0], keys[asked[0]])
    subject = _subject(made, asked[0], keys[asked[0]]) if kind in ("last", "first") else None
    by, keep_ms = _by(made, keys), _kept(made, keys)
    types_node = keys.get("new" if kind == "new" else "of")
    if kind == "new" and "of" in keys:
        report.error(keys["of"].span, "`of` goes with last, first and age; new names the event types itself")
    elif types_node is None:
        report.error(span, f"{title} needs `of`: the event type or types")
    where_node = keys.get("where")
    where = made.condition(where_node) if where_node is not None else None
    if (
        kind is None
        or by is None
        or keep_ms is None
        or types_node is None
        or (where_node is not None and where is None)
    ):
        return
    warm_ms = _warm(made, kind, keys.get("warm"), keep_ms)
    if warm_ms is None or (subject is None) == (kind in ("last", "first")):
        return
    if where is not None and not is_known_at(made, where, by):
        return
    made.memories[name] = MemoryDeclaration(
        name=name,
        span=span,
        kind=kind,
        subject=subject,
        of=made.event_types(name, types_node),
        by=by,
        keep_ms=keep_ms,
        where=where,
        where_text=where_node.text if where_node is not None else None,
        warm_ms=warm_ms,
        type=subject.type if subject is not None else "bool" if kind == "new" else "duration",
    )


def memories_of(made: Declarations) -> dict[str, Memory]:
    """All of them, with the keys of their registers."""
    identities: dict[int, str] = {}
    memories = {}
    for name, one in made.memories.items():
        field = one.subject.target if one.subject is not None else None
        told = (_REGISTERS[one.kind], field, _SEPARATOR.join(sorted(one.of)), one.where_text, one.by, one.keep_ms)
        identity = f"memory {'|'.join(map(str, told))}"
        key = hash32(identity)
        if identities.setdefault(key, identity) != identity:
            made.diagnostics.error(one.span, f"value `{name}` collides with another: change its `where`")
        memories[name] = Memory(
            name=name,
            kind=one.kind,
            field=field,
            of=one.of,
            by=one.by,
            keep_ms=one.keep_ms,
            where=one.where_text,
            key=key,
            register=_REGISTERS[one.kind],
            type=one.type,
            warm_ms=one.warm_ms,
        )
    return memories


def _kind(made: Declarations, asked: str, node: Node) -> MemoryKind | None:
    if asked != "age":
        return asked  # type: ignore[return-value]  # one of the others
    which = choice(node, schema.AGES, "`age`", made.diagnostics)
    return f"age of {which}" if which is not None else None  # type: ignore[return-value]  # one of two


def _subject(made: Declarations, asked: str, node: Node) -> Ref | None:
    """The field that is remembered."""
    ref = made.resolve(node.text or "", node.span)
    if ref is None:
        return None
    if ref.kind == "event":
        made.diagnostics.error(
            node.span, f"`{asked}` needs a field of a known type", f"declare {ref.target} under `fields:`"
        )
    elif ref.kind != "field":
        made.diagnostics.error(node.span, f"`{asked}` needs a field of the event, `{ref.written}` is something else")
    elif ref.type not in _REMEMBERED:
        made.diagnostics.error(node.span, f"`{asked}` cannot remember `{ref.written}`, which is a {ref.type}")
    else:
        return ref
    return None


def _by(made: Declarations, keys: Mapping[str, Node]) -> str | None:
    by = entity_kind(made, keys["by"]) if "by" in keys else None
    if by in made.clusters:
        made.diagnostics.error(keys["by"].span, "a cluster remembers nothing but its members", f"by: {USER}")
        return None
    return by


def _kept(made: Declarations, keys: Mapping[str, Node]) -> int | None:
    keep_ms = duration(keys["keep"], made.diagnostics) if "keep" in keys else None
    if keep_ms is not None and keep_ms > MAX_KEEP_MS:
        made.diagnostics.error(keys["keep"].span, f"`keep` is at most {MAX_KEEP_MS // _DAY_MS}d")
        return None
    return keep_ms


def _warm(made: Declarations, kind: MemoryKind, node: Node | None, keep_ms: int) -> int | None:
    """For how long to watch; None and an error where it is wrong."""
    if kind not in _WARMING:
        if node is not None:
            made.diagnostics.error(node.span, "`warm` goes with new and `age: first`", "drop it")
            return None
        return 0
    if node is None:
        return min(keep_ms, MAX_WINDOW_MS)
    warm_ms = duration(node, made.diagnostics)
    if warm_ms is not None and warm_ms > keep_ms:
        made.diagnostics.error(node.span, "`warm` is at most as long as `keep`")
        return None
    return warm_ms
