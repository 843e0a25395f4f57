"""What stands on the public topics, field by field: declared here, published as JSON Schemas and as tables."""

from collections.abc import Iterator
from typing import get_args

from engine.core.domain.decisions import Effect, Mode, Outcome
from engine.core.values.bounds import LEAST
from engine.core.values.identity import MAX_ID_CHARS
from engine.learning.verdicts import VERDICTS
from engine.rulebook.language.reference import holds
from engine.rulebook.language.rule_schema import ACTION_KINDS, NEEDS, SEVERITIES
from engine.rulebook.language.schema import TEXT, Json, Key, Shape
from engine.stream.admin.revocation import REVOKE

VERSION = 1
"""Goes up when a field goes, or means something else. New fields may come at any time: readers pass over what they do
not know."""

_NUMBER: Json = {"type": "number"}
_TRUE: Json = {"const": True}
_MS: Json = {"type": "integer"}
_TIME: Json = {"type": ["integer", "string"]}
_ID: Json = {"type": "string", "minLength": 1, "maxLength": MAX_ID_CHARS}
_OPTIONAL_TEXT: Json = {"type": ["string", "null"]}
_OPTIONAL_ID: Json = {"type": ["string", "integer", "null"]}
_VALUE: Json = {"type": ["number", "string", "boolean", "null", "object"]}

