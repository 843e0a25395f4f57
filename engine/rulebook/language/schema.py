"""The shapes of the language, once: they are checked here, and published as a JSON Schema (`json_schema.py`)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.core.domain.rules import MAX_CAP
from engine.core.domain.units import DURATION_MS
from engine.core.values.near_hashes import MOST_DISTANT

VERSION = 1
MAX_DURATION_MS = 3_650 * DURATION_MS["d"]
SPELLINGS = ("text",)
FIELD_TYPES = ("bool", "number", "text", "duration", "size", "time", "list")
DEFAULT_MAX_SHARED = 100
MAX_SHARED = 500
MAX_STEPS = 8
MAX_STEP_TIMES = 100
AGES = ("last", "first")
BOUNDS = ("none", "wilson_lower_95")
MAX_TERMS = 64
OTHERWISE = ("no", "unknown")
MOST_POINTS = 1_000_000

Json = dict[str, Any]

NAME_PATTERN = "^[a-z_][a-z0-9_]*$"
DURATION: Json = {
    "type": "string",
    "pattern": r"^([0-9]+(\.[0-9]+)?(ms|s|m|h|d|w)|params\.[a-z_][a-z0-9_]*)$",
}
TEXT: Json = {"type": "string"}
SHARE: Json = {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?%$"}
_NAME: Json = {"type": "string", "pattern": NAME_PATTERN}
CLAUSES: Json = {"type": "array", "items": {"type": ["string", "boolean"]}, "minItems": 1}
CONSTANT: Json = {"type": ["string", "number", "boolean"]}
HASH_FILE_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]*\.(txt|csv|jsonl?)$"
_HASH_FILE_NAME: Json = {"type": "string", "pattern": HASH_FILE_NAME}
_FILE_NAME: Json = {"type": "string", "pattern": r"^[A-Za-z0-9][A-Za-z0-9._-]*\.mmdb$"}
ONE_OR_MORE: Json = {"anyOf": [TEXT, {"type": "array", "items": TEXT, "minItems": 1}]}
_TWO: Json = {"type": "array", "items": TEXT, "minItems": 2, "maxItems": 2}
ENTITY: Json = {
    "anyOf": [
        *ONE_OR_MORE["anyOf"],
        {"type": "object", "additionalProperties": False, "required": ["pair"], "properties": {"pair": _TWO}},
    ]
}


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a mapping: what it means, and its JSON Schema."""

    meaning: str
    schema: Json
    required: bool = False


Shape = Mapping[str, Key]

