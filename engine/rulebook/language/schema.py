"""The shapes of the language, once: they are checked here, and published as a JSON Schema (`json_schema.py`)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.core.domain.rules import MAX_CAP
from engine.core.domain.units import DURATION_MS, duration_ms
from engine.rulebook.language.diagnostics import Diagnostics, did_you_mean
from engine.rulebook.language.source import Node

VERSION = 1
MAX_DURATION_MS = 3_650 * DURATION_MS["d"]
ADD = "add"
ACTION_KINDS = ("allow", "flag", "warn", "challenge", "limit", "hide", "remove", "suspend", "review", "mark", ADD)
MAX_ADDED = 10_000
SPELLINGS = ("text",)
FIELD_TYPES = ("bool", "number", "text", "duration", "size", "list")
DEFAULT_MAX_SHARED = 100
MAX_SHARED = 500
MODES = ("shadow", "canary 5%", "enforce")
ALSO = ("earlier",)
NEEDS = ("review",)
UNLESS_BEFORE = "shadow unless before"
IF_EXCEEDED = ("shadow", UNLESS_BEFORE)
MAX_STRIKES = 50
MAX_ACTIONS = 4
MAX_DELAY_MS = 7 * DURATION_MS["d"]
SEVERITIES = ("low", "medium", "high", "critical")
MAX_STEPS = 8
MAX_STEP_TIMES = 100
AGES = ("last", "first")
BOUNDS = ("none", "wilson_lower_95")
MAX_TERMS = 64
MOST_POINTS = 1_000_000

Json = dict[str, Any]

NAME_PATTERN = "^[a-z_][a-z0-9_]*$"
_DURATION: Json = {
    "type": "string",
    "pattern": r"^([0-9]+(\.[0-9]+)?(ms|s|m|h|d|w)|params\.[a-z_][a-z0-9_]*)$",
}
TEXT: Json = {"type": "string"}
_SHARE: Json = {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?%$"}
_GATE = r"^precision_lcb >= 0\.[0-9]+$"
_NAME: Json = {"type": "string", "pattern": NAME_PATTERN}
CLAUSES: Json = {"type": "array", "items": {"type": ["string", "boolean"]}, "minItems": 1}
CONSTANT: Json = {"type": ["string", "number", "boolean"]}
_FILE_NAME: Json = {"type": "string", "pattern": r"^[A-Za-z0-9][A-Za-z0-9._-]*\.mmdb$"}
_ONE_OR_MORE: Json = {"anyOf": [TEXT, {"type": "array", "items": TEXT, "minItems": 1}]}


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a mapping: what it means, and its JSON Schema."""

    meaning: str
    schema: Json
    required: bool = False


Shape = Mapping[str, Key]

