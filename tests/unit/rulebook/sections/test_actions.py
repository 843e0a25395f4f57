"""What a rule may do, for how long, and what it is told where it may not."""

import pytest

from engine.core.domain.actions import ActionTemplate
from engine.core.domain.rules import Rule
from engine.rulebook.compiler import check_rulebook, load_rulebook
from engine.rulebook.language.diagnostics import Diagnostic

RULES = """
version: 1
fields: {author: text, age: number}
counters:
  users: {distinct: user_id, of: post, by: ip, over: 1h}
ladders:
  climb: {decay: 10d, steps: [{at: 1, challenge: captcha}, {at: 2, limit: posting, for: 1h}]}
rules:
  r: {event: post, when: [users > 3], then: {limit: posting}}
"""


def found(old: str, new: str) -> list[Diagnostic]:
    assert old in RULES
    _, diagnostics = check_rulebook({"rules.yaml": RULES.replace(old, new)})
    return diagnostics.errors


def messages(old: str, new: str) -> list[str]:
    return [one.message for one in found(old, new)]


def rule(then: str) -> Rule:
    return load_rulebook({"rules.yaml": RULES.replace("{limit: posting}", then)}).rules[0]


@pytest.mark.parametrize(
    ("old", "longest", "too_long", "told"),
    [
        ("decay: 10d", "decay: 30d", "decay: 721h", "strikes are kept for at most 30d"),
        ("{limit: posting}", "{limit: posting}, cooldown: {per: user_id, for: 30d}",
         "{limit: posting}, cooldown: {per: user_id, for: 721h}", "a cooldown is at most 30d long"),
        ("{limit: posting}", "{limit: posting, also: earlier, lookback: 1d}",
         "{limit: posting, also: earlier, lookback: 25h}", "a lookback is at most 1d long"),
        ("at: 2", "at: 50", "at: 51", "`at` is a number of strikes, from 1 to 50"),
    ],
)  # fmt: skip
def test_the_longest_is_accepted_and_no_more(old: str, longest: str, too_long: str, told: str) -> None:
    assert messages(old, longest) == []
    assert messages(old, too_long) == [told]


@pytest.mark.parametrize("second", ["at: 1", "at: 2", "at: 3"])
def test_each_step_of_a_ladder_is_higher_than_the_one_before(second: str) -> None:
    wrong = messages("{at: 1, challenge: captcha}, {at: 2", "{at: 2, challenge: captcha}, {" + second)
    assert bool(wrong) is (second != "at: 3")


def test_a_ladder_with_two_mistakes_is_told_of_both() -> None:
    told = messages("decay: 10d, steps: [{at: 1, challenge: captcha}, ", "decay: 90d, steps: [{at: 9, hide: it}, ")
    assert told == [
        "strikes are kept for at most 30d", "each step of ladder `climb` needs more strikes than the one before it"
    ]  # fmt: skip


def test_a_ladder_whose_decay_cannot_be_read_is_none() -> None:
    assert messages("decay: 10d", "decay: soon") == ["a duration is needed here, this is `soon`"]
    assert messages("decay: 10d, ", "") == ["ladder `climb` needs `decay`: for how long a strike counts"]


@pytest.mark.parametrize(("scope", "accepted"), [("posting", True), ("", True), ("5", False), ("[a]", False)])
def test_the_scope_of_an_action_is_a_word(scope: str, accepted: bool) -> None:
    assert (messages("{limit: posting}", f"{{limit: {scope}}}") == []) is accepted


def test_an_action_without_a_scope_has_none() -> None:
    assert rule("{limit: }").then == ActionTemplate("limit", None, None, "user", "user", None, None)


def test_what_may_be_a_target_is_told() -> None:
    [error] = found("{limit: posting}", "{limit: posting, target: zzz}")
    assert error.message == '"zzz" cannot be a target'
    assert error.hint is not None
    assert "author" in error.hint
    assert "age" not in error.hint.split(", ")
    assert messages("{limit: posting}", "{limit: posting, target: age}") == ['"age" cannot be a target']
    assert rule("{limit: posting, target: author}").then.target == "author"
    assert rule("{limit: posting, target: event}").then.target == "event"
    assert rule("{limit: posting, target: }").then.target == "user"


@pytest.mark.parametrize("then", ["{limit: posting, also: earlier}", "{limit: posting, lookback: 1h}"])
def test_also_earlier_and_its_lookback_go_together(then: str) -> None:
    assert messages("{limit: posting}", then) == ["`also: earlier` and `lookback` go together"]


def test_a_rule_looks_back_as_far_as_it_says() -> None:
    assert rule("{limit: posting, also: earlier, lookback: 1h}").then.lookback_ms == 3_600_000
    assert rule("{limit: posting}").then.lookback_ms is None


def test_what_an_action_has_beside_its_scope_is_kept() -> None:
    assert rule("{suspend: account, for: 2h, needs: review}").then == ActionTemplate(
        "suspend", "account", 7_200_000, "user", "user", None, "review"
    )
    assert rule("{limit: posting}, cooldown: {per: user_id, for: 5m}").cooldown_ms == 300_000


def test_a_misspelt_action_is_reported_once() -> None:
    assert messages("{limit: posting}", "{limt: posting}") == ['`then` has no key "limt"']
    assert messages("{limit: posting}", "{for: 1h}") == ["`then` of rule `r` needs exactly one action"]


def test_a_word_is_told_how_it_would_be_an_action() -> None:
    assert [one.hint for one in found("{limit: posting}", "hide")] == ["write {hide: its scope}"]
    assert [one.hint for one in found("{limit: posting}", "hiding")] == ["for example {limit: posting, for: 1h}"]
    assert rule("allow").then.kind == "allow"


def test_a_ladder_stands_alone() -> None:
    assert rule("{ladder: climb}").ladder is not None
    told = "`ladder` stands alone: its steps say what is done"
    assert messages("{limit: posting}", "{ladder: climb, for: 1h}") == [told]


def test_several_actions_are_read_in_their_order() -> None:
    read = rule("[{limit: posting}, {review: post, target: author}]")
    assert [(then.kind, then.target) for then in read.deeds()] == [("limit", "user"), ("review", "author")]
    assert rule("{ladder: climb}").deeds()[1].for_ms == 3_600_000


@pytest.mark.parametrize(
    ("then", "told"),
    [
        ("[]", "`then` lists from 1 to 4 actions, these are 0"),
        ("[{flag: a}, {flag: b}, {flag: c}, {flag: d}, {flag: e}]", "`then` lists from 1 to 4 actions, these are 5"),
        ("[{flag: a}, allow]", "`allow` and `ladder` stand alone: a list is of other actions"),
        ("[{flag: a}, {ladder: climb}]", "`allow` and `ladder` stand alone: a list is of other actions"),
        ("[{flag: a}, {flag: a, for: 1h}]", "`then` of rule `r` says the same action twice"),
        ("[{flag: a}, {hide: it, also: earlier, lookback: 1h}]",
         "`also: earlier` stands in the first action of a list"),
        ("[{flag: a, also: earlier, lookback: 1h}, {hide: it, target: author}]",
         'nothing is known of the "author" of earlier events'),
    ],
)  # fmt: skip
def test_a_list_of_actions_is_refused_for_a_reason(then: str, told: str) -> None:
    assert messages("{limit: posting}", then) == [told]
