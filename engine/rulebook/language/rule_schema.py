"""The shapes of rules: what a rule may have, does, and is tested by."""

from engine.core.domain.units import DURATION_MS
from engine.rulebook.language.schema import (
    CLAUSES,
    DURATION,
    ENTITY,
    ONE_OR_MORE,
    SHARE,
    TEXT,
    Key,
    Shape,
)

ADD = "add"
ACTION_KINDS = ("allow", "flag", "warn", "challenge", "limit", "hide", "remove", "suspend", "review", "mark", ADD)
MAX_ADDED = 10_000
MODES = ("shadow", "canary 5%", "enforce")
ALSO = ("earlier",)
NEEDS = ("review",)
UNLESS_BEFORE = "shadow unless before"
IF_EXCEEDED = ("shadow", UNLESS_BEFORE)
MAX_STRIKES = 50
MAX_ACTIONS = 4
MAX_DELAY_MS = 7 * DURATION_MS["d"]
SEVERITIES = ("low", "medium", "high", "critical")
_GATE = r"^precision_lcb >= 0\.[0-9]+$"

_NEEDS = Key("review: a person has to agree before it is enforced", {"enum": list(NEEDS)})
THEN: Shape = {
    **{kind: Key(f"the action `{kind}`, and its scope", TEXT) for kind in ACTION_KINDS},
    "for": Key("how long it lasts", DURATION),
    "target": Key("user, event, url_domain, ip_prefix, or the field that names the target", TEXT),
    "also": Key("earlier: act on those who came before the threshold too", {"enum": list(ALSO)}),
    "lookback": Key("how far back `also: earlier` reaches", DURATION),
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
    "decay": Key("for how long a strike counts", DURATION, required=True),
    "steps": Key("what is done, by the number of strikes", {"type": "array", "minItems": 1}, required=True),
}
BUDGET: Shape = {
    "max": Key("the share of active users on whom the rule may act, such as 0.2%", SHARE, required=True),
    "per": Key("within which time", DURATION, required=True),
    "if_exceeded": Key(
        "shadow: the rule rests until it would act on few again; shadow unless before: not so where the rule, as "
        "it was before its last change, holds for most of them too",
        {"enum": list(IF_EXCEEDED)},
        required=True,
    ),
}
PLAN: Shape = {
    "from": Key("when the rollout begins, UTC", TEXT, required=True),
    "shadow": Key("for how long the rule is in shadow then", DURATION),
    "canary": Key("on which share of entities it acts next", SHARE),
    "canary_for": Key("for how long; then it acts on all", DURATION),
    "promote_if": Key(
        "what has to be proved before a stage that acts: precision_lcb >= 0.95", {"type": "string", "pattern": _GATE}
    ),
}
COOLDOWN: Shape = {
    "per": Key(
        "the entity that rests: user_id, or whatever counters may be by, except a cluster", ENTITY, required=True
    ),
    "for": Key("how long", DURATION, required=True),
}
ARM: Shape = {
    "name": Key("the arm's name; rules of one arm have the same entities", TEXT, required=True),
    "share": Key("which share of entities it has, such as 20%", SHARE, required=True),
}
ENFORCE: Shape = {
    "delay": Key("how long whoever enforces waits, such as 10m, or from 5m..2h, drawn for each hit", TEXT),
    "share": Key("on which share of entities it acts, always the same ones; the others are spared", SHARE),
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
    "every": Key("how long after the event before it each of them comes", DURATION),
    "jitter": Key("by how much that is more or less, the same in every run", DURATION),
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
    "event": Key("the event type or types, or any", ONE_OR_MORE, required=True),
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
