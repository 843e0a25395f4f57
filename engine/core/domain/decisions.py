"""What the engine answers: decisions, their explanations, and actions with deterministic ids."""

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Literal, NamedTuple

import msgspec

from engine.core.domain.tells import Told
from engine.core.state.strikes import Strike
from engine.core.values.bounds import AtLeast

Outcome = Literal["act", "allow", "cooldown", "strike", "budget", "spared", "holdout", "shadow", "none"]
Mode = Literal["shadow", "canary", "enforce"]
Effect = Literal["acted", "shadow", "cooldown", "strike", "budget", "spared", "holdout", "allowed", "no_target"]
"""What came of a rule that held: it acted; it only would have; it was resting; a strike was noted, too few for an
action; it would have acted on too many; it leaves some alone, so that nobody finds its thresholds; this one is held
out, so that it can be told what acting is good for; an allow rule won; the event does not name the rule's target."""

Value = float | int | str | bool | AtLeast | None

_PARAMETER = "params."
_TERMS = 8


class Quantity(str):
    """A duration or size as people write it, where the evaluator had milliseconds or bytes."""

    __slots__ = ()


class ClauseTrace(msgspec.Struct, array_like=True, frozen=True):
    """One clause as it was evaluated. `values`: each name in it, as read; `result` None = unknown; `points`: of each
    scorecard in it, the terms that make its points."""

    text: str
    values: dict[str, Value]
    result: bool | None
    points: dict[str, dict[str, float | int]] | None = None


class Deed(NamedTuple):
    """What an action does, whoever it is about; `needs` as in `Action`."""

    kind: str
    scope: str | None
    needs: str | None


class Hit(msgspec.Struct, array_like=True, frozen=True):
    """A rule that held, and what came of it. `stands`: of one that rests, what it would do again if it did not."""

    rule: str
    mode: Mode
    effect: Effect
    clauses: tuple[ClauseTrace, ...]
    counterfactual: str | None
    stands: tuple[Deed, ...] = ()


class Action(NamedTuple):
    """What to enforce. The id is a function of event, rule and target: a replay publishes the same one.
    `earlier`: the event had come before the rule's threshold was crossed; `needs`: "review", where a person has to
    agree before it is enforced; `told`: what the rule says beside: its area, its severity; `tell`: what users may be
    told; `event`: the identity of its event; `strike`: what its rule has entered on a
    ladder; `not_before_ms`: until then whoever enforces waits."""

    action_id: str
    ts_ms: int
    kind: str
    scope: str | None
    target_type: str
    target_id: str
    event_id: str
    user_id: str
    rule: str
    reason: str
    for_ms: int | None
    explanation: str
    rulebook: str
    models: dict[str, str]
    earlier: bool = False
    needs: str | None = None
    told: Mapping[str, str] = MappingProxyType({})
    event: int = 0
    strike: Strike | None = None
    not_before_ms: int | None = None
    tell: Told | None = None


class Contribution(NamedTuple):
    """A part of an event, and what it adds to the logit of a score: above zero towards spam."""

    part: str
    logit: float


class Decision(msgspec.Struct):
    """The engine's answer for one event. `members`: some of those in the event's clusters, the latest first;
    `earlier`: a further answer, as its entity has crossed a threshold since; `enrichment`: of which day the databases
    are that it was looked up in; `is_published`: else it is for those alone who wait for it."""

    event_id: str
    user_id: str
    ts_ms: int
    type: str
    outcome: Outcome
    hits: tuple[Hit, ...]
    scores: dict[str, float]
    rulebook: str
    models: dict[str, str]
    features: dict[str, dict[str, float | None]] = {}
    contributions: dict[str, list[Contribution]] = {}
    actions: tuple[Action, ...] = ()
    members: dict[str, list[str]] = {}
    earlier: bool = False
    enrichment: Mapping[str, str] = {}
    is_published: bool = True


_BY_WEIGHT: tuple[Literal["cooldown", "strike", "budget", "spared", "holdout", "shadow"], ...] = (
    "cooldown", "strike", "budget", "spared", "holdout", "shadow"
)  # fmt: skip


def strongest(hits: Sequence[Hit]) -> Outcome:
    """What came of an event, by the effects of its hits."""
    effects = {hit.effect for hit in hits}
    if "acted" in effects:
        return "act"
    for effect in _BY_WEIGHT:
        if effect in effects:
            return effect
    return "none"


def explain(clauses: tuple[ClauseTrace, ...], counterfactual: str | None) -> str:
    """One sentence for people: "posts_1m = 11 > 10, not verified; at 10 this would not have fired"."""
    reasons = ", ".join(_tell(clause) for clause in clauses if clause.result)
    return f"{reasons}; {counterfactual}" if counterfactual else reasons


def ordinal(number: int) -> str:
    """1st, 2nd, 3rd, 4th, 11th, 21st."""
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def _tell(clause: ClauseTrace) -> str:
    text, read = clause.text, dict(clause.values)
    for name in [name for name in read if name.startswith(_PARAMETER)]:
        shown = f"{_short(read.pop(name))} ({name})"
        text = re.sub(rf"{re.escape(name)}\b", shown.replace("\\", r"\\"), text)
    if len(read) == 1:
        name, value = next(iter(read.items()))
        if text.startswith(f"{name} ") and type(value) in (int, float, Quantity, AtLeast):
            return f"{name} = {_short(value)}{points_text(clause, name)}{text[len(name) :]}"
    return text


def points_text(clause: ClauseTrace, score: str) -> str:
    """Behind a scorecard's number: its terms that weigh most, in their order. Nothing for any other number."""
    points = (clause.points or {}).get(score, {})
    heaviest = sorted(points, key=lambda term: -abs(points[term]))[:_TERMS]
    shown = [f"{term} {earned:g}" for term, earned in points.items() if term in heaviest]
    more = [f"{len(points) - _TERMS} more"] if len(points) > _TERMS else []
    return f" ({', '.join(shown + more)})" if shown else ""


def _short(value: Value) -> str:
    return f"{value:.4g}" if type(value) is float else str(value)
