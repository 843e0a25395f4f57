"""The compiled three-valued logic equals Kleene's, computed the slow way."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.domain.events import FieldMapping
from engine.core.domain.rules import Rulebook
from engine.core.evaluation.evaluator import Evaluator
from engine.core.state.entities import EntityRecord
from engine.rulebook.compiler import load_rulebook

FIELDS = ("a", "b", "c")
BOOLS = ("p", "q")
Tree = Any


def leaves() -> st.SearchStrategy[Tree]:
    number = st.sampled_from(FIELDS) | st.integers(-3, 3)
    arithmetic = st.tuples(st.sampled_from("+-*/"), number, number)
    value = number | arithmetic
    compare = st.tuples(st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), value, value)
    return (
        compare
        | st.tuples(st.just("flag"), st.sampled_from(BOOLS))
        | st.tuples(st.just("known"), st.sampled_from(FIELDS))
    )


trees = st.recursive(
    leaves(),
    lambda inner: st.tuples(st.just("not"), inner) | st.tuples(st.sampled_from(["and", "or"]), inner, inner),
    max_leaves=8,
)
events = st.fixed_dictionaries(
    {},
    optional={
        **{name: st.integers(-3, 3) | st.just("wrong type") for name in FIELDS},
        **{name: st.booleans() for name in BOOLS},
    },
)


def text(tree: Tree) -> str:
    if not isinstance(tree, tuple):
        return str(tree)
    op, *parts = tree
    if op == "flag":
        return str(parts[0])
    if op == "known":
        return f"known({parts[0]})"
    if op == "not":
        return f"not ({text(parts[0])})"
    return f"({text(parts[0])} {op} {text(parts[1])})"


def value(tree: Tree, event: dict[str, Any]) -> Any:
    """The truth (True, False, None = unknown) or the number of a tree."""
    if not isinstance(tree, tuple):
        found = event.get(tree) if isinstance(tree, str) else tree
        return found if isinstance(found, int) else None
    op, *parts = tree
    if op == "flag":
        return event.get(parts[0])
    if op == "known":
        return isinstance(event.get(parts[0]), int)
    values = [value(part, event) for part in parts]
    if op == "not":
        return None if values[0] is None else not values[0]
    if op == "and":
        return False if False in values else None if None in values else True
    if op == "or":
        return True if True in values else None if None in values else False
    if None in values or (op == "/" and values[1] == 0):
        return None
    left, right = values
    return {"+": lambda: left + right, "-": lambda: left - right, "*": lambda: left * right, "/": lambda: left / right,
            "<": lambda: left < right, "<=": lambda: left <= right, ">": lambda: left > right,
            ">=": lambda: left >= right, "==": lambda: left == right, "!=": lambda: left != right}[op]()  # fmt: skip


def rulebook(tree: Tree) -> Rulebook:
    fields = "".join(f"  {name}: number\n" for name in FIELDS) + "".join(f"  {name}: bool\n" for name in BOOLS)
    clause = text(tree).replace("'", "''")
    rules = f"  when_true: {{event: x, when: ['{clause}'], then: {{flag: a}}}}\n"
    rules += f"  unless_true: {{event: x, when: ['true'], unless: ['{clause}'], then: {{flag: b}}}}\n"
    return load_rulebook({"r.yaml": f"version: 1\nfields:\n{fields}rules:\n{rules}"})


@settings(max_examples=400, deadline=None)
@given(trees, st.lists(events, min_size=1, max_size=8))
def test_a_clause_fires_when_true_and_an_exemption_lifts_only_when_false(
    tree: Tree, several: list[dict[str, Any]]
) -> None:
    book = rulebook(tree)
    program, evaluator = book.program("x"), Evaluator(book, {}, sample=1.0)
    assert program is not None
    for event in several:
        document = {"event_id": "1", "type": "x", "user_id": "u", "ts": 1_700_000_000_000, **event}
        decision = evaluator.evaluate(FieldMapping().read(document), program, EntityRecord()).decision
        assert decision is not None
        fired = {hit.rule for hit in decision.hits}
        truth = value(tree, event)
        assert ("when_true" in fired) == (truth is True)
        assert ("unless_true" in fired) == (truth is False)
        for hit in decision.hits:
            assert all(clause.result is True for clause in hit.clauses)
