"""On whom rules do not act, or not at once: arms of experiments, and what keeps thresholds from being found."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from engine.core.domain.rules import Arm
from engine.core.domain.units import DURATION_MS, duration_ms
from engine.rulebook.language import rule_schema
from engine.rulebook.language.diagnostics import Diagnostics, Span
from engine.rulebook.language.reading import read_mapping
from engine.rulebook.language.source import Node
from engine.rulebook.sections.rollout import read_share

_WHOLE = 1 + 1e-9
"""Shares that are written with decimals may add up to a little more than 1."""


class DeclaredArm(NamedTuple):
    """The arm of a rule, as it says so itself."""

    name: str
    share: float
    span: Span


class Uncertainty(NamedTuple):
    """What keeps a rule's thresholds from being found: as a rule has `spares` and `delays_ms`."""

    spares: float = 0.0
    delays_ms: tuple[int, int] = (0, 0)


def read_arm(node: Node, report: Diagnostics) -> DeclaredArm | None:
    """The arm in which alone a rule acts."""
    keys = read_mapping(node, rule_schema.ARM, "`arm`", report)
    share = read_share(keys["share"], "`share`", report) if "share" in keys else None
    name = keys["name"].text if "name" in keys else None
    if "name" in keys and not name:
        report.error(keys["name"].span, f"an arm has a name, this is {keys['name'].kind}", "for example strict")
    return DeclaredArm(name, share, node.span) if name and share is not None else None


def place_arms(arms: Iterable[DeclaredArm], holdout: float, report: Diagnostics) -> Mapping[str, Arm]:
    """The arms of all rules beside one another, by their names, and the holdout at the end."""
    shares: dict[str, DeclaredArm] = {}
    for arm in arms:
        known = shares.setdefault(arm.name, arm)
        if known.share != arm.share:
            message = f"arm `{arm.name}` has a share of {known.share:.2%} in another rule"
            report.error(arm.span, message, "an arm is the same for all of its rules")
    placed, begin = dict[str, Arm](), 0.0
    for name in sorted(shares):
        placed[name] = Arm(name, begin, begin + shares[name].share)
        begin += shares[name].share
        if begin + holdout > _WHOLE:
            report.error(shares[name].span, "the shares of all arms and the holdout are more than 100 %")
            break
    return placed


def read_uncertainty(node: Node, report: Diagnostics) -> Uncertainty:
    """On which share of all a rule acts, and how long whoever enforces waits."""
    keys = read_mapping(node, rule_schema.ENFORCE, "`enforce`", report)
    share = read_share(keys["share"], "`share`", report) if "share" in keys else None
    delays_ms = _read_delays(keys["delay"], report) if "delay" in keys else None
    return Uncertainty(1 - share if share is not None else 0.0, delays_ms or (0, 0))


def _read_delays(node: Node, report: Diagnostics) -> tuple[int, int] | None:
    parts = [duration_ms(part) for part in (node.text or "").split("..")]
    least, most = parts[0], parts[-1]
    if least is None or most is None or len(parts) > 2 or least > most:
        report.error(node.span, f"`delay` is a duration, or a range of two; this is {node.kind}", "for example 5m..2h")
        return None
    if most > rule_schema.MAX_DELAY_MS:
        report.error(node.span, f"a delay is at most {rule_schema.MAX_DELAY_MS // DURATION_MS['d']}d long")
    return least, most
