"""Scorecards as generated code computes them: at the user, at entities, on the way, and once for all rules."""

from typing import Any

import pytest

from engine.core.domain.decisions import explain
from engine.core.domain.events import Event
from engine.core.domain.rules import Rulebook
from engine.core.values.bounds import AtLeast
from engine.rulebook.compiler import load_rulebook
from engine.rulebook.inline_tests.stage import ExampleStage

CARD = """
version: 1
fields: {foreign: bool, verified: bool, amount: number}
counters:
  users_1h: {distinct: user_id, of: any, by: device_id, over: 1h}
  pays_1h:  {count: payment, by: user_id, over: 1h}
derived:
  shared_device: users_1h >= 2
  high: risk >= 75
scores:
  risk:
    foreign: 35
    shared_device: 40
    'amount > 500': 20
    rule.many: 5
    verified: -30
"""
MANY = "rules:\n  many: {event: payment, when: [pays_1h > 1], unless: [verified], then: {flag: x}, mode: shadow}\n"


def book_of(rule: str, card: str = CARD, many: str = MANY) -> Rulebook:
    return load_rulebook({"rules.yaml": f"{card}{many}{rule}\n"})


def passes(when: str, *steps: str, event: str = "payment", fires_at: str) -> None:
    """Whether a rule fires at these events, by a test of its own."""
    sent = ", ".join(f"{{send: {step}}}" for step in steps)
    tests = f"[{{steps: [{sent}], fires_at: {fires_at}}}]"
    book_of(f"  r: {{event: {event}, when: [{when}], then: {{flag: x}}, mode: shadow, tests: {tests}}}")


ANN = "user_id: ann, device_id: d, foreign: true, amount: 600"
BEN = "user_id: ben, device_id: d, foreign: true, amount: 600"


def test_points_come_from_the_user_from_entities_and_from_other_rules() -> None:
    first, second = f"{{type: payment, {ANN}, verified: false}}", f"{{type: payment, {BEN}, verified: false}}"
    passes("risk >= 75", first, second, fires_at="[2]")
    passes("risk == 55", first, second, fires_at="[1]")
    passes("risk == 95", first, second, fires_at="[2]")
    passes("risk == 100", first, second, second, fires_at="[3]")
    passes("high", first, second, fires_at="[2]")
    passes("risk / 2 == 47.5", first, second, fires_at="[2]")


def test_what_is_missing_never_makes_a_rule_hold() -> None:
    known = f"{{type: payment, {ANN}, verified: false}}"
    passes("risk >= 55", known, f"{{type: payment, {ANN}}}", fires_at="[1]")
    passes("risk >= 25", known, f"{{type: payment, {ANN}}}", fires_at="[1, 2]")  # as if they were verified
    passes("risk < 1000", f"{{type: payment, {ANN}}}", fires_at="[]")
    passes("not (risk < 20)", f"{{type: payment, {ANN}}}", fires_at="[1]")


def test_another_rule_does_not_hold_for_events_that_it_is_not_about() -> None:
    paid, other = f"{{type: payment, {ANN}, verified: false}}", f"{{type: post, {ANN}, verified: false}}"
    passes("risk == 60", paid, paid, other, event="any", fires_at="[2]")
    passes("rule.many", paid, paid, other, event="any", fires_at="[2]")
    passes("not rule.many", paid, paid, other, event="any", fires_at="[1, 3]")


@pytest.mark.parametrize("mode", ["shadow", "enforce", "canary 1%"])
def test_the_mode_of_another_rule_does_not_matter(mode: str) -> None:
    many = MANY.replace("mode: shadow", f"mode: {mode}")
    tests = "[{send: {type: payment, verified: false}, times: 2, every: 1m, fires_at: [2]}]"
    rule = f"  r: {{event: payment, when: [rule.many], then: {{flag: x}}, mode: shadow, tests: {tests}}}"
    book_of(rule, many=many)


