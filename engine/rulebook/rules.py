"""The `rules:` section: each rule read, its clauses type-checked."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from engine.core.decisions import Mode
from engine.core.entities import MAX_LATENESS_MS, MAX_WINDOW_MS
from engine.core.hashing import hash32
from engine.core.rules import USER, ActionTemplate, Rule
from engine.rulebook import schema
from engine.rulebook.declarations import Declarations
from engine.rulebook.diagnostics import Diagnostics, Span, did_you_mean
from engine.rulebook.nodes import Expr
from engine.rulebook.schema import choice, duration, words
from engine.rulebook.source import Node

_CANARY = re.compile(r"canary (\d+(?:\.\d+)?)%")


@dataclass(frozen=True, slots=True)
class Clause:
    """One clause: its text as written, and its expression."""

    text: str
    expr: Expr


@dataclass(slots=True)
class RuleDeclaration:
    """A rule with its clauses still as expressions."""

    rule: Rule
    span: Span
    when: list[Clause] = field(default_factory=list)
    any: list[Clause] = field(default_factory=list)
    unless: list[Clause] = field(default_factory=list)
    tests: list[Node] = field(default_factory=list)

    def all_clauses(self) -> Iterator[Clause]:
        """Every clause, in the order in which an explanation tells them."""
        yield from self.when
        yield from self.any
        yield from self.unless


def read_rules(declared: Declarations) -> list[RuleDeclaration]:
    """All rules, in the order of the files. What is wrong in them is reported."""
    found = []
    keys: dict[int, str] = {}
    for name, node in declared.rules.items():
        span = declared.spans[f"rules.{name}"]
        rule = _read_rule(declared, name, span, node)
        if keys.setdefault(rule.rule.key, name) != name:
            declared.diagnostics.error(span, f"rule `{name}` collides with `{keys[rule.rule.key]}`: rename it")
        found.append(rule)
    return found


def _read_rule(declared: Declarations, name: str, span: Span, node: Node) -> RuleDeclaration:
    report = declared.diagnostics
    keys = schema.read_mapping(node, schema.RULE, f"rule `{name}`", report)
    groups = {group: _clauses(declared, keys[group]) if group in keys else [] for group in ("when", "any", "unless")}
    if node.entries is not None and "when" not in keys and "any" not in keys:
        report.error(span, f"rule `{name}` needs `when` or `any`: it would hold for every event")
    events = words(keys["event"], "an event type", report) if "event" in keys else ()
    then = _then(declared, keys["then"], name) if "then" in keys else None
    cooldown_ms = _cooldown(declared, keys["cooldown"]) if "cooldown" in keys else 0
    mode, share = _mode(keys["mode"], report) if "mode" in keys else ("enforce", 1.0)
    meta_node = keys.get("meta")
    meta = schema.read_mapping(meta_node, schema.META, "`meta`", report) if meta_node is not None else {}
    reason = meta["reason"].text if "reason" in meta and meta["reason"].text else name
    texts = [clause.text for group in groups.values() for clause in group]
    expires_ms = _expires(meta["expires"], report) if "expires" in meta else None
    rule = Rule(
        name, hash32(f"rule {name}"), events, tuple(texts), then or ActionTemplate("flag", None, None, "user", "user"),
        cooldown_ms, mode, reason, {key: value.plain() for key, value in meta.items()}, share, expires_ms,
    )  # fmt: skip
    tests = list(keys["tests"].walk()) if "tests" in keys else []
    return RuleDeclaration(rule, span, groups["when"], groups["any"], groups["unless"], tests)


def _expires(node: Node, report: Diagnostics) -> int | None:
    """The first moment at which the rule does not act any more."""
    try:
        day = datetime.strptime(node.text or "", "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        told = f"`expires` is a day, this is {node.kind}: the rule does not expire"
        report.warning(node.span, told, "for example 2027-06-01")
        return None
    return int(day.timestamp() * 1_000)


def _mode(node: Node, report: Diagnostics) -> tuple[Mode, float]:
    """The mode, and of a canary its share."""
    found = _CANARY.fullmatch(node.text or "")
    if found is not None and 0 < float(found[1]) < 100:
        return "canary", float(found[1]) / 100
    if (node.text or "").startswith("canary"):
        report.error(node.span, "a canary needs its share of entities", "for example `canary 5%`; above 0, below 100")
        return "shadow", 1.0
    return ("shadow" if choice(node, schema.MODES, "`mode`", report) == "shadow" else "enforce"), 1.0


def _clauses(declared: Declarations, node: Node) -> list[Clause]:
    if node.items is None:
        declared.diagnostics.error(node.span, f"clauses are a list, this is {node.kind}", "put `- ` before each clause")
        return []
    if not node.items:
        declared.diagnostics.error(node.span, "this list of clauses is empty")
    found = []
    for item in node.items:
        expr = declared.condition(item)
        if expr is None and not declared.diagnostics.errors:
            declared.diagnostics.error(item.span, "this clause cannot be used")  # never drop one in silence
        if expr is not None:
            found.append(Clause(" ".join((item.text or "").split()), expr))
    return found


def _then(declared: Declarations, node: Node, rule: str) -> ActionTemplate | None:
    report = declared.diagnostics
    if node.entries is None:
        if node.text == "allow":
            return ActionTemplate("allow", None, None, "user", "user")
        hint = (
            f"write {{{node.text}: its scope}}"
            if node.text in schema.ACTION_KINDS
            else "for example {limit: posting, for: 1h}"
        )
        report.error(node.span, f"`then` must be allow or a mapping, this is {node.kind}", hint)
        return None
    keys = schema.read_mapping(node, schema.THEN, "`then`", report)
    kinds = [key for key in keys if key in schema.ACTION_KINDS]
    if not kinds and len(keys) < len(node.entries):
        return None  # the kind is misspelt, and reported as an unknown key
    if len(kinds) != 1:
        report.error(
            node.span, f"`then` of rule `{rule}` needs exactly one action", f"one of: {', '.join(schema.ACTION_KINDS)}"
        )
        return None
    scope = keys[kinds[0]]
    if (scope.scalar is not None and not isinstance(scope.scalar, str)) or scope.text is None:
        report.error(scope.span, f"the scope of `{kinds[0]}` is a word, this is {scope.kind}")
    lasts = duration(keys["for"], report) if "for" in keys else None
    target = keys["target"].text or "user" if "target" in keys else "user"
    if target not in ("user", "event"):
        declared_field = declared.fields.get(target)
        if declared_field is None or declared_field.type != "text":
            known = ["user", "event", *(name for name, value in declared.fields.items() if value.type == "text")]
            hint = did_you_mean(target, known) or f"one of: {', '.join(known)}"
            report.error(keys["target"].span, f'"{target}" cannot be a target', hint)
    path = declared.fields[target].path if target in declared.fields else target
    return ActionTemplate(kinds[0], keys[kinds[0]].text or None, lasts, target, path, _lookback(declared, node, keys))


def _lookback(declared: Declarations, node: Node, keys: dict[str, Node]) -> int | None:
    """How far back the rule acts, if it does."""
    report = declared.diagnostics
    if "also" in keys:
        choice(keys["also"], schema.ALSO, "`also`", report)
    if ("also" in keys) != ("lookback" in keys):
        report.error(node.span, "`also: earlier` and `lookback` go together", "{…, also: earlier, lookback: 10m}")
    lookback_ms = duration(keys["lookback"], report) if "lookback" in keys else None
    if "also" in keys and "allow" in keys:
        report.error(keys["also"].span, "`also: earlier` goes with actions, not with allow")
    if lookback_ms is not None and lookback_ms > MAX_LATENESS_MS:
        report.error(keys["lookback"].span, f"a lookback is at most {MAX_LATENESS_MS // 86_400_000}d long")
    return lookback_ms


def _cooldown(declared: Declarations, node: Node) -> int:
    report = declared.diagnostics
    keys = schema.read_mapping(node, schema.COOLDOWN, "`cooldown`", report)
    per = keys.get("per")
    if per is not None and per.text != USER:
        report.error(per.span, f"a cooldown per {per.kind} is not yet available", f"this version has per: {USER}")
    lasts = duration(keys["for"], report) if "for" in keys else None
    if lasts is not None and lasts > MAX_WINDOW_MS:
        report.error(keys["for"].span, f"a cooldown is at most {MAX_WINDOW_MS // 86_400_000}d long")
    return lasts or 0
