"""The parts of an expression, and whether something is wrong with one of them."""

from engine.rulebook.language.diagnostics import Span
from engine.rulebook.language.nodes import Compare, Constant, Expr, Logical, Not, any_wrong

PLACE = Span("rules.yaml", 0, 0)
RIGHT, WRONG = Constant(PLACE, "number", 1), Expr(PLACE, "wrong")


def test_an_expression_is_wrong_where_any_of_its_parts_is() -> None:
    assert any_wrong(WRONG)
    assert any_wrong(Not(PLACE, "bool", WRONG))
    assert any_wrong(
        Logical(PLACE, "bool", "or", [Not(PLACE, "bool", RIGHT), Compare(PLACE, "bool", ">", RIGHT, WRONG)])
    )
    assert not any_wrong(RIGHT)
    assert not any_wrong(Compare(PLACE, "bool", ">", RIGHT, RIGHT))
