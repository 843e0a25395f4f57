"""What would have been enough for a rule not to fire, told of its first clause with a limit."""

import pytest

from engine.core.domain.decisions import Value
from engine.core.domain.events import Event
from engine.rulebook.compiler import load_rulebook
from engine.rulebook.inline_tests.stage import ExampleStage

RULES = """
version: 1
fields: {{age: {{type: duration, unit: h}}, size: {{type: size, unit: KB}}, tags: list, flag: bool}}
counters:
  posts: {{count: post, by: user_id, over: 1h}}
  ages: {{mean: age, of: post, by: user_id, over: 1h}}
  most: {{max: event.n, of: post, by: user_id, over: 1h}}
  before: {{count: post, by: user_id, over: 1h, before: true}}
derived:
  double: posts * 2
  left: 30d - age
rules:
  r: {{event: post, when: ['{when}'], unless: ['{unless}'], then: {{flag: x}}}}
"""


def told(
    when: str, unless: str = "false", **fields: object
) -> tuple[dict[str, tuple[dict[str, Value], bool | None]], str | None]:
    """The values of the clauses that have held at one post, by their texts, and what would have been enough."""
    book = load_rulebook({"rules.yaml": RULES.format(when=when, unless=unless)})
    event = Event("e", "post", "u", 1_760_000_000_000, {"user_id": "u", **fields})
    [decision] = ExampleStage(book, {}).send(event)
    [hit] = decision.hits
    return {clause.text: (clause.values, clause.result) for clause in hit.clauses}, hit.counterfactual


@pytest.mark.parametrize(
    ("clause", "expected"),
    [
        ("posts > 0", "at posts = 0"),
        ("ages <= 2h", "at ages above 2h"),
        ("ages < 2h", "at ages = 2h"),
        ("posts >= 1", "at posts = 0"),
        ("posts < 2", "at posts = 2"),
        ("posts <= 1", "at posts = 2"),
        ("posts >= 0.5", "at posts below 0.5"),
        ("posts <= 1.5", "at posts above 1.5"),
        ("double >= 2", "at double below 2"),
        ("double <= 2", "at double above 2"),
        ("double > 1", "at double = 1"),
    ],
)
def test_the_nearest_value_that_would_not_have_fired_is_told(clause: str, expected: str) -> None:
    assert told(clause, age=1)[1] == f"{expected} this would not have fired"


@pytest.mark.parametrize(("clause", "expected"), [("left > 1d", "at left = 1d"), ("left >= 36h", "at left below 1.5d")])
def test_a_limit_is_told_in_units_too(clause: str, expected: str) -> None:
    assert told(clause, age=48)[1] == f"{expected} this would not have fired"


@pytest.mark.parametrize(
    ("clause", "expected"),
    [("most >= 2", "at most below 2"), ("most > 2", "at most = 2"), ("most <= 5", "at most above 5"),
     ("before <= 0", "at before = 1")],
)  # fmt: skip
def test_a_statistic_is_no_whole_number(clause: str, expected: str) -> None:
    assert told(clause, n=3)[1] == f"{expected} this would not have fired"


@pytest.mark.parametrize("clause", ["posts == 1", "posts > event.n", "event.n > 0", "flag == true"])
def test_nothing_is_told_where_no_count_has_a_limit(clause: str) -> None:
    assert told(clause, n=0.5, flag=True)[1] is None


def test_values_are_told_in_units_and_short() -> None:
    values, _ = told(
        "age > 1h and size > 1KB and len(tags) > 1 and len(text) > 1", age=48, size=1_500, tags=["a", "b"],
        text="t" * 300,
    )  # fmt: skip
    [(shown, result)] = [one for text, one in values.items() if text.startswith("age")]
    assert shown == {"age": "2d", "size": "1.5MB", "tags": "a, b", "text": "t" * 100}
    assert result is True


def test_what_is_excluded_is_told_as_its_opposite() -> None:
    values, _ = told("posts > 0", "flag", flag=False)
    assert values["not flag"] == ({"flag": False}, True)
    values, _ = told("posts > 0", "posts > 5")
    assert values["not (posts > 5)"] == ({"posts": 1}, True)
