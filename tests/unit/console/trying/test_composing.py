"""Rules out of a form, and out of a decision."""

from typing import Any

import pytest

from engine.console.trying.composing import RuleForm, compose, compose_like
from engine.console.trying.findings import check
from engine.errors import RequestError

FORM = RuleForm(
    name="many", event="post", counted="distinct", field="target_id", by="device_id", over="10m", more_than="5",
    further="event.links > 0\n", action="challenge", scope="captcha", lasts="", mode="", reason="",
)  # fmt: skip


@pytest.mark.parametrize(
    "form",
    [
        FORM,
        FORM._replace(counted="count", by="user_id"),
        FORM._replace(counted="none", by=""),
        FORM._replace(lasts="1h"),
    ],
)
def test_the_engine_takes_what_the_form_writes(form: RuleForm) -> None:
    checked = check({"many.yaml": compose(form)})
    assert checked.errors == []
    assert "mode: shadow" in compose(form)


@pytest.mark.parametrize(
    "changed",
    [{"name": "Many posts"}, {"name": "a: b"}, {"action": "delete"}, {"more_than": "many"}, {"more_than": "9999999"},
     {"field": ""}, {"counted": "all"}, {"counted": "none", "further": " "}],
)  # fmt: skip
def test_what_is_no_rule_is_refused(changed: dict[str, str]) -> None:
    with pytest.raises(RequestError):
        compose(FORM._replace(**changed))


def test_what_somebody_writes_into_a_field_stays_in_its_place() -> None:
    text = compose(FORM._replace(reason="x\n  evil: {event: any, when: [true], then: {suspend: user}}"))
    assert check({"many.yaml": text}).rules == 1


@pytest.mark.parametrize(
    "value", ["a\nrules:\n  evil: 1", "\u2028evil: 1", "\x85evil: 1", "'\"\\", "x" * 9_000, True, 7]
)
def test_a_rule_like_a_decision_cannot_be_written_by_an_event(value: Any) -> None:
    clause = {"text": "event.links > 0", "value": 3, "result": True}
    unknown = {"text": "known(x)", "value": None, "result": None}
    decision = {"event_id": "e1\u2028x: 1", "type": "post", "hits": [{"clauses": [clause, unknown]}]}
    text = compose_like(decision, {"device_id": value, "bad name\n": 1, "event_id": "e1"}, "like_1", "ann")
    checked = check({"like.yaml": text})
    assert checked.errors == []
    assert checked.rules == 1
    assert "known(x)" not in text
