"""How far a rule goes at which time: its mode, its plan, its last day, its budget."""

import re
from datetime import UTC, datetime

from engine.core.domain.decisions import Mode
from engine.core.domain.rules import Budget, Stage
from engine.core.state.entities import MAX_WINDOW_MS
from engine.rulebook.language import rule_schema
from engine.rulebook.language.diagnostics import Diagnostics
from engine.rulebook.language.reading import choice, duration, read_mapping
from engine.rulebook.language.source import Node

_CANARY = re.compile(r"canary (\d+(?:\.\d+)?)%")
_GATE = re.compile(r"precision_lcb >= (0\.\d+)")
_SHARE = re.compile(r"(\d+(?:\.\d+)?)%")


def read_expiry(node: Node, report: Diagnostics) -> int | None:
    """The first moment at which the rule does not act any more."""
    try:
        day = datetime.strptime(node.text or "", "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        message = f"`expires` is a day, this is {node.kind}: the rule does not expire"
        report.warning(node.span, message, "for example 2027-06-01")
        return None
    return int(day.timestamp() * 1_000)


def read_mode(node: Node, report: Diagnostics) -> tuple[Mode, float]:
    """The mode, and of a canary its share."""
    match = _CANARY.fullmatch(node.text or "")
    if match is not None and 0 < float(match[1]) < 100:
        return "canary", float(match[1]) / 100
    if (node.text or "").startswith("canary"):
        report.error(node.span, "a canary needs its share of entities", "for example `canary 5%`; above 0, below 100")
        return "shadow", 1.0
    return ("shadow" if choice(node, rule_schema.MODES, "`mode`", report) == "shadow" else "enforce"), 1.0


def read_plan(node: Node, report: Diagnostics) -> tuple[Stage, ...]:
    """The stages of a rollout, in the order of their times: in shadow before it begins and for a while after, then as
    a canary; after these a rule acts."""
    keys = read_mapping(node, rule_schema.PLAN, "`plan`", report)
    shadow_ms = duration(keys["shadow"], report) or 0 if "shadow" in keys else 0
    canary_ms = duration(keys["canary_for"], report) or 0 if "canary_for" in keys else 0
    share = read_share(keys["canary"], "`canary`", report) if "canary" in keys else None
    if ("canary" in keys) != ("canary_for" in keys):
        report.error(node.span, "`canary` and `canary_for` go together", "{…, canary: 10%, canary_for: 24h}")
    from_ms = _moment(keys["from"], report) if "from" in keys else None
    if from_ms is None:
        return ()
    stages = [
        Stage(0, "shadow"),
        Stage(from_ms, "shadow"),
        Stage(from_ms + shadow_ms + canary_ms, "enforce"),
    ]
    if share is not None:
        stages.insert(2, Stage(from_ms + shadow_ms, "canary", share))
    return tuple(stages)


def read_gate(node: Node, report: Diagnostics) -> float | None:
    """The precision that a rule has to prove before the next stage of its plan; None where it has not."""
    written = (node.entries or {}).get("promote_if")
    if written is None:
        return None
    match = _GATE.fullmatch(written.text or "")
    if match is None or not 0 < float(match[1]) < 1:
        message = f"`promote_if` is about the lower bound of the precision, this is {written.kind}"
        report.error(written.span, message, "for example precision_lcb >= 0.95")
        return None
    return float(match[1])


def _moment(node: Node, report: Diagnostics) -> int | None:
    try:
        moment = datetime.fromisoformat(node.text or "")
    except ValueError:
        report.error(node.span, f"`from` is a moment, this is {node.kind}", "for example 2027-06-01T10:00")
        return None
    return int((moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp() * 1_000)


def read_budget(node: Node, report: Diagnostics) -> Budget | None:
    """How many users a rule may act on. Its key is the fingerprint's (`fingerprints.py`)."""
    keys = read_mapping(node, rule_schema.BUDGET, "`budget`", report)
    share = read_share(keys["max"], "`max`", report) if "max" in keys else None
    per_ms = duration(keys["per"], report) if "per" in keys else None
    then = (
        choice(keys["if_exceeded"], rule_schema.IF_EXCEEDED, "`if_exceeded`", report) if "if_exceeded" in keys else None
    )
    if per_ms is not None and per_ms > MAX_WINDOW_MS:
        report.error(keys["per"].span, f"a budget is for at most {MAX_WINDOW_MS // 86_400_000}d")
        return None
    if share is None or per_ms is None:
        return None
    return Budget(share, per_ms, then == rule_schema.UNLESS_BEFORE, 0)


def read_share(node: Node, title: str, report: Diagnostics) -> float | None:
    """A share above 0 and below 1, written with a per cent sign."""
    match = _SHARE.fullmatch(node.text or "")
    if match is None or not 0 < float(match[1]) < 100:
        report.error(node.span, f"{title} is a share, this is {node.kind}", "for example 0.2%; above 0, below 100")
        return None
    return float(match[1]) / 100
