"""Marks: what a rule notes of an entity, and others ask about."""

import pytest

from engine.rulebook.compiler import check_rulebook, load_rulebook

RULES = """
version: 1
counters: {fails_1h: {count: login_fail, by: device_id, over: 1h}}
marks: {watched: MARK}
rules:
  sets: {event: login_fail, when: [fails_1h >= 3], then: THEN, mode: shadow}
  asks: {event: login_ok, when: [marked.watched], then: {flag: x}, mode: shadow}
"""
MARK, THEN = "{by: device_id, for: 7d}", "{mark: watched}"


def problems(mark: str = MARK, then: str = THEN, asked: str = "marked.watched") -> list[str]:
    rules = RULES.replace("MARK", mark).replace("THEN", then).replace("marked.watched", asked)
    return [one.message for one in check_rulebook({"r.yaml": rules})[1].errors]


def test_a_mark_is_an_action_on_what_is_marked() -> None:
    sets, _ = load_rulebook({"r.yaml": RULES.replace("MARK", MARK).replace("THEN", THEN)}).rules
    then = sets.then
    assert (then.kind, then.scope, then.target, then.for_ms) == ("mark", "watched", "device_id", 7 * 86_400_000)


@pytest.mark.parametrize(
    ("on", "target"), [("user_id", "user"), ("url_domain", "event"), ("[user_id, device_id]", "event")]
)
def test_its_action_is_about_what_an_action_can_be_about(on: str, target: str) -> None:
    rules = RULES.replace("MARK", f"{{by: {on}, for: 1h}}").replace("THEN", THEN)
    assert load_rulebook({"r.yaml": rules}).rules[0].then.target == target


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"mark": "{by: device_id, for: 31d}"}, "a mark lasts at most 30d"),
        ({"mark": "{by: devise_id, for: 1d}"}, 'nothing can be counted by "devise_id"'),
        ({"mark": "{by: device_id}"}, "mark `watched` needs `for`: how long the mark lasts, from each hit on"),
        ({"then": "{flag: x}"}, "no rule sets the mark `watched`"),
        ({"then": "[{mark: watched}, {mark: wached}]"}, 'unknown mark "wached"'),
        ({"then": "{mark: watched, for: 1h}"}, "`for` does not go with `mark`"),
        ({"asked": "marked.wached"}, 'unknown mark "wached"'),
    ],
)
def test_what_is_wrong_is_told(changes: dict[str, str], told: str) -> None:
    assert told in problems(**changes)


def test_a_rule_that_sets_a_mark_cannot_ask_about_it() -> None:
    rules = RULES.replace("MARK", MARK).replace("THEN", THEN).replace("[fails_1h >= 3]", "[marked.watched]")
    messages = [one.message for one in check_rulebook({"r.yaml": rules})[1].errors]
    assert messages == ["rule `sets` asks about its own hits: sets → sets"]
