"""What tests of rules expect of actions, what comes before, how far apart events are, and under which names."""

import pytest

from engine.rulebook.compiler import check_rulebook
from engine.rulebook.inline_tests.steps import Step, timeline
from engine.rulebook.language.diagnostics import Diagnostic

RULES = """
version: 1
fields: {age: {type: duration, unit: d, from: author.age_days}, status: {type: text, from: payment.status}}
counters:
  fails: {count: login_fail, by: user_id, over: 10m}
  posts: {count: post, by: user_id, over: 10s}
  reports: {distinct: user_id, of: report, by: target_id, over: 1h}
ladders:
  spam: {decay: 7d, steps: [{at: 2, challenge: captcha}, {at: 3, limit: posting, for: 24h, needs: review}]}
rules:
  flood: {event: post, when: [posts > 2], then: {limit: posting, for: 1h}, mode: MODE, tests: [FLOOD]}
  taken: {event: login_ok, when: [fails >= 5], then: {challenge: captcha}, tests: [TAKEN]}
  climbs: {event: message, when: ['event.link == true'], then: {ladder: spam}, tests: [CLIMBS]}
  reported: {event: report, when: [reports >= 2], then: {review: content, target: target_id}, tests: [REPORTED]}
  fresh: {event: payment, when: ['age < 3d and status == "ok"'], then: {flag: x}, tests: [FRESH]}
  staff: {event: payment, when: ['user_id == "staff"'], then: allow, tests: [STAFF]}
"""
NEVER = dict.fromkeys(("FLOOD", "TAKEN", "CLIMBS", "REPORTED", "FRESH", "STAFF"), "")


def found(mode: str = "shadow", **tests: str) -> list[Diagnostic]:
    text = RULES.replace("MODE", mode)
    for name, test in (NEVER | tests).items():
        text = text.replace(f"[{name}]", f"[{test}]")
    return check_rulebook({"rules.yaml": text})[1].errors


def told(**tests: str) -> list[tuple[str, str | None]]:
    return [(one.message, one.hint) for one in found(**tests)]


POST, MESSAGE = "send: {type: post}", "send: {type: message, link: true}"
RIGHT = {
    "one action for all": {"FLOOD": f"{{{POST}, times: 4, fires_at: [3, 4], acts: {{limit: posting, for: 1h}}}}"},
    "what is not named may be anything": {"FLOOD": f"{{{POST}, times: 3, fires_at: [3], acts: {{limit: posting}}}}"},
    "steps of a ladder": {
        "CLIMBS": f"{{{MESSAGE}, times: 3, fires: always, "
        "acts: [nothing, {challenge: captcha}, {limit: posting, for: 24h, needs: review}]}",
    },
    "whom it is about": {
        "REPORTED": "{send: {type: report, user_id: 'u{n}', target_id: p1}, times: 3, fires_at: [2, 3], "
        "acts: {review: content, target: p1}}",
    },
    "numbered targets": {
        "FLOOD": "{send: {type: post, user_id: 'u{n}'}, given: {send: {type: post, user_id: u2}, times: 2}, "
        "times: 2, fires_at: [2], acts: {limit: posting, target: 'u{n}'}}",
    },
    "nothing is done": {"CLIMBS": f"{{{MESSAGE}, fires: always, acts: nothing}}"},
    "earlier events": {
        "TAKEN": "{given: {send: {type: login_fail}, times: 5, every: 10s}, send: {type: login_ok}, fires: always, "
        "acts: {challenge: captcha, target: example-user}}",
    },
    "earlier events of several kinds": {
        "TAKEN": "{given: [{send: {type: login_fail}, times: 4}, {send: {type: post}}, {send: {type: login_fail}}], "
        "send: {type: login_ok}, times: 2, fires: always}",
    },
    "earlier events are over": {
        "TAKEN": "{given: {send: {type: login_fail}, times: 5}, send: {type: login_ok}, every: 11m, fires: never}",
    },
    "jitter": {"FLOOD": f"{{{POST}, times: 50, every: 6s, jitter: 900ms, fires: never}}"},
    "the producer's names": {
        "FRESH": "{send: {type: payment, author: {age_days: 2}, payment: {status: ok}}, fires: always}",
    },
    "the producer's paths": {
        "FRESH": "{send: {type: payment, author.age_days: 2, payment.status: ok}, fires: always}",
    },
}  # fmt: skip


@pytest.mark.parametrize("case", RIGHT)
@pytest.mark.parametrize("mode", ["shadow", "enforce"])
def test_what_is_right_passes(case: str, mode: str) -> None:
    assert found(mode, **RIGHT[case]) == []


