"""The `rules:` section: each rule read, its clauses type-checked."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from engine.core.domain.actions import ActionTemplate
from engine.core.domain.rules import ANY_EVENT, USER, Rule
from engine.core.values.hashing import hash32
from engine.rulebook.language import rule_schema
from engine.rulebook.language.diagnostics import Span
from engine.rulebook.language.nodes import Expr, Logical, Member, Not, Ref
from engine.rulebook.language.reading import choice, read_mapping, words
from engine.rulebook.language.slips import is_open
from engine.rulebook.language.source import Node
from engine.rulebook.sections.actions import read_cooldown, read_thens
from engine.rulebook.sections.declarations import Declarations
from engine.rulebook.sections.experiments import DeclaredArm, Uncertainty, place_arms, read_arm, read_uncertainty
from engine.rulebook.sections.macros import check_macros, condition, expanded
from engine.rulebook.sections.rollout import read_budget, read_expiry, read_gate, read_mode, read_plan
from engine.rulebook.sections.tells import read_tell


@dataclass(frozen=True, slots=True)
class Clause:
    """One clause: its text as written, and its expression."""

    text: str
    expr: Expr


@dataclass(slots=True)
class RuleDeclaration:
    """A rule with its clauses still as expressions. `rests_at`: where it says whose its cooldown is; `told`: the names
    in its texts for users."""

    rule: Rule
    span: Span
    rests_at: Span
    arm: DeclaredArm | None = None
    when: list[Clause] = field(default_factory=list)
    any: list[Clause] = field(default_factory=list)
    unless: list[Clause] = field(default_factory=list)
    tests: list[Node] = field(default_factory=list)
    told: list[Ref] = field(default_factory=list)

    def all_clauses(self) -> Iterator[Clause]:
        """Every clause, in the order in which an explanation tells them."""
        yield from self.when
        yield from self.any
        yield from self.unless


_NOTHING = ActionTemplate(kind="flag", scope=None, for_ms=None, target="user", path="user")
"""Of a rule whose `then` is wrong, and has been reported."""


def read_rules(declared: Declarations) -> list[RuleDeclaration]:
    """All rules, in the order of the files. What is wrong in them is reported."""
    check_macros(declared)
    rules = []
    keys: dict[int, str] = {}
    for name, node in declared.rules.items():
        span = declared.spans[f"rules.{name}"]
        rule = _read_rule(declared, name, span, node)
        if keys.setdefault(rule.rule.key, name) != name:
            declared.diagnostics.error(span, f"rule `{name}` collides with `{keys[rule.rule.key]}`: rename it")
        rules.append(rule)
    placed = place_arms([rule.arm for rule in rules if rule.arm], declared.holdout, declared.diagnostics)
    for rule in rules:
        if rule.arm is not None:
            rule.rule = replace(rule.rule, arm=placed.get(rule.arm.name))
    return rules


_ALWAYS = "if it shall hold for each of its events, say so: `when: [true]`"


def _read_rule(declared: Declarations, name: str, span: Span, node: Node) -> RuleDeclaration:
    report = declared.diagnostics
    keys = read_mapping(node, rule_schema.RULE, f"rule `{name}`", report)
    groups = _groups(declared, keys)
    if node.entries is not None and not {"when", "any"} & keys.keys() and node.entries.keys() <= keys.keys():
        report.error(span, f"rule `{name}` needs `when` or `any`: it would hold for every event", _ALWAYS)
    events = declared.event_types(f"rules.{name}", keys["event"]) if "event" in keys else ()
    told = list[Ref]()
    thens, ladder = read_thens(declared, keys["then"], name, declared.ladders, told) if "then" in keys else ((), None)
    first, *further = thens or (_NOTHING,)
    rests, cooldown_ms = read_cooldown(declared, keys["cooldown"]) if "cooldown" in keys else (USER, 0)
    mode, share = read_mode(keys["mode"], report) if "mode" in keys else ("enforce", 1.0)
    plan = read_plan(keys["plan"], report) if "plan" in keys else ()
    gate = read_gate(keys["plan"], report) if plan else None
    if "plan" in keys and "mode" in keys:
        report.error(keys["mode"].span, "a rule with a `plan` has no `mode`", "drop `mode`")
    meta_node = keys.get("meta")
    meta = read_mapping(meta_node, rule_schema.META, "`meta`", report) if meta_node is not None else {}
    reason = meta["reason"].text if "reason" in meta and meta["reason"].text else name
    texts = [clause.text for group in groups.values() for clause in group]
    expires_ms = read_expiry(meta["expires"], report) if "expires" in meta else None
    budget = read_budget(keys["budget"], report) if "budget" in keys else None
    meta_texts: dict[str, str] = {key: meta[key].text or "" for key in ("area", "severity") if key in meta}
    for key in meta_texts:
        if not isinstance(meta[key].scalar, str):
            report.error(meta[key].span, f"`{key}` is a text, this is {meta[key].kind}")
    tell, refs = read_tell(declared, meta["tell"]) if "tell" in meta else (None, [])
    if "severity" in meta:
        choice(meta["severity"], rule_schema.SEVERITIES, "`severity`", report)
    arm = read_arm(keys["arm"], report) if "arm" in keys else None
    uncertain = read_uncertainty(keys["enforce"], report) if "enforce" in keys else Uncertainty()
    holdout = _read_holdout(declared, keys, first)
    if any(then.kind == rule_schema.ADD for then in thens) and uncertain.delays_ms[1]:
        report.error(keys["enforce"].span, "what is added to a list is added at once, without a `delay`", "drop it")
    rule = Rule(
        name=name,
        key=hash32(f"rule {name}"),
        events=events,
        clauses=tuple(texts),
        then=first,
        cooldown_ms=cooldown_ms,
        mode=mode,
        reason=reason,
        meta={key: value.plain() for key, value in meta.items()},
        share=share,
        expires_ms=expires_ms,
        ladder=ladder,
        budget=budget,
        plan=plan,
        told=meta_texts,
        gate=gate,
        rests=rests,
        further=tuple(further),
        holdout=holdout,
        spares=uncertain.spares,
        delays_ms=uncertain.delays_ms,
        tell=tell,
    )
    tests = list(keys["tests"].walk()) if "tests" in keys else []
    per = (keys["cooldown"].entries or {}).get("per") if "cooldown" in keys else None
    return RuleDeclaration(
        rule=rule,
        span=span,
        rests_at=per.span if per is not None else span,
        arm=arm,
        told=[*told, *refs],
        when=groups["when"],
        any=groups["any"],
        unless=groups["unless"],
        tests=tests,
    )


def _read_holdout(declared: Declarations, keys: Mapping[str, Node], then: ActionTemplate) -> float:
    """The share of entities on which a rule never acts. What allows acts on nobody, and nobody is held out."""
    if then.kind == "allow":
        for key in ("arm", "enforce", "holdout"):
            if key in keys:
                declared.diagnostics.error(keys[key].span, f"`{key}` goes with actions, not with allow", "drop it")
        return 0.0
    if "holdout" in keys and keys["holdout"].scalar is not False:
        message = f"`holdout` of a rule is false, this is {keys['holdout'].kind}"
        declared.diagnostics.error(keys["holdout"].span, message, "the share stands at the top of a file: holdout: 1%")
    return 0.0 if "holdout" in keys else declared.holdout


def read_rule_condition(declared: Declarations, name: str, node: Node) -> None:
    """Let `rule.x` be a value: whether all clauses of a rule hold for an event of one of its types."""
    declared.reading.append(("rules", f"rule.{name}"))
    keys = node.entries or {}
    groups = _groups(declared, keys)
    events = words(keys["event"], "an event type", declared.diagnostics) if "event" in keys else ()
    declared.reading.pop()
    span = declared.spans.get(f"rules.{name}", node.span)
    parts = [clause.expr for clause in groups["when"]]
    if groups["any"]:
        parts.append(Logical(span, "bool", "or", [clause.expr for clause in groups["any"]]))
    parts += [Not(span, "bool", clause.expr) for clause in groups["unless"]]
    if ANY_EVENT not in events:
        kind = Ref(span=span, type="text", kind="field", target="type", written="type")
        parts.insert(0, Member(span=span, type="bool", item=kind, list_name=None, values=frozenset(events)))
    if parts and declared.computed_once(f"rule.{name}", span, parts):
        declared.derived[f"rule.{name}"] = ("bool", Logical(span, "bool", "and", parts))


def expressions_in(declared: Declarations, rules: Iterable[RuleDeclaration]) -> Iterator[Expr]:
    """Every condition and value of a rulebook: of its rules and what they tell, its counters, its values and its
    derived values."""
    for rule in rules:
        yield from (clause.expr for clause in rule.all_clauses())
        yield from rule.told
    yield from (counter.where for counter in declared.counters.values() if counter.where is not None)
    yield from (memory.where for memory in declared.memories.values() if memory.where is not None)
    yield from (value.expr for value in declared.values.values())
    yield from (body for _, body in declared.derived.values() if isinstance(body, Expr))


def steps_of(test: Node) -> list[Node]:
    """The parts of a rule's test, one after the other: itself, where it sends one event again and again."""
    steps = (test.entries or {}).get("steps")
    return [test] if steps is None else steps.items or []