FIELD: Shape = {
    "type": Key("what clauses may do with it", {"enum": list(FIELD_TYPES)}, required=True),
    "unit": Key("of a duration or size: the unit of the producer's number", TEXT),
    "from": Key("the dotted path in the event, when it has another name there", TEXT),
    "written_as": Key('text: the producer writes its numbers as texts, such as "60.00"', {"enum": list(SPELLINGS)}),
}
COUNTER: Shape = {
    "count": Key("the event type or types to count, or any", _ONE_OR_MORE),
    "distinct": Key("the field whose distinct values count", TEXT),
    "sum": Key("the field whose amounts are added up", TEXT),
    "max": Key("the field whose largest amount is asked for; `gap` is the time between two events", TEXT),
    "min": Key("the same for the smallest", TEXT),
    "mean": Key("the same for the mean", TEXT),
    "stdev": Key("the same for the standard deviation of a sample", TEXT),
    "median": Key("the same for the median", TEXT),
    "quantile": Key("the same for the quantile that `at` names", TEXT),
    "at": Key("which quantile, such as 0.9", {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}),
    "at_least": Key("a statistic of fewer values is unknown", {"type": "integer", "minimum": 1, "maximum": MAX_CAP}),
    "having": Key("for distinct: only values that occur so often", {"type": "object"}),
    "before": Key("true: without the event that is being decided", {"type": "boolean"}),
    "of": Key("for all but count: the event type or types", _ONE_OR_MORE),
    "by": Key("the entity that the counter hangs on", _ONE_OR_MORE, required=True),
    "over": Key("the window, such as 10m", _DURATION, required=True),
    "where": Key("only events for which this holds", TEXT),
    "cap": Key("how many entries to keep at most", {"type": "integer", "minimum": 1, "maximum": MAX_CAP}),
    "except": Key("the list of entities that are not counted, such as lists.trusted", TEXT),
    "approx": Key("count without limit, with a known error", {"type": "boolean"}),
    "max_keys": Key("how many entities may be counted at most", {"type": "integer", "minimum": 1}),
}
HAVING: Shape = {
    "at_least": Key("so often, or more", {"type": "integer", "minimum": 1, "maximum": MAX_CAP}),
    "at_most": Key("so often, or less", {"type": "integer", "minimum": 1, "maximum": MAX_CAP}),
}
MEMORY: Shape = {
    "last": Key("the field whose value at the entity's previous event is asked for", TEXT),
    "first": Key("the field whose value at the entity's first event is asked for", TEXT),
    "age": Key("how long ago the entity's last, or first, event was", {"enum": list(AGES)}),
    "new": Key("whether the entity has had no event of this type, or these types, before", _ONE_OR_MORE),
    "of": Key("for last, first and age: the event type or types that are remembered, or any", _ONE_OR_MORE),
    "by": Key("the entity that remembers", _ONE_OR_MORE, required=True),
    "keep": Key("how long a silent entity remembers, such as 90d", _DURATION, required=True),
    "where": Key("only events for which this holds", TEXT),
    "warm": Key("for new and `age: first`: how long to watch before something is taken for new", _DURATION),
}
SEQUENCE: Shape = {
    "steps": Key(
        "what comes one after the other: types of events, or steps",
        {"type": "array", "items": {"type": ["string", "object"]}, "minItems": 2, "maxItems": MAX_STEPS},
    ),
    "without": Key("with steps: the event type or types of which nothing comes in between", _ONE_OR_MORE),
    "after": Key("the event type or types after which something does not come, or any", _ONE_OR_MORE),
    "none": Key("with after: the event type or types that do not come", _ONE_OR_MORE),
    "within": Key("in which time, such as 1h", _DURATION, required=True),
    "by": Key("whose events they are; with after: user_id", _ONE_OR_MORE, required=True),
}
SEQUENCE_STEP: Shape = {
    "event": Key("the event type or types, or any", _ONE_OR_MORE, required=True),
    "times": Key("how many of them", {"type": "integer", "minimum": 1, "maximum": MAX_STEP_TIMES}),
    "where": Key("only events for which this holds", TEXT),
}
RATIO: Shape = {
    "ratio": Key("numerator and denominator", {"type": "array", "items": TEXT, "minItems": 2, "maxItems": 2}, True),
    "at_least": Key("unknown while the denominator is smaller", {"type": "number", "minimum": 0}),
    "bound": Key("a confidence bound in place of the plain ratio", {"enum": list(BOUNDS)}),
}
PARAM: Shape = {
    "default": Key("the constant for all other events", CONSTANT, required=True),
    "by": Key("the text field of the event that tells its segment, such as country", TEXT, required=True),
    "values": Key("the constants of single segments, such as {DE: 5}", {"type": "object"}, required=True),
}
MACRO: Shape = {
    "args": Key("what may be told where it is used, and what each is otherwise, such as {age: 7d}", {"type": "object"}),
    "clauses": Key("all of these hold", CLAUSES, required=True),
}
POINTS: Json = {
    "type": "object",
    "additionalProperties": {"type": "number", "minimum": -MOST_POINTS, "maximum": MOST_POINTS},
    "minProperties": 1,
    "maxProperties": MAX_TERMS,
}
"""A scorecard: terms, and what each adds."""
CLUSTER: Shape = {
    "of": Key("the event type or types that link, or any", _ONE_OR_MORE, required=True),
    "share": Key("the kinds of entities whose users belong together", _ONE_OR_MORE, required=True),
    "within": Key("how close in time", _DURATION, required=True),
    "max_shared": Key(
        "an entity shared by more users links nobody", {"type": "integer", "minimum": 2, "maximum": MAX_SHARED}
    ),
}
DATABASE: Shape = {
    "mmdb": Key("the file of a database of networks, in the directory of reference data", _FILE_NAME, required=True),
    "as": Key(
        "the fields that it gives: names to paths in the database or to `{type, from}`, or a list of well-known names",
        {"anyOf": [{"type": "object"}, {"type": "array", "items": TEXT, "minItems": 1}]},
        required=True,
    ),
}
TABLE: Shape = {
    "topic": Key("the compacted topic that its rows come on", TEXT),
    "file": Key("the file of the rulebook that has its rows, .csv or .jsonl", TEXT),
    "key": Key("the field of the event that finds the row", TEXT, required=True),
    "fields": Key("the columns: names to types, as under `fields`", {"type": "object"}, required=True),
}
LIST: Shape = {
    "file": Key("one entry a line, # starts a comment", TEXT),
    "values": Key("the entries themselves", {"type": "array", "items": TEXT}),
    "live": Key("`floodgate lists` adds entries while the rules are in use", {"const": True}),
}
MODEL: Shape = {
    "numbers": Key("fields and counters it reads", {"type": "array", "items": TEXT}),
    "texts": Key("text fields it reads word by word", {"type": "array", "items": TEXT}),
    "categories": Key("fields it reads as a whole", {"type": "array", "items": TEXT}),
    "hints": Key(
        "what speaks for spam while labels are few, and how much: 1 is weak, 3 is strong, below 0 speaks for ham",
        {"type": "object", "additionalProperties": {"type": "number", "minimum": -5, "maximum": 5}},
    ),
    "learn": Key("whether labels change it; without them nothing is kept of what it scored", {"type": "boolean"}),
    "river": Key("a classifier or pipeline of River's, instead of the default learner", TEXT),
    "labels": Key("the policy whose labels it learns; without it: labels that name no policy", TEXT),
    "precision": Key(
        "how often `score` at or above `threshold` is to be right", {"type": "number", "minimum": 0.5, "maximum": 0.999}
    ),
    "presume": Key(
        "the share of events that are taken for ham until a label says spam",
        {"type": "number", "minimum": 0.1, "maximum": 1},
    ),
    "min_labels": Key("its scores are unknown before so many labels", {"type": "integer", "minimum": 0}),
}
MARK: Shape = {
    "on": Key("the entity that is marked", _ONE_OR_MORE, required=True),
    "for": Key("how long the mark lasts, from each hit on", _DURATION, required=True),
}
_NEEDS = Key("review: a person has to agree before it is enforced", {"enum": list(NEEDS)})
THEN: Shape = {
    **{kind: Key(f"the action `{kind}`, and its scope", TEXT) for kind in ACTION_KINDS},
    "for": Key("how long it lasts", _DURATION),
    "target": Key("user, event, url_domain, ip_prefix, or the field that names the target", TEXT),
    "also": Key("earlier: act on those who came before the threshold too", {"enum": list(ALSO)}),
    "lookback": Key("how far back `also: earlier` reaches", _DURATION),
    "tell": Key("what the user may be told of this action, in place of `meta.tell`", TEXT),
    ADD: Key("the live list to which an entry is added, such as lists.bad_domains", TEXT),
    "value": Key("of add: what is added: url_domain, ip_prefix, or a text field", TEXT),
    "max": Key("of add: how many entries of the rule stand in the list at once", {"type": "integer", "minimum": 1}),
    "ladder": Key("the ladder on which the user gets a strike; its steps say what is done", TEXT),
    "needs": _NEEDS,
}
STEP: Shape = {
    "at": Key("from so many strikes on", {"type": "integer", "minimum": 1, "maximum": MAX_STRIKES}, required=True),
    **{kind: THEN[kind] for kind in ACTION_KINDS if kind not in ("allow", "mark", ADD)},
    "for": THEN["for"],
    "needs": _NEEDS,
}
LADDER: Shape = {
    "decay": Key("for how long a strike counts", _DURATION, required=True),
    "steps": Key("what is done, by the number of strikes", {"type": "array", "minItems": 1}, required=True),
}
BUDGET: Shape = {
    "max": Key("the share of active users on whom the rule may act, such as 0.2%", _SHARE, required=True),
    "per": Key("within which time", _DURATION, required=True),
    "if_exceeded": Key(
        "shadow: the rule rests until it would act on few again; shadow unless before: not so where the rule, as "
        "it was before its last change, holds for most of them too",
        {"enum": list(IF_EXCEEDED)},
        required=True,
    ),
}
PLAN: Shape = {
    "from": Key("when the rollout begins, UTC", TEXT, required=True),
    "shadow": Key("for how long the rule is in shadow then", _DURATION),
    "canary": Key("on which share of entities it acts next", _SHARE),
    "canary_for": Key("for how long; then it acts on all", _DURATION),
    "promote_if": Key(
        "what has to be proved before a stage that acts: precision_lcb >= 0.95", {"type": "string", "pattern": _GATE}
    ),
}
COOLDOWN: Shape = {
    "per": Key(
        "the entity that rests: user_id, or whatever counters may be by, except a cluster", _ONE_OR_MORE, required=True
    ),
    "for": Key("how long", _DURATION, required=True),
}
ARM: Shape = {
    "name": Key("the arm's name; rules of one arm have the same entities", TEXT, required=True),
    "share": Key("which share of entities it has, such as 20%", _SHARE, required=True),
}
ENFORCE: Shape = {
    "delay": Key("how long whoever enforces waits, such as 10m, or from 5m..2h, drawn for each hit", TEXT),
    "share": Key("on which share of entities it acts, always the same ones; the others are spared", _SHARE),
}
META: Shape = {
    "owner": Key("who answers for the rule", TEXT),
    "reason": Key("the reason code that goes into the action", TEXT),
    "expires": Key("the day, in UTC, from which on it is in shadow, until somebody has looked at it again", TEXT),
    "why": Key("why the rule exists", TEXT),
    "area": Key("the policy area that the rule belongs to, such as spam or payments", TEXT),
    "severity": Key("how bad it is what the rule finds", {"enum": list(SEVERITIES)}),
    "tell": Key(
        "what the user may be told; {posts_1m} stands for a value, {posts_1m|many} has a word for an unknown one; the "
        "explanation, with its thresholds, is for people inside",
        TEXT,
    ),
}
STEP_OF_EXAMPLE: Shape = {
    "send": Key("the event, under the names of this rulebook", {"type": "object"}),
    "times": Key("how often", {"type": "integer", "minimum": 1, "maximum": 10_000}),
    "every": Key("how long after the event before it each of them comes", _DURATION),
    "jitter": Key("by how much that is more or less, the same in every run", _DURATION),
}
ACTION_OF_EXAMPLE: Shape = {
    **{kind: THEN[kind] for kind in ACTION_KINDS if kind != "allow"},
    "for": THEN["for"],
    "target": Key("the id of whom or what it is about", TEXT),
    "tell": Key("what the user is told", TEXT),
    "needs": _NEEDS,
}
EXAMPLE: Shape = {
    **STEP_OF_EXAMPLE,
    "steps": Key("several kinds of events, one after the other, in place of `send`", {"type": "array", "minItems": 1}),
    "fires_at": Key(
        "which of them make the rule fire, counted from 1", {"type": "array", "items": {"type": "integer"}}
    ),
    "fires": Key("always or never", {"enum": ["always", "never"]}),
    "acts": Key(
        "what the rule does at the events that fire: one action for all, or one for each, `nothing` for none; a list "
        "in the list has all actions of one event",
        {"anyOf": [{"type": "object"}, {"type": "array", "minItems": 1}, {"const": "nothing"}]},
    ),
    "given": Key(
        "a step, or several, of events that come before and are not counted",
        {"anyOf": [{"type": "object"}, {"type": "array", "minItems": 1}]},
    ),
    "score": Key("what the models say", {"type": "object"}),
    "state": Key(
        "what counters say, and what is remembered, before the first event: {posts_1h: 40, last_country: DE}",
        {"type": "object"},
    ),
}
RULE: Shape = {
    "event": Key("the event type or types, or any", _ONE_OR_MORE, required=True),
    "when": Key("all of these hold", CLAUSES),
    "any": Key("at least one of these holds", CLAUSES),
    "unless": Key("none of these holds", CLAUSES),
    "then": Key(
        "what to do",
        {"anyOf": [{"const": "allow"}, {"type": "object"}, {"type": "array", "minItems": 1, "maxItems": MAX_ACTIONS}]},
        required=True,
    ),
    "cooldown": Key("do not act again on the same entity so soon", {"type": "object"}),
    "mode": Key(
        "shadow decides and publishes nothing, a canary acts on a share of entities",
        {"type": "string", "pattern": r"^(shadow|enforce|canary \d+(\.\d+)?%)$"},
    ),
    "plan": Key("a rollout by the clock, in place of `mode`", {"type": "object"}),
    "budget": Key("on how many users it may act", {"type": "object"}),
    "arm": Key("the arm of an experiment in which alone it acts", {"type": "object"}),
    "enforce": Key("what keeps its thresholds from being found", {"type": "object"}),
    "holdout": Key("false: it acts on those too who are held out", {"const": False}),
    "meta": Key("who, why, until when", {"type": "object"}),
    "tests": Key("examples that must come true before the rulebook is used", {"type": "array"}),
}
SECTIONS: Shape = {
    "version": Key("the version of this language", {"const": VERSION}, required=True),
    "fields": Key("types, and where a value comes from", {"type": "object"}),
    "enrich": Key("what databases of networks tell about an address of the event", {"type": "object"}),
    "tables": Key("rows that the event's fields find, such as the profile of its user", {"type": "object"}),
    "lists": Key("sets of values", {"type": "object"}),
    "values": Key("what is computed from an event, or remembered of earlier ones", {"type": "object"}),
    "clusters": Key("users who share entities", {"type": "object"}),
    "marks": Key("what rules note of an entity for a while", {"type": "object"}),
    "counters": Key("questions over time windows", {"type": "object"}),
    "sequences": Key("events in an order, and events after which something does not come", {"type": "object"}),
    "derived": Key("ratios and other values made of counters and fields", {"type": "object"}),
    "scores": Key("scorecards: points of all terms that hold, added up", {"type": "object"}),
    "params": Key("constants, the same for all events or by segment", {"type": "object"}),
    "macros": Key("clauses with a name, put into the rules that name them", {"type": "object"}),
    "models": Key("models that score events", {"type": "object"}),
    "ladders": Key("what is done to users whom rules meet again and again", {"type": "object"}),
    "holdout": Key("the share of entities on which no rule acts, such as 1%, to tell what acting is good for", _SHARE),
    "rules": Key("the rules", {"type": "object"}),
}


