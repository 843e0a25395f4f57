"""Rollouts that wait for proof: a rule goes on to the next stage of its plan when it has been promoted to it.

Promotions travel on the rulebooks topic, a key for each rule. One is for a plan and the clauses that were judged: a
rule that is edited has to prove itself again.
"""

import time
from contextlib import suppress
from typing import Annotated

import msgspec

from engine.core.domain.rules import Rule, Rulebook
from engine.core.values.hashing import hash32
from engine.errors import RulebookError
from engine.settings import Settings
from engine.stream.control.rulebooks import accepted, scope_of
from engine.stream.handlers.messages import PROMOTED, NoteText
from engine.stream.kafka.records import send_one

IN_SHADOW = 1
"""The stage of every plan that nobody has to be promoted to; before it the plan has not begun."""


class Promotion(msgspec.Struct, frozen=True):
    """A rule may be at this stage of its plan, counted from 0. `plan`: which plan of which clauses is meant; `why`:
    what it was judged by."""

    stage: Annotated[int, msgspec.Meta(ge=0)]
    plan: int
    author: NoteText
    why: NoteText
    ts: int


Promotions = dict[str, Promotion]


def plan_key(rule: Rule) -> int:
    """Stands for a rule's plan and fingerprint."""
    return hash32(f"{rule.name} {rule.plan} {rule.fingerprint}")


def note_promotion(known: Promotions, key: str, value: bytes) -> None:
    """Keep a message of the topic. Raises RulebookError."""
    try:
        known[key.removeprefix(PROMOTED)] = msgspec.json.decode(value, type=Promotion)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:  # the second: a text that is not UTF-8
        raise RulebookError(f"this is no promotion: {error}", 1) from error


def held_back(rulebook: Rulebook, known: Promotions) -> Rulebook:
    """The rulebook with each rule at most at the stage that it has been promoted to, where it has to be."""
    return rulebook.holding({rule.name: _stage(rule, known) for rule in rulebook.rules if rule.gate is not None})


def read_promotions(settings: Settings) -> Promotions:
    """All promotions. Raises TopicError."""
    known: Promotions = {}
    for record in accepted(settings):
        key = record.key.decode("utf-8", "replace")
        if key.startswith(PROMOTED) and record.value:
            with suppress(RulebookError):  # the workers refuse it too
                note_promotion(known, key, record.value)
    return known


def promote(settings: Settings, rule: Rule, stage: int, author: str, why: str) -> None:
    """Let a rule go on to a stage. Raises PublishError."""
    promotion = Promotion(stage=stage, plan=plan_key(rule), author=author, why=why, ts=int(time.time() * 1_000))
    key, message = f"{PROMOTED}{rule.name}".encode(), msgspec.json.encode(promotion)
    send_one(settings, settings.topics.rulebooks, key, message, "the promotion", scope_of(key))


def _stage(rule: Rule, known: Promotions) -> int:
    promotion = known.get(rule.name)
    return promotion.stage if promotion is not None and promotion.plan == plan_key(rule) else IN_SHADOW


def next_stage(rule: Rule, known: Promotions, now_ms: int) -> int | None:
    """The stage to which a rule could be promoted now: the one after that at which it is held, once the clock has come
    to it, and the rule has been where it is for as long as its plan says. None: not yet, or it is at the last."""
    held = _stage(rule, known)
    if held + 1 >= len(rule.plan):
        return None
    begins = rule.plan[held + 1].from_ms
    if held > IN_SHADOW:
        begins = max(begins, known[rule.name].ts + begins - rule.plan[held].from_ms)
    return held + 1 if now_ms >= begins else None
