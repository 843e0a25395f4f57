"""Reads the declarations of counters and clusters: what is counted, over which window, and on which entity it hangs."""

import re
from collections.abc import Mapping

from engine.core.domain.counters import STATISTICS, CounterKind
from engine.core.domain.kinds import described, is_pair, parts_of
from engine.core.domain.rules import MAX_CAP, USER
from engine.core.state.clusters import ClusterSpec
from engine.core.state.entities import MAX_LATENESS_MS, MAX_WINDOW_MS
from engine.core.values.hashing import hash32
from engine.core.values.identity import INVALID_FIELDS
from engine.rulebook.language import schema
from engine.rulebook.language.diagnostics import Span, did_you_mean
from engine.rulebook.language.keys import KEY_SOURCES
from engine.rulebook.language.nodes import Expr, names_in
from engine.rulebook.language.reading import duration, read_mapping, words
from engine.rulebook.language.source import Node
from engine.rulebook.sections.declarations import Declarations
from engine.rulebook.sections.dependencies import entity_of, reached
from engine.rulebook.sections.entities import entity_kind, read_read_by
from engine.rulebook.sections.parameters import PARAMETER
from engine.rulebook.sections.records import CounterDeclaration
from engine.rulebook.sections.statistics import is_of_gaps, read_options, type_of_answer

_KINDS: tuple[CounterKind, ...] = ("count", "distinct", "sum", *STATISTICS)
_LONGER = "whether there was one is remembered for longer: `values: {last_one: {age: last, of: …, by: …, keep: 400d}}`"
_COUNTED_ELSEWHERE = (
    "values that occur so often each: `having: {at_least: 2}`; else let a rule ask in its clause, and count its hits:"
    " `count: hit.that_rule`"
)
_ASKED_BY_A_RULE = (
    "let a rule ask in its clause, and count its hits: `count: hit.that_rule`, in shadow shadow.that_rule"
)
_FIELD_NAME = re.compile(r"[A-Za-z_][\w]*(?:\.[A-Za-z_]\w*)*")


def read_counter(made: Declarations, _: Mapping[str, str], __: str, name: str, span: Span, node: Node) -> None:
    """Read one counter into the declarations, or report what is wrong with it."""
    report, title = made.diagnostics, f"counter `{name}`"
    keys = read_mapping(node, schema.COUNTER, title, report)
    kinds = [kind for kind in _KINDS if kind in keys]
    if len(kinds) != 1:
        report.error(span, f"{title} needs exactly one of {', '.join(_KINDS[:-1])} and {_KINDS[-1]}")
        return
    kind = kinds[0]
    by = entity_kind(made, keys["by"]) if "by" in keys else None
    over_ms = _window(made, keys["over"]) if "over" in keys else None
    if by in made.clusters:
        if over_ms is not None and over_ms > MAX_LATENESS_MS:
            report.error(keys["over"].span, f"members are known for {MAX_LATENESS_MS // 86_400_000}d at most")
        elif over_ms is not None and _counts_members(made, kind, keys):
            members = CounterDeclaration(
                name=name,
                span=span,
                kind=kind,
                field=USER,
                of=made.clusters[by].of,
                by=by,
                over_ms=over_ms,
                where=None,
                where_text=None,
                cap=None,
            )
            made.counters[name] = members
        return
    types_node = keys.get("count" if kind == "count" else "of")
    if types_node is None:
        report.error(span, f"{title} needs `of`: the event type or types")
    elif kind == "count" and "of" in keys:
        report.error(keys["of"].span, "`of` goes with the others; count names the event types itself")
    of_gaps = is_of_gaps(made, kind, keys[kind])
    if of_gaps is None:
        return
    subject = keys[kind].text if kind != "count" and not of_gaps else None
    if kind != "count" and not subject and not of_gaps:
        report.error(keys[kind].span, f"`{kind}` needs the name of a field")
    if subject:
        written, subject = subject, subject.removeprefix("event.")
        if not _countable(made, kind, subject, written, keys[kind].span):
            return
    if kind == "distinct" and by is not None and not is_pair(by) and subject in parts_of(by):
        owner = "a user has" if by == USER else f"each {by} has"
        report.error(keys[kind].span, f"{owner} one {subject}: this counter could never exceed 1")
        return
    _look_at_types(made, kind, types_node)
    where_node = keys.get("where")
    where = made.condition(where_node) if where_node is not None else None
    cap = _whole(made, keys.get("cap"), "cap", MAX_CAP)
    options = read_options(made, kind, keys, cap or MAX_CAP)
    if over_ms is None or types_node is None or by is None or (where_node is not None and where is None):
        return
    read_by = read_read_by(made, keys, by)
    if options is None or (read_by is None and "read_by" in keys):
        return
    if "cap" in keys and _approx(made, keys.get("approx")):
        report.error(keys["cap"].span, "an approximate counter has no `cap`")
    if where is not None and not reads_the_user_alone(made, where):
        return
    made.counters[name] = CounterDeclaration(
        name=name,
        span=span,
        kind=kind,
        field=subject,
        of=made.event_types(name, types_node),
        by=by,
        over_ms=over_ms,
        where=where,
        where_text=where_node.text if where_node is not None else None,
        cap=cap,
        approx=_approx(made, keys.get("approx")),
        max_keys=_whole(made, keys.get("max_keys"), "max_keys", None),
        excluded=_excluded(made, keys.get("except"), by),
        type=type_of_answer(made, kind, subject),
        read_by=read_by,
        **options._asdict(),
    )


