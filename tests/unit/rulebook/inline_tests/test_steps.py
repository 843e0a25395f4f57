"""Rules' tests: several kinds of events in one timeline, and what hints say before there are labels."""

from engine.rulebook.compiler import check_rulebook

RULES = """
version: 1
fields: {age: number}
counters:
  fails: {count: login_fail, by: user_id, over: 10m}
derived:
  promises: 'text matches "free money"'
models:
  spam: {hints: {promises: 3}}
rules:
  taken_over:
    event: login_ok
    when: [fails >= 5]
    then: {challenge: captcha}
    mode: shadow
    tests:
      - steps:
          - {send: {type: login_fail}, times: 5, every: 10s}
          - {send: {type: login_ok}}
        fires_at: [6]
      - steps:
          - {send: {type: login_fail}, times: 5, every: 3m}
          - {send: {type: login_ok}, times: 2}
        fires: never
  hinted:
    event: post
    when: [score.spam > 0.9]
    then: {review: content}
    mode: shadow
    tests:
      - {send: {type: post, text: free money}, fires: always}
      - {send: {type: post, text: hello}, fires: never}
      - {send: {type: post, text: hello}, score: {spam: 0.95}, fires: always}
"""


def messages(rules: str) -> list[str]:
    _, diagnostics = check_rulebook({"r.yaml": rules})
    return [one.message for one in diagnostics.findings]


def test_steps_are_sent_one_after_the_other_and_hints_speak() -> None:
    assert messages(RULES) == []


def test_a_step_that_says_otherwise_is_found() -> None:
    assert messages(RULES.replace("times: 5, every: 10s", "times: 4, every: 10s")) == [
        "`fires_at` lists whole numbers from 1 to `times`, for example [11]"
    ]
    assert messages(RULES.replace("fires_at: [6]", "fires_at: [5]")) == [
        "rule `taken_over` fires at 6, the test expects 5"
    ]


def test_a_test_has_one_way_to_send() -> None:
    wrong = RULES.replace("fires_at: [6]", "send: {type: post}\n        fires_at: [6]")
    assert "a test needs exactly one of `send` and `steps`" in messages(wrong)
    assert "a step of a test needs `send`" in messages(RULES.replace("- {send: {type: login_ok}}", "- {times: 1}"))
