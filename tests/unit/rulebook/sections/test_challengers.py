"""A model's challenger: it learns the same, is asked beside it, and enforces nothing by its own score."""

import pytest

from engine.rulebook.checks.costs import estimate_costs
from engine.rulebook.compiler import check_rulebook, load_rulebook

RULES = """
version: 1
counters:
  posts:  {count: post, by: user_id, over: 1h}
  by_ip:  {count: post, by: ip, over: 1h}
models:
  spam:   {texts: [text], challenger: spam2}
  spam2:  {texts: [text], numbers: [by_ip]}
  other:  {texts: [text]}
  policy: {texts: [text], labels: fraud}
  late:   {texts: [text], presume: 1, presume_after: learned}
rules:
  likely: {event: post, when: [score.spam > 0.9], then: {flag: x}}
"""


def messages(rules: str) -> list[str]:
    return [one.message for one in check_rulebook({"rules.yaml": rules})[1].errors]


@pytest.mark.parametrize(
    ("challenger", "told"),
    [
        ("spam3", 'there is no model "spam3"'),
        ("spam", "a model cannot challenge itself"),
        ("policy", "`policy` learns something else than `spam`: give it the same labels or outcome"),
        ("late", "`late` learns something else than `spam`: give it the same `presume`"),
    ],
)
def test_a_challenger_is_another_model_that_learns_the_same(challenger: str, told: str) -> None:
    assert messages(RULES.replace("challenger: spam2", f"challenger: {challenger}")) == [told]


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("other: {texts: [text], challenger: spam2}", "`spam2` challenges `spam` already"),
        ("other: {texts: [text], promote: auto}", "`promote` goes with `challenger`: whom to promote"),
    ],
)
def test_there_is_one_for_one(wrong: str, told: str) -> None:
    assert messages(RULES.replace("other:  {texts: [text]}", wrong)) == [told]


def test_a_challenger_has_none_and_learns() -> None:
    chained = RULES.replace("numbers: [by_ip]}", "numbers: [by_ip], challenger: other}")
    assert messages(chained) == ["`spam2` has a challenger of its own: one of them at a time"]
    silent = RULES.replace("numbers: [by_ip]}", "numbers: [by_ip], learn: false}")
    assert messages(silent) == ["a model and its challenger learn: leave `learn: false` out"]


def test_what_it_says_enforces_nothing() -> None:
    named = RULES.replace("score.spam >", "score.spam2 >")
    assert messages(named) == ["`spam2` challenges `spam`, and enforces nothing itself"]
    assert messages(named.replace("then:", "mode: shadow, then:")) == []


def test_both_are_asked_at_the_same_place_and_the_challenger_first() -> None:
    for rules in (RULES, RULES.replace("texts: [text], challenger", "numbers: [by_ip], challenger")):
        program = load_rulebook({"rules.yaml": rules}).programs["post"]
        assert program.routing is not None
        assert list(program.routing.decider.models) == ["spam2", "spam"]
        assert list(program.decider.models) == []
    program = load_rulebook({"rules.yaml": RULES.replace("[by_ip]", "[posts]")}).programs["post"]
    assert list(program.decider.models) == ["spam2", "spam"]


def test_its_cost_is_told() -> None:
    plain = estimate_costs(load_rulebook({"rules.yaml": RULES.replace(", challenger: spam2", "")}))
    costs = estimate_costs(load_rulebook({"rules.yaml": RULES.replace("[by_ip]", "[posts]")}))
    dear = estimate_costs(load_rulebook({"rules.yaml": RULES.replace("numbers: [by_ip]", "river: HashedNgrams()")}))
    assert plain.challenger_us == {}
    assert costs.challenger_us == {"spam2": 9.0}
    assert dear.challenger_us == {"spam2": 30.0}
    assert dear.event_us["post"] - costs.event_us["post"] == pytest.approx(21.0)
