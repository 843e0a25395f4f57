"""The rules in use: what each does, how well, and how to stop it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import msgspec
import orjson
from sqlalchemy import Row
from starlette.responses import Response

from engine.console.following.control import Standing
from engine.console.store import rules as store
from engine.console.store.histories import find_notes
from engine.console.store.outgoing import enqueue
from engine.console.store.rules import DAY_MS, SHADOW, Hit, Judged
from engine.console.store.thresholds import Explored, explore
from engine.console.web.visits import Page, Visit, json_response
from engine.core.domain.actions import ActionTemplate
from engine.core.domain.rules import Rule
from engine.core.domain.units import duration_text, time_text
from engine.errors import RequestError
from engine.rulebook.tools.formatting import entries_called
from engine.stream.control.promotions import next_stage

KINDS = ("push", "pause", "resume", "promote")
"""What goes out of these pages."""

_SHOWN = 25
_OVERLAP_SAMPLE = 500


def show_rules(visit: Visit) -> Response:
    """All rules in use."""
    standing = visit.console.control.standing()
    with visit.store.read() as connection:
        until_ms = store.newest_ms(connection, visit.now_ms)
        counts = store.count_hits(connection, [rule.name for rule in standing.rules], until_ms - DAY_MS)
        judged = store.judge_hits(connection, until_ms - DAY_MS)
        waiting = store.on_their_way(connection, KINDS)
    return visit.page(
        "rules/rules.html",
        standing=standing,
        rules=[describe(rule, standing, counts, judged, until_ms) for rule in standing.rules],
        waiting=[_outgoing(row) for row in waiting],
        counted_to=store.COUNTED_TO,
        until_ms=until_ms,
        problem=visit.console.control.problem,
    )


def show_rule(visit: Visit) -> Response:
    """One rule: its source, hits, overlaps, thresholds."""
    standing = visit.console.control.standing()
    rule = find_rule(standing, visit.path["name"])
    with visit.store.read() as connection:
        until_ms = store.newest_ms(connection, visit.now_ms)
        hits = store.sample_hits(connection, rule.name, until_ms - DAY_MS)
        times, enforced, shadow, is_whole = store.hits_by_hour(connection, rule.name, until_ms)
        sampled = [hit.row.decision for hit in hits[:_OVERLAP_SAMPLE]]
        overlaps = store.overlaps(connection, sampled, rule.name)
        notes = find_notes(connection, "rule", rule.name)
        waiting = [row for row in map(_outgoing, store.on_their_way(connection, KINDS)) if row["rule"] == rule.name]
    series = [{"name": "enforced", "values": enforced}, {"name": "in shadow", "values": shadow}]
    return visit.page(
        "rules/rule.html",
        standing=standing,
        rule=rule,
        about=describe(rule, standing, {rule.name: len(hits)}, {rule.name: store.judged(hits)}, until_ms),
        by_mode=_by_mode(hits),
        sources=source_of(standing.sources, rule.name),
        chart={"times": times, "series": series},
        is_whole=is_whole,
        hits=hits[:_SHOWN],
        sampled=len(sampled),
        overlaps=overlaps,
        explored=explore(rule.clauses, hits),
        stage=_next_stage(rule, standing, visit.now_ms),
        notes=notes,
        waiting=waiting,
        most=store.MOST_SAMPLED,
        stops=[stop for stop in reversed(standing.stops) if stop.rule == rule.name],
        until_ms=until_ms,
    )


def list_rules(visit: Visit) -> Response:
    """All rules in use, as JSON."""
    standing = visit.console.control.standing()
    with visit.store.read() as connection:
        until_ms = store.newest_ms(connection, visit.now_ms)
        counts = store.count_hits(connection, [rule.name for rule in standing.rules], until_ms - DAY_MS)
        judged = store.judge_hits(connection, until_ms - DAY_MS)
    rules = [_document(describe(rule, standing, counts, judged, until_ms)) for rule in standing.rules]
    return json_response({"rulebook": standing.version.id if standing.version else None, "rules": rules})


def tell_rule(visit: Visit) -> Response:
    """One rule, as JSON."""
    standing = visit.console.control.standing()
    rule = find_rule(standing, visit.path["name"])
    with visit.store.read() as connection:
        until_ms = store.newest_ms(connection, visit.now_ms)
        hits = store.sample_hits(connection, rule.name, until_ms - DAY_MS)
    about = describe(rule, standing, {rule.name: len(hits)}, {rule.name: store.judged(hits)}, until_ms)
    return json_response(
        {
            **_document(about),
            "clauses": rule.clauses,
            "sources": source_of(standing.sources, rule.name),
            "thresholds": [_explored(one) for one in explore(rule.clauses, hits)],
            "newest_hits": [
                {"decision": hit.row.decision, "event_id": hit.row.event_id, "user_id": hit.row.user_id,
                 "ts": hit.row.ts, "effect": hit.row.effect, "label": hit.label} for hit in hits[:_SHOWN]
            ],
        }
    )  # fmt: skip


def pause(visit: Visit) -> Response:
    """Let a rule do nothing for now."""
    rule, standing = _asked(visit)
    if rule.name in standing.paused:
        raise RequestError(f"{rule.name} is paused already", 409)
    return _send(visit, "pause", "paused a rule", rule, f"{rule.name} is on its way to be paused on every worker.")


def resume(visit: Visit) -> Response:
    """Let a rule do again what its rulebook says."""
    rule, standing = _asked(visit)
    if rule.name not in standing.paused:
        raise RequestError(f"{rule.name} is not paused", 409)
    return _send(visit, "resume", "resumed a rule", rule, f"{rule.name} is on its way to be in use again.")


def promote(visit: Visit) -> Response:
    """Let a rule go on to the next stage of its plan."""
    rule, standing = _asked(visit)
    stage = _next_stage(rule, standing, visit.now_ms)
    if stage is None:
        raise RequestError(f"{rule.name} has no stage to which it could be promoted now", 409)
    said = f"{rule.name} is on its way to {rule.plan[stage].mode}."
    return _send(visit, "promote", "promoted a rule", rule, said, stage=stage)


def describe(
    rule: Rule, standing: Standing, counts: Mapping[str, int], judged: Mapping[str, Judged], now_ms: int
) -> dict[str, Any]:  # fmt: skip
    """What pages and the API say of a rule. `mode`: what it does now."""
    is_paused, verdicts = rule.name in standing.paused, judged.get(rule.name, Judged(0, 0))
    mode, share = mode_at(rule, now_ms)
    costs = standing.event_us
    budget = rule.budget
    return {
        "name": rule.name,
        "events": rule.events,
        "does": ", ".join(map(_deed, rule.deeds())),
        "mode": "paused" if is_paused else mode,
        "share": share if mode == "canary" else None,
        "paused": standing.paused.get(rule.name),
        "owner": str(rule.meta.get("owner", "")),
        "reason": rule.reason,
        "hits": counts.get(rule.name, 0),
        "precision": verdicts.precision,
        "budget": f"{budget.share:.2%} per {duration_text(budget.per_ms)}" if budget is not None else "",
        "cost_us": max((costs.get(kind, 0.0) for kind in rule.events), default=0.0),
        "expires_ms": rule.expires_ms,
        "expires": time_text(rule.expires_ms)[:10] if rule.expires_ms is not None else "",
        "is_expired": rule.expires_ms is not None and rule.expires_ms <= now_ms,
        "is_promoted": rule.name in standing.promotions and rule.gate is not None,
        "changed": standing.changes.get(rule.name),
    }


def mode_at(rule: Rule, ts_ms: int) -> tuple[str, float]:
    """The mode of a rule at a time, and on which share it acts."""
    if rule.expires_ms is not None and ts_ms >= rule.expires_ms:
        return SHADOW, 1.0
    begun = [stage for stage in rule.plan if stage.from_ms <= ts_ms]
    return (begun[-1].mode, begun[-1].share) if begun else (rule.mode, rule.share)


def find_rule(standing: Standing, name: str) -> Rule:
    """The rule of this name. Raises RequestError where none in use has it."""
    rule = next((rule for rule in standing.rules if rule.name == name), None)
    if rule is None:
        raise RequestError(f"the rulebook in use has no rule {name[:100]!r}", 404)
    return rule


def source_of(sources: Mapping[str, str], name: str) -> list[tuple[str, str]]:
    """What the files say of a name: file and lines."""
    return [(file, entry) for file, text in sources.items() for entry in entries_called(text, name)]


def _asked(visit: Visit) -> tuple[Rule, Standing]:
    standing = visit.console.control.standing()
    if not visit.text("note", most=500):
        raise RequestError("say why: the reason goes along")
    return find_rule(standing, visit.path["name"]), standing


def _send(visit: Visit, kind: str, verb: str, rule: Rule, said: str, **more: Any) -> Response:
    note = visit.text("note", most=500)
    with visit.store.write() as connection:
        enqueue(connection, kind, {"rule": rule.name, "note": note, **more}, visit.person.name, visit.now_ms)
        visit.note(connection, verb, f"rule:{rule.name}", note=note, **more)
    visit.console.control.expire()
    return visit.see("rule", said=said, name=rule.name)


def _next_stage(rule: Rule, standing: Standing, now_ms: int) -> int | None:
    if rule.gate is None or standing.rulebook is None:
        return None
    whole = next(one for one in standing.rulebook.rules if one.name == rule.name)  # with the stages that are held back
    return next_stage(whole, standing.promotions, now_ms)


def _by_mode(hits: Sequence[Hit]) -> list[tuple[str, int, Judged]]:
    """What was enforced, beside what was in shadow."""
    parts = {"enforced": False, "in shadow": True}
    chosen = {title: [hit for hit in hits if (hit.row.effect == SHADOW) is wanted] for title, wanted in parts.items()}
    return [(title, len(some), store.judged(some)) for title, some in chosen.items()]


def _deed(then: ActionTemplate) -> str:
    lasts = f" for {duration_text(then.for_ms)}" if then.for_ms is not None else ""
    return f"{then.kind} {then.target}{lasts}"


def _outgoing(row: Row[Any]) -> dict[str, Any]:
    payload = orjson.loads(row.payload)
    return {"kind": row.kind, "author": row.author, "state": row.state, "error": row.error or "",
            "rule": payload.get("rule", ""), "note": payload.get("note", "")}  # fmt: skip


def _document(about: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **about,
        "precision": msgspec.to_builtins(about["precision"]),
        "paused": msgspec.to_builtins(about["paused"]),
        "changed": asdict(about["changed"]) if about["changed"] else None,
    }


def _explored(one: Explored) -> dict[str, Any]:
    steps = [{"threshold": step.threshold, "met": step.met, "spam": step.judged.spam, "ham": step.judged.ham}
             for step in one.steps]  # fmt: skip
    return {"clause": one.clause, "steps": steps, "unknown": one.unknown}


_NAME = {"name": "the rule"}

PAGES = (
    Page("/rules", "rules", show_rules),
    Page("/api/rules", "api_rules", list_rules, is_api=True, summary="The rules in use"),
    Page("/api/rules/{name}", "api_rule", tell_rule, is_api=True, summary="One rule in use"),
    Page("/rules/{name}", "rule", show_rule),
    Page("/rules/{name}/pause", "rule_pause", pause, "POST"),
    Page("/rules/{name}/resume", "rule_resume", resume, "POST"),
    Page("/rules/{name}/promote", "rule_promote", promote, "POST"),
)