def given_of(test: Node) -> list[Node]:
    """What comes before the events of a rule's test: one step, or a list of them."""
    given = (test.entries or {}).get("given")
    return list(given.walk()) if given is not None else []


def _cut(item: Node, node: Node) -> tuple[str, str]:
    """Why a clause ends too early."""
    hint = "put the whole clause in single quotes: '…'"
    if node.items is not None and item is not node.items[-1]:
        return "this clause is cut off at a comma: between [ and ] YAML begins the next item there", hint
    message = "a bracket or a quotation mark is not closed, unless YAML takes what follows ` #` for a comment"
    return message, f"close it, or {hint}"


def _groups(declared: Declarations, keys: Mapping[str, Node]) -> dict[str, list[Clause]]:
    """The clauses of a rule. Under `when` those of a macro stand one by one, elsewhere they are one clause."""
    return {
        group: _clauses(declared, keys[group], group == "when") if group in keys else []
        for group in ("when", "any", "unless")
    }


def _clauses(declared: Declarations, node: Node, one_by_one: bool) -> list[Clause]:
    if node.items is None:
        declared.diagnostics.error(node.span, f"clauses are a list, this is {node.kind}", "put `- ` before each clause")
        return []
    if not node.items:
        declared.diagnostics.error(node.span, "this list of clauses is empty")
    clauses, cut = [], False
    for item in node.items:
        if cut:  # the rest of what has been reported
            cut = is_open(f"({item.text or ''}")
            continue
        if item.entries is not None:
            message = "YAML has read the colon in this clause as its own"
            declared.diagnostics.error(item.span, message, "put the whole clause in single quotes: '…'")
            continue
        if item.text is not None and item.exact and is_open(item.text):
            declared.diagnostics.error(item.span, *_cut(item, node))
            cut = item is not node.items[-1]
            continue
        written = expanded(declared, item) if one_by_one else None
        if not written:
            alone = condition(declared, item)
            written = [alone] if alone is not None else []
        if not written and not declared.diagnostics.errors:
            declared.diagnostics.error(item.span, "this clause cannot be used")  # never drop one in silence
        clauses += [Clause(*each) for each in written]
    return clauses