FIELD: Shape = {
    "type": Key("what clauses may do with it", {"enum": list(FIELD_TYPES)}, required=True),
    "unit": Key("of a duration or size: the unit of the producer's number; of a time: s, if it is in seconds", TEXT),
    "from": Key("the dotted path in the event, when it has another name there", TEXT),
    "written_as": Key('text: the producer writes its numbers as texts, such as "60.00"', {"enum": list(SPELLINGS)}),
}
PAIR: Shape = {"pair": Key("two fields whose values are in no order", _TWO, required=True)}
COUNTER: Shape = {
    "count": Key("the event type or types to count, or any", ONE_OR_MORE),
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
    "of": Key("for all but count: the event type or types", ONE_OR_MORE),
    "by": Key("the entity that the counter hangs on", ENTITY, required=True),
    "over": Key("the window, such as 10m", DURATION, required=True),
    "read_by": Key("the fields that name the entity whose counter is asked for, if not those of `by`", ONE_OR_MORE),
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
    "new": Key("whether the entity has had no event of this type, or these types, before", ONE_OR_MORE),
    "of": Key("for last, first and age: the event type or types that are remembered, or any", ONE_OR_MORE),
    "by": Key("the entity that remembers", ENTITY, required=True),
    "keep": Key("how long a silent entity remembers, such as 90d", DURATION, required=True),
    "where": Key("only events for which this holds", TEXT),
    "warm": Key("for new and `age: first`: how long to watch before something is taken for new", DURATION),
}
SEQUENCE: Shape = {
    "steps": Key(
        "what comes one after the other: types of events, or steps",
        {"type": "array", "items": {"type": ["string", "object"]}, "minItems": 1, "maxItems": MAX_STEPS},
    ),
    "without": Key("with steps: the event type or types of which nothing comes in between", ONE_OR_MORE),
    "after": Key("the event type or types after which something does not come, or any", ONE_OR_MORE),
    "none": Key("with after: the event type or types that do not come", ONE_OR_MORE),
    "within": Key("in which time, such as 1h", DURATION, required=True),
    "by": Key("whose events they are; with after: user_id", ENTITY, required=True),
}
SEQUENCE_STEP: Shape = {
    "event": Key("the event type or types, or any", ONE_OR_MORE, required=True),
    "times": Key("how many of them", {"type": "integer", "minimum": 1, "maximum": MAX_STEP_TIMES}),
    "where": Key("only events for which this holds", TEXT),
}
OUTCOME: Shape = {
    "after": Key("the event type or types of which something may come", ONE_OR_MORE, required=True),
    "is": Key("the event type or types that are waited for", ONE_OR_MORE, required=True),
    "by": Key("the entity, or the fields, that both have in common", ENTITY, required=True),
    "within": Key("in which time it comes, such as 24h", DURATION),
    "between": Key(
        "in place of within: later than the first, and no later than the second, such as [1d, 2d]",
        {"type": "array", "items": DURATION, "minItems": 2, "maxItems": 2},
    ),
    "value": Key("what an event that comes says: yes where this holds, no where it does not; without it yes", TEXT),
    "otherwise": Key("what it is when nothing comes: no, unless it says unknown", {"enum": list(OTHERWISE)}),
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
    "of": Key("the event type or types that link, or any", ONE_OR_MORE, required=True),
    "share": Key("the kinds of entities whose users belong together", ONE_OR_MORE, required=True),
    "within": Key("how close in time", DURATION, required=True),
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
BANK: Shape = {
    "file": Key("hashes of pictures: one a line, or ThreatExchange's CSV or JSON", TEXT),
    "values": Key("the hashes themselves", {"type": "array", "items": TEXT}),
    "data": Key("the file of a larger bank, in the directory of reference data", _HASH_FILE_NAME),
    "live": Key("`floodgate lists` adds pictures while the rules are in use", {"const": True}),
    "radius": Key(
        "in how many of 256 bits a copy may differ; without it 31",
        {"type": "integer", "minimum": 0, "maximum": MOST_DISTANT},
    ),
}
MODEL: Shape = {
    "numbers": Key("fields and counters it reads", {"type": "array", "items": TEXT}),
    "texts": Key("text fields it reads word by word", {"type": "array", "items": TEXT}),
    "categories": Key("fields it reads as a whole", {"type": "array", "items": TEXT}),
    "hints": Key(
        "what speaks for spam while labels are few, and how much: 1 is weak, 3 is strong, below 0 speaks for ham",
        {"type": "object", "additionalProperties": {"type": "number", "minimum": -5, "maximum": 5}},
    ),
    "seed": Key(
        "what open streams have taught about texts, while labels are few: `comments`, `mail`, or a .seed file", TEXT
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
    "presume_after": Key(
        "with presume: `learned` takes an event for ham when a label of spam would have come, as far as labels have "
        "told how long they take; without it: at once",
        {"enum": ["learned"]},
    ),
    "outcome": Key("what comes of events, which it learns in place of labels: a name of `outcomes`", TEXT),
    "answer_model": Key(
        "with outcome: the model of who answers; answers count for as many as were as likely to give one", TEXT
    ),
    "of": Key("the event types that it scores though no rule asks; with outcome: those of its `after`", ONE_OR_MORE),
    "min_labels": Key("its scores are unknown before so many labels", {"type": "integer", "minimum": 0}),
    "slices": Key(
        "by what it is looked at whether its scores are right: texts and yes-or-no values",
        {"type": "array", "items": TEXT, "maxItems": 4},
    ),
    "challenger": Key("another model, which scores and learns beside it and could stand in its place", TEXT),
    "promote": Key(
        "with challenger: `auto` lets the better of the two stand, as far as the labels tell for certain",
        {"enum": ["auto"]},
    ),
}
MARK: Shape = {
    "by": Key("the entity that is marked, as counters count by it", ENTITY, required=True),
    "for": Key("how long the mark lasts, from each hit on", DURATION, required=True),
}
SECTIONS: Shape = {
    "version": Key("the version of this language", {"const": VERSION}, required=True),
    "fields": Key("types, and where a value comes from", {"type": "object"}),
    "enrich": Key("what databases of networks tell about an address of the event", {"type": "object"}),
    "tables": Key("rows that the event's fields find, such as the profile of its user", {"type": "object"}),
    "lists": Key("sets of values", {"type": "object"}),
    "banks": Key("known pictures, in which copies are found", {"type": "object"}),
    "values": Key("what is computed from an event, or remembered of earlier ones", {"type": "object"}),
    "clusters": Key("users who share entities", {"type": "object"}),
    "marks": Key("what rules note of an entity for a while", {"type": "object"}),
    "counters": Key("questions over time windows", {"type": "object"}),
    "sequences": Key("events in an order, and events after which something does not come", {"type": "object"}),
    "outcomes": Key("what may come of events later, for models to learn", {"type": "object"}),
    "derived": Key("ratios and other values made of counters and fields", {"type": "object"}),
    "scores": Key("scorecards: points of all terms that hold, added up", {"type": "object"}),
    "params": Key("constants, the same for all events or by segment", {"type": "object"}),
    "macros": Key("clauses with a name, put into the rules that name them", {"type": "object"}),
    "models": Key("models that score events", {"type": "object"}),
    "ladders": Key("what is done to users whom rules meet again and again", {"type": "object"}),
    "holdout": Key("the share of entities on which no rule acts, such as 1%, to tell what acting is good for", SHARE),
    "rules": Key("the rules", {"type": "object"}),
}
