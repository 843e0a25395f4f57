"""The shapes of the language: what has to be there, and what editors are told."""

from typing import Any

import jsonschema
import pytest

from engine.rulebook.compiler import check_rulebook
from engine.rulebook.language.json_schema import json_schema

RULE = "r: {event: post, when: [event.n > 1], then: {limit: posting, for: 1h}}"
VALID = jsonschema.Draft202012Validator(json_schema())


def messages(text: str) -> list[str]:
    return [one.message for one in check_rulebook({"rules.yaml": text})[1].errors]


def whole() -> dict[str, Any]:
    """A document with one of each."""
    return {
        "version": 1,
        "fields": {"age": {"type": "duration", "unit": "s"}},
        "clusters": {"ring": {"of": "a", "share": "ip", "within": "1h"}},
        "counters": {"c": {"count": "post", "by": "ip", "over": "1h"}},
        "derived": {"d": {"ratio": ["c", "c"], "at_least": 1, "bound": "none"}},
        "lists": {"l": {"live": True}},
        "models": {"m": {"texts": ["text"], "hints": {"d": -5}}},
        "ladders": {"up": {"decay": "1d", "steps": [{"at": 1, "limit": "x"}]}},
        "rules": {
            "r": {
                "event": "post",
                "when": ["c > 1"],
                "then": {"limit": "x"},
                "cooldown": {"per": "user_id", "for": "1h"},
                "plan": {"from": "2027-06-01"},
                "budget": {"max": "1%", "per": "1h", "if_exceeded": "shadow"},
                "meta": {"owner": "ann"},
                "tests": [{"send": {"type": "post"}, "fires": "never"}],
            }
        },
    }


def at(document: dict[str, Any], path: str) -> Any:
    for part in path.split("."):
        document = document[int(part)] if isinstance(document, list) else document[part]
    return document


@pytest.mark.parametrize(
    "path",
    [
        "version", "fields.age.type", "clusters.ring.of", "clusters.ring.share", "clusters.ring.within",
        "counters.c.by", "counters.c.over", "derived.d.ratio", "ladders.up.decay", "ladders.up.steps",
        "ladders.up.steps.0.at", "rules.r.event", "rules.r.then", "rules.r.cooldown.per", "rules.r.cooldown.for",
        "rules.r.plan.from", "rules.r.budget.max", "rules.r.budget.per", "rules.r.budget.if_exceeded",
    ],
)  # fmt: skip
def test_what_has_to_be_there_is_missed(path: str) -> None:
    document, (parent, _, key) = whole(), path.rpartition(".")
    assert VALID.is_valid(document)
    del (at(document, parent) if parent else document)[key]
    assert not VALID.is_valid(document)


@pytest.mark.parametrize(
    "path",
    [
        "fields", "fields.age.unit", "clusters", "counters", "derived", "derived.d.at_least", "derived.d.bound",
        "lists",
        "lists.l.live", "models", "models.m.texts", "models.m.hints", "ladders", "ladders.up.steps.0.limit", "rules",
        "rules.r.when", "rules.r.cooldown", "rules.r.plan", "rules.r.budget", "rules.r.meta", "rules.r.meta.owner",
        "rules.r.tests", "rules.r.tests.0.send",
    ],
)  # fmt: skip
def test_what_may_be_left_out_is_not(path: str) -> None:
    document, (parent, _, key) = whole(), path.rpartition(".")
    del (at(document, parent) if parent else document)[key]
    assert VALID.is_valid(document)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("lists.l.live", False),
        ("models.m.hints.d", -5.1),
        ("models.m.hints.d", 5.1),
        ("rules.r.odd", 1),
        ("rules.r.then.odd", 1),
        ("ladders.up.steps.0.allow", "x"),
        ("fields.Age", "number"),
        ("version", 2),
    ],
)
def test_what_cannot_be_there_is_refused(path: str, value: object) -> None:
    document, (parent, _, key) = whole(), path.rpartition(".")
    (at(document, parent) if parent else document)[key] = value
    assert not VALID.is_valid(document)


def test_a_mapping_has_the_keys_that_it_may_have_and_those_that_it_needs() -> None:
    assert messages("version: 1\nrules: {r: {event: post, when: [event.n > 1]}}\n") == [
        "rule `r` needs `then`: what to do"
    ]
    assert messages(f"version: 1\nrules:\n  {RULE.replace('when', 'wehn')}\n") == ['rule `r` has no key "wehn"']
    assert messages("version: 1\nrules: {r: {event: post, then: {flag: x}}}\n") == [
        "rule `r` needs `when` or `any`: it would hold for every event"
    ]
    assert messages("version: 1\nrules: {r: 5}\n") == ["rule `r` must be a mapping, this is `5`"]


@pytest.mark.parametrize(
    ("event", "accepted"), [("post", True), ("[post, like]", True), ("[]", False), ("5", False), ("[post, 5]", False)]
)
def test_event_types_are_words(event: str, accepted: bool) -> None:
    assert (messages(f"version: 1\nrules:\n  {RULE.replace('event: post', f'event: {event}')}\n") == []) is accepted
