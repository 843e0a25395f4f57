"""What rulebooks say of holdouts, arms and delays, and what is wrong with it."""

import pytest

from engine.rulebook.compiler import check_rulebook, load_rulebook

RULES = """
version: 1
holdout: 1%
rules:
  r: {event: post, when: [event.n > 1], then: {limit: posting}, MORE}
  s: {event: post, when: [event.n > 2], then: {limit: posting}, arm: {name: b, share: 30%}}
"""


def messages(more: str, rules: str = RULES) -> list[str]:
    _, diagnostics = check_rulebook({"rules.yaml": rules.replace("MORE", more)})
    return [one.message for one in diagnostics.errors]


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ("arm: {name: a, share: 70%}", "the shares of all arms and the holdout are more than 100 %"),
        ("arm: {name: b, share: 31%}", "arm `b` has a share of 31.00% in another rule"),
        ("arm: {name: , share: 31%}", "an arm has a name, this is nothing"),
        ("arm: {name: a, share: all}", "`share` is a share, this is `all`"),
        ("holdout: true", "`holdout` of a rule is false, this is `true`"),
        ("enforce: {delay: 2h..5m}", "`delay` is a duration, or a range of two; this is `2h..5m`"),
        ("enforce: {delay: 1m..2m..3m}", "`delay` is a duration, or a range of two; this is `1m..2m..3m`"),
        ("enforce: {delay: soon}", "`delay` is a duration, or a range of two; this is `soon`"),
        ("enforce: {delay: 1h..8d}", "a delay is at most 7d long"),
        ("enforce: {share: 100%}", "`share` is a share, this is `100%`"),
    ],
)
def test_what_is_wrong_is_told(more: str, told: str) -> None:
    assert messages(more) == [told]


@pytest.mark.parametrize("more", ["arm: {name: a, share: 69%}", "arm: {name: b, share: 30%}", "enforce: {delay: 7d}"])
def test_as_much_as_fits_is_accepted(more: str) -> None:
    assert messages(more) == []


@pytest.mark.parametrize("key", ["arm: {name: b, share: 30%}", "enforce: {share: 90%}", "holdout: false"])
def test_what_allows_is_no_part_of_an_experiment(key: str) -> None:
    name = key.partition(":")[0]
    allow = RULES.replace("then: {limit: posting}, MORE", f"then: allow, {key}")
    assert messages("", allow) == [f"`{name}` goes with actions, not with allow"]


def test_the_holdout_is_said_once() -> None:
    _, found = check_rulebook({"a.yaml": RULES.replace("MORE", "mode: shadow"), "b.yaml": "version: 1\nholdout: 2%\n"})
    assert [one.message for one in found.errors] == ["`holdout` is said twice, first in a.yaml:3"]


def test_arms_stand_in_the_order_of_their_names() -> None:
    first, second = load_rulebook({"r.yaml": RULES.replace("MORE", "arm: {name: z, share: 20%}")}).rules
    assert first.arm is not None
    assert second.arm is not None
    assert (second.arm.begin, second.arm.end, first.arm.begin, first.arm.end) == (0.0, 0.3, 0.3, 0.5)


def test_critical_harm_is_not_held_out_without_a_word() -> None:
    for more, warned in (("", True), (", holdout: false", False)):
        rules = RULES.replace("MORE", f"meta: {{severity: critical}}{more}")
        _, found = check_rulebook({"rules.yaml": rules})
        assert any("does nothing to those who are held out" in one.message for one in found.findings) is warned