_EVENT: Shape = {
    "event_id": Key("names the event among those of its user and type", _ID, required=True),
    "type": Key("what was done, such as post", _ID, required=True),
    "user_id": Key("who did it; the message's key too", _ID, required=True),
    "ts": Key("when: epoch milliseconds or ISO 8601; without it, or far from the arrival, the arrival counts", _TIME),
    "ip": Key("the one address that it came from", _OPTIONAL_TEXT),
    "device_id": Key("the device that it came from", _OPTIONAL_ID),
    "target_id": Key("what or whom it was done to", _OPTIONAL_ID),
    "text": Key("what was written", _OPTIONAL_TEXT),
}
_LABEL: Shape = {
    "event_id": Key("the event that is judged; this or `action_id`", {"type": "string", "minLength": 1}),
    "action_id": Key("in place of `event_id`: an action, whose event is meant", {"type": "string", "minLength": 1}),
    "label": Key("the verdict, or that an earlier one is taken back", {"enum": list(VERDICTS)}, required=True),
    "ts": Key("when it was given: epoch milliseconds or ISO 8601", _TIME, required=True),
    "user_id": Key("the event's user, where the message's key is another", _ID),
    "type": Key("the event's type, where several have its id", _ID),
    "moderator": Key("who has given it", _ID),
    "propensity": Key(
        "how likely the event was to be chosen for a label; 1 without it",
        {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
    ),
    "policy": Key("what it is about, for models that learn that alone", {"type": "string", "minLength": 1}),
}


def _object(shape: Shape) -> Json:
    return {
        "type": "object",
        "required": [name for name, key in shape.items() if key.required],
        "properties": {name: {"description": key.meaning, **key.schema} for name, key in shape.items()},
    }


def _by_name(schema: Json) -> Json:
    return {"type": "object", "additionalProperties": schema}


_TARGET: Shape = {
    "type": Key("user, event, url_domain, ip_prefix, or the name of a field", TEXT, required=True),
    "id": Key("which one; the message's key too", TEXT, required=True),
}
_ACTION: Shape = {
    "action_id": Key("the same each time that this action is published", TEXT, required=True),
    "ts": Key("the event's time, of a revocation the moment at which it was given, in epoch milliseconds", _MS, True),
    "kind": Key(
        "what to do; revoke takes another action back",
        {"enum": [*(kind for kind in ACTION_KINDS if kind != "allow"), REVOKE]},
        True,
    ),
    "scope": Key("what the rule says behind the kind, such as posting", TEXT),
    "target": Key("whom or what it is about", _object(_TARGET), required=True),
    "for_ms": Key("for how long, from the time of its record on; without it until it is revoked", _MS),
    "not_before_ms": Key("do nothing before this time, in epoch milliseconds; `for_ms` begins then too", _MS),
    "event_id": Key("the event that it answers", TEXT, required=True),
    "user_id": Key("that event's user", TEXT, required=True),
    "rule": Key("the rule that acted", TEXT, required=True),
    "reason": Key("why, in the rule's own words", TEXT, required=True),
    "explanation": Key("what held, with numbers: for people inside", TEXT, required=True),
    "rulebook": Key("the version of the rules", TEXT, required=True),
    "model": Key("the versions of the models that the rule read, separated by commas", TEXT),
    "earlier": Key("the event came before its rule's threshold was crossed", _TRUE),
    "needs": Key("a person has to agree before it is enforced", {"enum": list(NEEDS)}),
    "area": Key("the policy area of the rule", TEXT),
    "severity": Key("how bad it is what the rule finds", {"enum": list(SEVERITIES)}),
    "tell": Key("what the user may be told", TEXT),
    "revokes": Key("of a revocation: the `action_id` that is taken back", TEXT),
    "revoked_kind": Key("of a revocation: what that action was", TEXT),
    "author": Key("of a revocation: who has taken it back", TEXT),
}
_CLAUSE: Shape = {
    "text": Key("the clause as it is written", TEXT, required=True),
    "value": Key(f'what it read; of several names an object; a lower bound is `{{"{LEAST}": 31}}`', _VALUE, True),
    "result": Key("whether it held; null: unknown", {"type": ["boolean", "null"]}, required=True),
    "points": Key("of each score in it: the terms that make its points", _by_name(_by_name(_NUMBER))),
}
_HIT: Shape = {
    "rule": Key("the rule that held", TEXT, required=True),
    "mode": Key("its mode", {"enum": list(get_args(Mode))}, required=True),
    "effect": Key("what came of it", {"enum": list(get_args(Effect))}, required=True),
    "clauses": Key("its clauses as they were read", {"type": "array", "items": _object(_CLAUSE)}, required=True),
    "counterfactual": Key("at which number it would not have held", TEXT),
}
_PART: Json = {"type": "array", "prefixItems": [TEXT, _NUMBER], "minItems": 2, "maxItems": 2}
_DECISION: Shape = {
    "event_id": Key("the event", TEXT, required=True),
    "user_id": Key("its user, where people have pseudonyms under that name", TEXT, required=True),
    "ts": Key("its time in epoch milliseconds", _MS, required=True),
    "type": Key("its type", TEXT, required=True),
    "outcome": Key("what came of it", {"enum": list(get_args(Outcome))}, required=True),
    "hits": Key("the rules that held", {"type": "array", "items": _object(_HIT)}, required=True),
    "scores": Key("what each model says, from 0 to 1", _by_name(_NUMBER), required=True),
    "rulebook": Key("the version of the rules", TEXT, required=True),
    "models": Key("the version of each model", _by_name(TEXT), required=True),
    "features": Key("what each model read, by name", _by_name(_by_name(_VALUE))),
    "contributions": Key(
        "of each model: parts of the event, and what they add to the score's logit",
        _by_name({"type": "array", "items": _PART}),
    ),
    "clusters": Key(
        "of each cluster: some of its members, the latest first", _by_name({"type": "array", "items": TEXT})
    ),
    "enrichment": Key("of which day each database is that the event was looked up in", _by_name(TEXT)),
    "earlier": Key("a further answer: a threshold was crossed after the event", _TRUE),
}
_CALIBRATION: Shape = {
    "labels": Key("how many of the latest labels, or outcomes, are of events with a score like this", _MS, True),
    "share": Key("the share of spam, or yes, among them", _NUMBER, required=True),
    "ece": Key("by how much scores are off on average, among all of the latest labels", _NUMBER, required=True),
}
_SCORE: Shape = {
    "event_id": Key("the event", TEXT, required=True),
    "user_id": Key("its user, where people have pseudonyms under that name", TEXT, required=True),
    "ts": Key("its time in epoch milliseconds", _MS, required=True),
    "type": Key("its type", TEXT, required=True),
    "model": Key("the model", TEXT, required=True),
    "version": Key("its version: the same labels give the same one", TEXT, required=True),
    "score": Key("the probability, from 0 to 1", _NUMBER, required=True),
    "calibration": Key("how far the score is to be believed; nothing before there are labels", _object(_CALIBRATION)),
}

_TOPICS: dict[str, tuple[Shape, Json]] = {
    "events": (_EVENT, {}),
    "labels": (_LABEL, {"anyOf": [{"required": ["event_id"]}, {"required": ["action_id"]}]}),
    "actions": (
        _ACTION,
        {
            "if": {"properties": {"kind": {"const": REVOKE}}},
            "then": {"required": ["revokes", "revoked_kind", "author"]},
        },
    ),
    "decisions": (_DECISION, {}),
    "scores": (_SCORE, {}),
}
PUBLIC = tuple(_TOPICS)
"""The topics that others write and read, by our names of them."""


def topic_schema(topic: str) -> Json:
    """The JSON Schema (2020-12) of the messages of a public topic. Fields that it does not name may come."""
    shape, more = _TOPICS[topic]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:floodgate:{topic}:{VERSION}",
        "title": f"Floodgate {topic}, version {VERSION}",
        **_object(shape),
        **more,
    }


def topic_table(topic: str) -> str:
    """The same as a table in Markdown."""
    rows = ["| field | holds | meaning |", "| --- | --- | --- |", *_rows(topic_schema(topic), "")]
    return "\n".join(rows) + "\n"


def _rows(schema: Json, before: str) -> Iterator[str]:
    for name, field in schema["properties"].items():
        mark = "**" if name in schema["required"] else ""
        yield f"| {mark}`{before}{name}`{mark} | {holds(field)} | {field['description']} |"
        inner, ending = (field["items"], "[].") if "items" in field else (field, ".")
        if "properties" in inner:
            yield from _rows(inner, f"{before}{name}{ending}")