def explained(book: Rulebook, *sent: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """The points of the last event's clauses, and how its first hit is told."""
    stage, hits = ExampleStage(book, {}), []
    for place, fields in enumerate(sent):
        user = fields["user_id"]
        decisions = stage.send(Event(f"e{place}", "payment", user, 1_760_000_000_000 + place, fields))
        hits = [hit for decision in decisions for hit in decision.hits if hit.rule == "r"]
    [hit] = hits
    points = {name: dict(terms) for clause in hit.clauses for name, terms in (clause.points or {}).items()}
    return points, explain(hit.clauses, hit.counterfactual)


def test_a_score_is_explained_term_by_term() -> None:
    book = book_of("  r: {event: payment, when: [risk >= 75], then: {flag: x}, mode: shadow}")
    one = {"type": "payment", "device_id": "d", "foreign": True, "amount": 600, "verified": False}
    points, told = explained(book, {**one, "user_id": "ann"}, {**one, "user_id": "ben"})
    assert points == {"risk": {"foreign": 35, "shared_device": 40, "amount > 500": 20}}
    assert told == (
        "risk = 95 (foreign 35, shared_device 40, amount > 500 20) >= 75; at risk below 75 this would not have fired"
    )


def test_an_explanation_names_the_terms_that_weigh_most() -> None:
    terms = "".join(f"    event.a{n} > 0: {n}\n" for n in range(1, 12))
    card = f"version: 1\nscores:\n  risk:\n{terms}"
    book = book_of("  r: {event: payment, when: [risk > 5], then: {flag: x}, mode: shadow}", card, "rules:\n")
    points, told = explained(book, {"user_id": "ann", **{f"a{n}": 1 for n in range(1, 12)}})
    assert len(points["risk"]) == 11
    assert told.startswith("risk = 66 (event.a4 > 0 4, event.a5 > 0 5, ")
    assert "event.a11 > 0 11, 3 more) > 5; " in told


def test_a_bound_is_explained_by_what_is_certain() -> None:
    book = book_of("  r: {event: payment, when: [risk >= 25], then: {flag: x}, mode: shadow}")
    points, told = explained(book, {"type": "payment", "user_id": "ann", "foreign": True, "amount": 600})
    assert points == {"risk": {"foreign": 35, "amount > 500": 20, "verified": -30}}
    assert told.startswith("risk = at least 25 (foreign 35, amount > 500 20, verified -30) >= 25; ")


def test_a_parameter_is_told_with_its_value() -> None:
    card = CARD + "params:\n  most: {default: 7, by: event.country, values: {DE: 5}}\n"
    book = book_of("  r: {event: payment, when: [pays_1h < params.most], then: {flag: x}, mode: shadow}", card)
    _, told = explained(book, {"type": "payment", "user_id": "ann", "country": "DE"})
    assert told == "pays_1h = 1 < 5 (params.most); at pays_1h = params.most this would not have fired"


def test_a_score_is_computed_once_however_many_rules_read_it() -> None:
    scores = "".join(f"  s{n}: {{" + ", ".join(f"s{n - 1} > {k}: 1" for k in range(60)) + "}\n" for n in (1, 2, 3))
    text = "version: 1\nfields: {x: bool}\nscores:\n  s0: {x: 100}\n" + scores + "rules:\n"
    tests = "[{send: {type: post, x: true}, fires: always}, {send: {type: post, x: false}, fires: never}]"
    for n in range(20):
        text += f"  r{n}: {{event: post, when: [s3 > {n}], then: {{flag: x}}, mode: shadow, tests: {tests}}}\n"
    book = load_rulebook({"rules.yaml": text})
    program = book.program("post")
    assert program is not None
    assert len(program.decider.decide.__code__.co_code) < 40_000


def test_a_rule_may_rest_at_the_entity_that_its_score_counts_over() -> None:
    card = """version: 1
counters:
  reports_1d: {distinct: user_id, of: report, by: target_id, over: 1d}
  all_1d:     {count: report, by: target_id, over: 1d}
scores:
  bad: {reports_1d >= 2: 50, all_1d >= 3: 25}
"""
    tests = """[{send: {type: report, user_id: "u{n}", target_id: p}, times: 5, every: 1m, fires_at: [3],
      acts: {review: content}}]"""
    rule = "  r: {event: report, when: [bad >= 75], then: {review: content}, %s, tests: " + tests + "}"
    book_of(rule % "cooldown: {per: target_id, for: 1h}", card, "rules:\n")


def test_a_rule_with_a_score_of_an_entity_may_look_back() -> None:
    card = """version: 1
counters:
  users_1h: {distinct: user_id, of: post, by: text, over: 1h}
  posts_1h: {count: post, by: text, over: 1h}
scores:
  bad: {users_1h >= 2: 50, posts_1h >= 3: 25}
"""
    then = "{hide: content, target: event, also: earlier, lookback: 1h}"
    book = book_of(f"  r: {{event: post, when: [bad >= 75], then: {then}}}", card, "rules:\n")
    stage, text = ExampleStage(book, {}), "this is a long text that is posted again and again"
    found = []
    for place in range(4):
        fields = {"user_id": f"u{place}", "text": text}
        found += stage.send(Event(f"e{place}", "post", f"u{place}", 1_760_000_000_000 + place, fields))
    assert {(one.event_id, one.earlier) for one in found} == {("e0", True), ("e1", True), ("e2", False), ("e3", False)}


def test_a_model_may_read_a_score() -> None:
    card = CARD + "models:\n  spam: {numbers: [risk, amount], min_labels: 0, learn: false, hints: {high: 2}}\n"
    book = book_of("  r: {event: payment, when: [score.spam > 0.5], then: {flag: x}, mode: shadow}", card)
    program = book.program("payment")
    assert program is not None
    assert program.routing is not None
    asked: list[Any] = []
    values = {"users_1h": 2, "pays_1h": 1}
    fields = {"type": "payment", "foreign": True, "amount": 3, "verified": None}
    program.routing.decider.decide(fields, values, 0, lambda model, numbers: asked.append((model, numbers)))
    assert asked == [("spam", (45, 3, None))]
    assert AtLeast(45) >= 45
