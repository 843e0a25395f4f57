"""What is answered over HTTP, as a type: its JSON Schema is made of it, and what the verdict is."""

from collections.abc import Iterator
from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from engine.serve_settings import SurfaceSettings, Verdict
from engine.stream.handlers.replies import FAILED, UNKNOWN, Reply, ToldAction, ToldHit

_BY_WEIGHT: tuple[Verdict, ...] = ("deny", "challenge", "review")

Why = Literal["timeout", "not_published", "decided_before", "failed", "busy"]
"""Why there is no decision: it took too long; Kafka did not take the event; the event was decided before replies were
kept; it could not be decided, and is a dead letter; too many others wait, and the event was not published."""


class Answer(msgspec.Struct, frozen=True):
    """What is to become of an event. `verdict`: of its decision where `answered`, else the surface's own, and `why`
    says why; `published`: whether Kafka has the event; if not, it is to be sent again, to the byte. The others are of
    the decision; where it `failed`, `actions` are those from before."""

    event_id: str
    type: str
    surface: str
    verdict: Verdict
    answered: bool
    published: bool
    why: Why | UnsetType = UNSET
    ts: int | UnsetType = UNSET
    outcome: str | UnsetType = UNSET
    rulebook: str | UnsetType = UNSET
    hits: list[ToldHit] = []
    actions: list[ToldAction] = []
    scores: dict[str, float] = {}


class Refusal(msgspec.Struct, frozen=True):
    """Why nothing is answered. `reason`: one of a few."""

    reason: str
    error: str


class Asked(msgspec.Struct, frozen=True):
    """Who did what, under which id: an event as far as an answer names it."""

    event_id: str
    type: str


def answer_of(asked: Asked, surface: tuple[str, SurfaceSettings], reply: Reply, now_ms: int) -> Answer:
    """The answer where a decision is there."""
    name, own = surface
    if reply.outcome == UNKNOWN:
        return no_answer(asked, surface, "decided_before", is_published=True)
    if reply.outcome == FAILED:
        return Answer(
            asked.event_id, asked.type, name, stronger(own.otherwise, verdict_of(reply, own, now_ms)), answered=False,
            published=True, why="failed", actions=reply.actions,
        )  # fmt: skip
    return Answer(
        asked.event_id, asked.type, name, verdict_of(reply, own, now_ms), answered=True, published=True, ts=reply.ts,
        outcome=reply.outcome, hits=reply.hits, actions=reply.actions, scores=reply.scores, rulebook=reply.rulebook,
    )  # fmt: skip


def no_answer(asked: Asked, surface: tuple[str, SurfaceSettings], why: Why, *, is_published: bool) -> Answer:
    """The answer where no decision is there in time: the surface's policy."""
    name, own = surface
    return Answer(asked.event_id, asked.type, name, own.otherwise, answered=False, published=is_published, why=why)


def verdict_of(reply: Reply, surface: SurfaceSettings, now_ms: int) -> Verdict:
    """The strongest of what a decision's actions say. One that is delayed says nothing yet, else whoever asks would
    know at once where a threshold lies; a rule that rests says what it has said."""
    said = {verdict for action in reply.actions for verdict in _said(action, surface, now_ms)}
    said |= {
        "review" if hit.needs is not None else verdict_of_deed(hit.kind, hit.scope, surface)
        for hit in reply.hits
        if hit.effect == "cooldown" and hit.kind is not None
    }
    return next((verdict for verdict in _BY_WEIGHT if verdict in said), "allow")


def stronger(one: Verdict, other: Verdict) -> Verdict:
    """The stronger of two verdicts."""
    return next((verdict for verdict in _BY_WEIGHT if verdict in (one, other)), "allow")


def _said(action: ToldAction, surface: SurfaceSettings, now_ms: int) -> Iterator[Verdict]:
    if action.not_before_ms is None or action.not_before_ms <= now_ms:
        yield "review" if action.needs is not None else verdict_of_deed(action.kind, action.scope, surface)


def verdict_of_deed(kind: str, scope: str | None, surface: SurfaceSettings) -> Verdict:
    """What an action of this kind says on a surface."""
    if kind in surface.deny or (scope is not None and f"{kind} {scope}" in surface.deny):
        return "deny"
    return "challenge" if kind == "challenge" else "review" if kind == "review" else "allow"


def schemas() -> dict[str, Any]:
    """JSON Schemas of what is answered: `answer` and `refusal`."""
    (answer, refusal), definitions = msgspec.json.schema_components((Answer, Refusal), ref_template="#/$defs/{name}")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "oneOf": [answer, refusal],
        "$defs": definitions,
    }