def _look_at_types(made: Declarations, kind: str, node: Node | None) -> None:
    """Warn of event types that are none: fields, and words of other languages."""
    for item in node.walk() if node is not None else ():
        written = item.text or ""
        if written in made.fields or re.match(r"(?i)(?:distinct|unique)\s", written):
            message = f"`{written}` is taken for a type of events, which `{'count' if kind == 'count' else 'of'}` names"
            hint = "different values of a field are `distinct: card, of: payment`; at each of them is `by: card`"
            made.diagnostics.warning(item.span, message, hint)
        elif written in ("all", "*", "every", "everything"):
            made.diagnostics.warning(item.span, f"`{written}` is taken for a type of events", "all of them are `any`")


def read_cluster(made: Declarations, _: Mapping[str, str], __: str, name: str, span: Span, node: Node) -> None:
    """Read one cluster into the declarations, or report what is wrong with it."""
    report = made.diagnostics
    keys = read_mapping(node, schema.CLUSTER, f"cluster `{name}`", report)
    if not {"of", "share", "within"} <= keys.keys():
        return
    if made.type_of(name) is not None or name in KEY_SOURCES:
        report.error(span, f'"{name}" is a field already', "give the cluster another name")
        return
    of = words(keys["of"], "an event type", report)
    share = [entity_kind(made, part) for part in keys["share"].walk()]
    within_ms = duration(keys["within"], report)
    if within_ms is not None and within_ms > MAX_LATENESS_MS:
        report.error(keys["within"].span, f"a cluster reaches back at most {MAX_LATENESS_MS // 86_400_000}d")
        return
    most = _whole(made, keys.get("max_shared"), "max_shared", schema.MAX_SHARED, 2) or schema.DEFAULT_MAX_SHARED
    if within_ms is None or not share or None in share or USER in share:
        if USER in share:
            report.error(keys["share"].span, "users cannot share a user_id")
        return
    kinds = tuple(sorted(kind for kind in share if kind is not None))
    made.clusters[name] = ClusterSpec(
        name=name, key=hash32(f"cluster {name}"), of=of, share=kinds, within_ms=within_ms, max_shared=most
    )


def _counts_members(made: Declarations, kind: str, keys: Mapping[str, Node]) -> bool:
    """By a cluster, nothing but its members is counted."""
    wrong = [key for key in keys if key not in ("distinct", "by", "over", "max_keys")]
    if kind != "distinct" or keys["distinct"].text != USER or wrong:
        place = keys[wrong[0]] if wrong else keys[kind]
        made.diagnostics.error(
            place.span, "by a cluster, members are counted and nothing else", "{distinct: user_id, by: …, over: 1h}"
        )
        return False
    return True