WRONG = {
    "another action": (
        {"FLOOD": f"{{{POST}, times: 3, fires_at: [3], acts: {{limit: posting, for: 2h}}}}"},
        "at event 3 rule `flood` does something else than the test expects",
        "it does {limit: posting, for: 1h, target: example-user}",
    ),
    "another step": (
        {"CLIMBS": f"{{{MESSAGE}, times: 3, fires: always, acts: {{challenge: captcha}}}}"},
        "at event 1 rule `climbs` does something else than the test expects", "it does nothing",
    ),
    "another target": (
        {"REPORTED": "{send: {type: report, user_id: 'u{n}', target_id: p1}, times: 2, fires_at: [2], "
                     "acts: {review: content, target: p2}}"},
        "at event 2 rule `reported` does something else than the test expects",
        "it does {review: content, target: p1}",
    ),
    "too few actions": (
        {"CLIMBS": f"{{{MESSAGE}, times: 3, fires: always, acts: [nothing]}}"},
        "`acts` lists 1 actions, and 3 events are to fire", "one for each of them, `nothing` where nothing is done",
    ),
    "a misspelt kind": (
        {"FLOOD": f"{{{POST}, times: 3, fires_at: [3], acts: {{limt: posting}}}}"},
        'an action of `acts` has no key "limt"', 'did you mean "limit"?',
    ),
    "no kind": (
        {"FLOOD": f"{{{POST}, times: 3, fires_at: [3], acts: {{for: 1h}}}}"},
        "an action of `acts` has exactly one kind",
        "one of: flag, warn, challenge, limit, hide, remove, suspend, review, mark, add",
    ),
    "no mapping": (
        {"FLOOD": f"{{{POST}, times: 3, fires_at: [3], acts: limit}}"},
        "an action is a mapping, or `nothing`; this is `limit`", "{limit: posting, for: 1h}",
    ),
    "nothing fires": (
        {"FLOOD": f"{{{POST}, fires: never, acts: {{limit: posting}}}}"},
        "`acts` says what is done at events that fire, and this test expects none", "drop it",
    ),
    "an allow rule": (
        {"STAFF": "{send: {type: payment, user_id: staff}, fires: always, acts: {flag: x}}"},
        "a rule that allows does nothing to anybody", "drop `acts`",
    ),
    "jitter in every": (
        {"FLOOD": f"{{{POST}, times: 2, every: 4s ± 1s, fires: never}}"},
        "`every` is a duration, for example 4s", "every: 4s, jitter: 1s",
    ),
    "more jitter than time": (
        {"FLOOD": f"{{{POST}, times: 2, every: 4s, jitter: 5s, fires: never}}"},
        "`jitter` is a duration, at most as long as `every`", "every: 4s, jitter: 1s",
    ),
    "a misspelt producer's name": (
        {"FRESH": "{send: {type: payment, author: {age_day: 2}}, fires: never}"},
        "nothing reads `author.age_day`", 'did you mean "age_days"?',
    ),
    "another type under a producer's name": (
        {"FRESH": "{send: {type: payment, author: {age_days: old}}, fires: never}"},
        "`age` is a duration, this is `old`", None,
    ),
    "a misspelt key of what is given": (
        {"TAKEN": "{given: {sent: {type: login_fail}}, send: {type: login_ok}, fires: never}"},
        'a step of a test has no key "sent"', 'did you mean "send"?',
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_told_with_what_to_write(case: str) -> None:
    tests, message, hint = WRONG[case]
    assert (message, hint) in told(**tests)


def test_a_mistake_is_told_at_its_place() -> None:
    test = f"{{{POST}, times: 3, fires_at: [3], acts: {{limt: posting}}}}"
    (error, *_) = found(FLOOD=test)
    line = RULES.replace("MODE", "shadow").replace("[FLOOD]", f"[{test}]").splitlines()[error.span.line]
    assert line[error.span.column :].startswith("limt")


def test_a_failing_test_with_earlier_events_says_why() -> None:
    test = "{given: {send: {type: login_fail}, times: 4}, send: {type: login_ok}, fires: always}"
    assert told(TAKEN=test) == [
        ("rule `taken` fires at no event, the test expects 1", "at event 1: `fails >= 5` is false (fails = 4)")
    ]


def test_jitter_is_the_same_in_every_run_and_within_its_bounds() -> None:
    step = Step({"type": "post"}, 500, 4_000, 1_000)
    gaps = [gap for _, gap in timeline([step])]
    assert gaps == [gap for _, gap in timeline([step])]
    assert 3_000 <= min(gaps) < 3_100
    assert 4_900 < max(gaps) <= 5_000
    assert [gap for _, gap in timeline([Step({}, 3, 4_000)])] == [4_000] * 3
