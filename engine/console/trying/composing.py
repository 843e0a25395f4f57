"""Rules out of what a form asks, for people who do not write YAML."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import yaml

from engine.errors import RequestError
from engine.rulebook.language.rule_schema import ACTION_KINDS

KINDS = tuple(kind for kind in ACTION_KINDS if kind not in ("allow", "mark", "add"))
"""Actions that the form offers."""

_NAME = re.compile(r"[a-z][a-z0-9_]{0,60}")
_MOST_CANDIDATES = 20
_MAX_VALUE_CHARS = 200


class RuleForm(NamedTuple):
    """What the form asks. `counted`: count, distinct or none; `field`: of distinct, which values; `by`: of whom;
    `more_than`: the threshold."""

    name: str
    event: str
    counted: str
    field: str
    by: str
    over: str
    more_than: str
    further: str
    action: str
    scope: str
    lasts: str
    mode: str
    reason: str


def compose(form: RuleForm) -> str:
    """The file with this rule, and its counter. Raises RequestError where the form cannot be a rule."""
    if not _NAME.fullmatch(form.name):
        raise RequestError("a rule's name has small letters, digits and _, and begins with a letter, as in many_posts")
    if form.action not in KINDS:
        raise RequestError(f"a rule of the form does one of {', '.join(KINDS)}")
    document: dict[str, Any] = {"version": 1}
    when = [line.strip() for line in form.further.splitlines() if line.strip()]
    if form.counted != "none":
        counter = f"{form.name}_counted"
        document["counters"] = {counter: _counter(form)}
        when.insert(0, f"{counter} > {_number(form.more_than)}")
    if not when:
        raise RequestError("a rule needs something that has to hold: a number of events, or a condition")
    then: dict[str, Any] = {form.action: form.scope or "user"}
    if form.lasts:
        then["for"] = form.lasts
    rule: dict[str, Any] = {"event": form.event, "when": when, "then": then}
    if form.by and form.counted != "none":
        rule["cooldown"] = {"per": form.by, "for": form.over}
    rule |= {"mode": form.mode or "shadow", "meta": {"reason": form.reason or form.name}}
    document["rules"] = {form.name: rule}
    return _yaml(document)


def compose_like(decision: Mapping[str, Any], fields: Mapping[str, Any] | None, name: str, author: str) -> str:
    """A file with a rule like a decision: the clauses that held, and as comments what else the event says. It is in
    shadow, and for people to make their own."""
    clauses = list(
        dict.fromkeys(clause["text"] for hit in decision["hits"] for clause in hit["clauses"] if clause["result"])
    )
    rule = {
        "event": decision["type"],
        "when": clauses or ["true"],
        "then": {"flag": name},
        "mode": "shadow",
        "meta": {"owner": author, "reason": name, "why": f"Like the decision on {_ascii(decision['event_id'])}."},
    }
    lines = ["# What the event says beside; write such a line without # into `when` to demand it."]
    lines += [f"#   - {json.dumps(f'{field} == {json.dumps(value)}')}" for field, value in _candidates(fields or {})]
    return "\n".join(lines) + "\n" + _yaml({"version": 1, "rules": {name: rule}})


def _candidates(fields: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    found = [
        (name, value) for name, value in fields.items()
        if name not in ("event_id", "ts", "type", "arrived") and re.fullmatch(r"[A-Za-z_][\w.]{0,80}", name)
        and (isinstance(value, (bool, int, float)) or (isinstance(value, str) and 0 < len(value) <= _MAX_VALUE_CHARS))
    ]  # fmt: skip
    return found[:_MOST_CANDIDATES]


def _counter(form: RuleForm) -> dict[str, Any]:
    if form.counted == "count":
        return {"count": form.event, "by": form.by, "over": form.over}
    if form.counted == "distinct" and form.field:
        return {"distinct": form.field, "of": form.event, "by": form.by, "over": form.over}
    raise RequestError("say what is counted: events, or the different values of a field")


def _number(text: str) -> int:
    if not text.isdecimal() or len(text) > 6:
        raise RequestError("the threshold is a whole number")
    return int(text)


def _ascii(text: str) -> str:
    return json.dumps(text)[1:-1]


def _yaml(document: Mapping[str, Any]) -> str:
    return str(yaml.safe_dump(document, sort_keys=False, allow_unicode=False, width=110))