def _window(made: Declarations, node: Node) -> int | None:
    over_ms = duration(node, made.diagnostics)
    if over_ms is not None and over_ms > MAX_WINDOW_MS:
        made.diagnostics.error(node.span, f"a window is at most {MAX_WINDOW_MS // 86_400_000}d long", _LONGER)
        return None
    return over_ms


def _countable(made: Declarations, kind: str, subject: str, written: str, span: Span) -> bool:
    """Whether there is a field of this name that can be counted like that."""
    declared = made.fields.get(subject) or made.values.get(subject)
    if not _FIELD_NAME.fullmatch(subject):
        message = f"`{kind}` needs the name of a field, this is an expression"
        made.diagnostics.error(span, message, "name it under `values:`, and write that name here")
        return False
    if declared is None and (subject in made.spans or subject in made.to_come):
        made.diagnostics.error(span, f"`{kind}` needs a field of the event, `{subject}` is something else")
        return False
    known = [*made.fields, *made.values, *(KEY_SOURCES if kind == "distinct" else ())]
    if declared is None and not written.startswith("event.") and subject not in known:
        hint = did_you_mean(subject, known) or f"declare it under `fields:`, or write event.{subject}"
        made.diagnostics.error(span, f'`{kind}` knows no field "{subject}"', hint)
        return False
    if subject in KEY_SOURCES and kind == "distinct":
        return True
    allowed = ("text", "number", "bool", "list") if kind == "distinct" else ("number", "duration", "size")
    if declared is not None and (declared.type not in allowed or subject == INVALID_FIELDS):
        made.diagnostics.error(span, f"`{kind}` cannot use `{subject}`, which is a {declared.type}")
        return False
    return True


def is_known_at(made: Declarations, where: Expr, by: str) -> bool:
    """Whether all that a `where` of what is remembered reads is known at an entity of this kind; an error where it is
    not."""
    return (_reads_event_alone if by != USER else reads_the_user_alone)(made, where)


def _reads_event_alone(made: Declarations, where: Expr) -> bool:
    """What is remembered at a shared entity is the event's."""
    for ref in names_in(where):
        if ref.kind not in ("field", "event", "value", "keys") and not ref.target.startswith(PARAMETER):
            made.diagnostics.error(
                ref.span, f"`{ref.written}` is not known where this is remembered", "`where` may name fields here"
            )
            return False
    return True


def reads_the_user_alone(made: Declarations, where: Expr) -> bool:
    """At a user, counters of other entities are not known. For those it is asked there too, before the event goes to
    its entities."""
    for ref in reached(made, where):
        by = entity_of(made, ref)
        if by is not None and by != USER:
            verb = "remembered" if ref.kind == "memory" else "counted"
            message = f"`{ref.written}` is {verb} by {described(by)}, which is not known where `where` is asked"
            made.diagnostics.error(ref.span, message, _COUNTED_ELSEWHERE if verb == "counted" else _ASKED_BY_A_RULE)
            return False
    return True


def _whole(made: Declarations, node: Node | None, key: str, most: int | None, least: int = 1) -> int | None:
    if node is None:
        return None
    value = node.scalar
    if type(value) is int and value >= least and (most is None or value <= most):
        return value
    limits = f"from {least} to {most}" if most is not None else f"of at least {least}"
    made.diagnostics.error(node.span, f"`{key}` is a whole number {limits}")
    return None


def _approx(made: Declarations, node: Node | None) -> bool:
    if node is not None and type(node.scalar) is not bool:
        made.diagnostics.error(node.span, f"`approx` is true or false, this is {node.kind}")
    return node is not None and node.scalar is True


def _excluded(made: Declarations, node: Node | None, by: str) -> str | None:
    if node is None:
        return None
    name = (node.text or "").removeprefix("lists.")
    if by == USER or len(parts_of(by)) > 1:
        made.diagnostics.error(node.span, "`except` goes with counters by one entity that is not the user")
    elif name not in made.lists:
        hint = did_you_mean(name, made.lists) or "declare it under `lists:`"
        made.diagnostics.error(node.span, f'unknown list "{name}"', hint)
    elif name in made.live:
        made.diagnostics.error(node.span, f"`{name}` is live: what is counted cannot change with it", "use `unless`")
    else:
        return name
    return None
