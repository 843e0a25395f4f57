"""Which rules' results can depend on the order in which the events of different users arrive.

The events of one user are in one partition, and come in the same order live, in a backtest and offline. Where several
users meet, at an entity, a model, a budget, the partitions of live events come together in an order that is nobody's to
say, and so do rows of tables that come on topics (decision 34).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from engine.core.domain.kinds import described
from engine.core.domain.rules import USER, Rulebook
from engine.rulebook.language.diagnostics import Diagnostics
from engine.rulebook.language.nodes import Compare, Constant, Expr, Ref
from engine.rulebook.sections.declarations import Declarations
from engine.rulebook.sections.dependencies import concern_alike, reached
from engine.rulebook.sections.reading import read_declarations
from engine.rulebook.sections.rules import RuleDeclaration, read_rules


@dataclass(frozen=True, slots=True)
class Order:
    """What the order between users means for a rule. `reasons`: where it meets other users, none where it cannot
    matter; `settles`: whom it acts on in the end is the same in any order, only when and as what may differ."""

    reasons: tuple[str, ...]
    settles: bool = False

    @property
    def matters(self) -> bool:
        """Whether another order may give another result."""
        return bool(self.reasons)

    def __str__(self) -> str:
        """For people."""
        if not self.matters:
            return "no: it reads of each user alone"
        if self.settles:
            return f"not in the end, as it acts on earlier events too: {'; '.join(self.reasons)}"
        return f"yes: {'; '.join(self.reasons)}"


def find_orders(rulebook: Rulebook) -> dict[str, Order]:
    """By rule, what the order of arrival between users means for it."""
    declared = read_declarations(rulebook.sources, Diagnostics(rulebook.sources))
    rules = read_rules(declared)
    orders = {rule.rule.name: _own(rule, declared, rulebook) for rule in rules}
    while True:
        more = {rule.rule.name: _with_others(rule, rules, orders) for rule in rules}
        if more == orders:
            return orders
        orders = more


def _own(rule: RuleDeclaration, declared: Declarations, rulebook: Rulebook) -> Order:
    """From what the rule itself reads and does."""
    refs = [ref for clause in rule.all_clauses() for ref in reached(declared, clause.expr)]
    counted = [f"it counts by {kind}" for kind in _kinds(refs, rulebook)]
    counted += [f"it reads what {kind} remembers" for kind in _remembering(refs, rulebook)]
    learned = [f"model {name} learns from labels as they come" for name in _models(refs, rulebook)]
    by_models = [reason for name in _models(refs, rulebook, all_of_them=True) for reason in _inputs(name, rulebook)]
    resting = [f"it rests per {rule.rule.rests}"] if rule.rule.cooldown_ms and rule.rule.rests != USER else []
    tables = [f"table {name} changes while events come" for name in _tables(refs, declared)]
    budget = ["its budget is shared by all users"] if rule.rule.budget is not None else []
    reasons = (*counted, *learned, *by_models, *resting, *tables, *budget)
    keeps_count = rule.rule.cooldown_ms or rule.rule.ladder is not None
    looks_back = rule.rule.then.lookback_ms is not None and not keeps_count
    return Order(reasons, looks_back and list(reasons) == counted and _only_grows(rule, declared, rulebook))


def _with_others(rule: RuleDeclaration, rules: list[RuleDeclaration], known: Mapping[str, Order]) -> Order:
    """From what other rules do to it."""
    own_rule, own = rule.rule, known[rule.rule.name]
    more = []
    for other in (other.rule for other in rules if other is not rule and known[other.rule.name].matters):
        if other.then.kind == "allow" and other.mode != "shadow" and concern_alike(other.events, own_rule.events):
            more.append(f"allow rule {other.name}, which may overrule it, depends on the order")
        elif own_rule.ladder is not None and other.ladder is not None and own_rule.ladder.name == other.ladder.name:
            more.append(f"rule {other.name}, on the same ladder, depends on the order")
    more = [reason for reason in more if reason not in own.reasons]
    return Order((*own.reasons, *more), own.settles and not more)


def _kinds(refs: list[Ref], rulebook: Rulebook) -> list[str]:
    names = [ref.target for ref in refs if ref.kind == "counter"]
    names += [f"{ref.target} step 1" for ref in refs if ref.kind == "sequence"]
    kinds = {described(rulebook.counters[name].read_at) for name in names}
    return sorted(kinds - {USER})


def _remembering(refs: list[Ref], rulebook: Rulebook) -> list[str]:
    kinds = {rulebook.memories[ref.target].by for ref in refs if ref.kind == "memory"}
    return sorted(kinds - {USER})


def _tables(refs: list[Ref], declared: Declarations) -> list[str]:
    """The tables on topics that are read, also where something is counted."""
    wheres = [declared.counters[ref.target].where for ref in refs if ref.kind == "counter"]
    read = [*refs, *(ref for where in wheres if where is not None for ref in reached(declared, where))]
    fields = [declared.fields[ref.target] for ref in read if ref.kind == "field"]
    references = [field.reference for field in fields if field.reference is not None]
    return sorted({reference.source for reference in references if reference.kind == "topic"})


def _models(refs: list[Ref], rulebook: Rulebook, all_of_them: bool = False) -> list[str]:
    names = dict.fromkeys(ref.target.removesuffix(" threshold") for ref in refs if ref.kind == "score")
    return [name for name in names if name in rulebook.models and (all_of_them or rulebook.models[name].learns)]


def _inputs(model: str, rulebook: Rulebook) -> list[str]:
    spec = rulebook.models[model]
    read = [rulebook.counters[name] for name in spec.numbers if name in rulebook.counters]
    recalled = [rulebook.memories[name] for name in spec.numbers if name in rulebook.memories]
    counted = sorted({counter.read_at for counter in read} - {USER})
    return [f"model {model} counts by {described(kind)}" for kind in counted] + [
        f"model {model} reads what {kind} remembers" for kind in sorted({memory.by for memory in recalled} - {USER})
    ]


def _only_grows(rule: RuleDeclaration, declared: Declarations, rulebook: Rulebook) -> bool:
    """Whether more events can only make the clauses about entities true."""
    shared = [
        clause.expr for clause in rule.all_clauses() if _is_shared(list(reached(declared, clause.expr)), rulebook)
    ]
    held = {id(clause.expr) for clause in rule.unless}
    return all(id(expr) not in held and _grows(expr, rulebook) for expr in shared)


def _is_shared(refs: list[Ref], rulebook: Rulebook) -> bool:
    return bool(_kinds(refs, rulebook) or _remembering(refs, rulebook))


def _grows(expr: Expr, rulebook: Rulebook) -> bool:
    match expr:
        case Compare(op=">" | ">=", left=Ref(kind="counter", target=name), right=Constant()):
            return rulebook.counters[name].counts_entries
    return False