def read_mapping(node: Node, shape: Shape, title: str, diagnostics: Diagnostics) -> dict[str, Node]:
    """The entries of a mapping that the shape knows; everything else about it becomes an error."""
    if node.entries is None:
        diagnostics.error(node.span, f"{title} must be a mapping, this is {node.kind}", f"its keys: {', '.join(shape)}")
        return {}
    for key in node.entries:
        if key not in shape:
            hint = did_you_mean(key, shape) or f"{title} may have: {', '.join(shape)}"
            diagnostics.error(node.keys[key], f'{title} has no key "{key}"', hint)
    for key, spec in shape.items():
        if spec.required and key not in node.entries:
            diagnostics.error(node.span, f"{title} needs `{key}`: {spec.meaning}")
    return {key: value for key, value in node.entries.items() if key in shape}


def choice(node: Node, allowed: tuple[str, ...], title: str, report: Diagnostics) -> str | None:
    """A scalar that must be one of a few words."""
    if node.text in allowed:
        return node.text
    hint = did_you_mean(node.text or "", allowed) or f"one of: {', '.join(allowed)}"
    report.error(node.span, f"{title} cannot be {node.kind}", hint)
    return None


def duration(node: Node, report: Diagnostics) -> int | None:
    """A duration in ms, or None and an error."""
    span_ms = duration_ms(node.text or "")
    if span_ms is not None and span_ms > MAX_DURATION_MS:
        report.error(node.span, f"a duration is at most {MAX_DURATION_MS // DURATION_MS['d']}d long")
        return None
    if span_ms is None or span_ms <= 0:
        report.error(node.span, f"a duration is needed here, this is {node.kind}", "for example 90s, 10m, 24h or 7d")
        return None
    return span_ms


def words(node: Node, title: str, report: Diagnostics) -> tuple[str, ...]:
    """One word, or a list of words."""
    texts = []
    for item in node.walk():
        if item.text and isinstance(item.scalar, str):
            texts.append(item.text)
        else:
            report.error(item.span, f"{title} is needed here, this is {item.kind}")
    if node.items is not None and not node.items:
        report.error(node.span, f"{title} is needed here, this list is empty")
    return tuple(texts)
