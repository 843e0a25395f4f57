"""A comparison as one HTML page that needs nothing else: no scripts, no fonts, no pictures from elsewhere."""

from collections.abc import Iterable, Sequence
from html import escape

from engine.backtest.comparison import Comparison, Overlap, RuleReport
from engine.backtest.text import about, named, told
from engine.backtest.trial import HOUR_MS, Sample
from engine.core.domain.units import time_text

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1c2430; max-width: 1060px; margin: 2em auto; padding: 0 1em }
h1 { font-size: 1.5em } h2 { font-size: 1.15em; margin-top: 2em } small, .dim { color: #667 }
table { border-collapse: collapse; width: 100% } th { text-align: left; font-weight: 600; color: #556 }
th, td { padding: .3em .7em; border-bottom: 1px solid #e3e6eb; vertical-align: top }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums }
.numbers { display: flex; gap: 1em; flex-wrap: wrap } .numbers div { background: #f4f6f9; border-radius: 8px;
padding: .7em 1.1em; min-width: 9em } .numbers b { display: block; font-size: 1.5em }
.spam { color: #b3261e } .ham { color: #1b6e3c } svg { width: 100%; height: 90px; display: block }
.new { fill: #3b6fd4 } .old { fill: none; stroke: #d9822b; stroke-width: 2; vector-effect: non-scaling-stroke }
.axis { display: flex; justify-content: space-between; font-size: .8em; color: #667 }
summary { cursor: pointer } pre { background: #f4f6f9; border-radius: 8px; padding: .7em 1.1em }
"""
_HEIGHT = 90
_MARKS = 4
_SHOWN = 5
"""Samples that are seen at once; the others on demand."""


def page(found: Comparison, title: str) -> str:
    """The page."""
    parts = [
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{escape(title)}</title><style>{_STYLE}</style>",
        f"<h1>{escape(title)}</h1><p class=dim>{_time(found.first_ms)} to {_time(found.last_ms)} (event time, UTC); "
        f"rulebook {escape(found.rulebook)}"
        + (f", compared with {escape(found.against)}</p>" if found.against is not None else "</p>"),
        f"<pre>{escape(chr(10).join(found.changes))}</pre>" if found.changes else "",
        _numbers(found), "<h2>Rules</h2>", _rules(found),
    ]  # fmt: skip
    never = [[escape(rule.rule), escape(str(one))] for rule in found.rules for one in rule.never]
    if never:
        parts += ["<h2>Rules that never fired</h2>", _table(["rule", "as"], never)]
    if found.against is not None:
        for one in found.concerned:
            parts += [
                _whom(f"Newly acted on: {one.newly_count:,} {named(one.kind)}", one.newly, one.newly_count),
                _whom(f"No longer acted on: {one.no_longer_count:,} {named(one.kind)}", one.no_longer,
                      one.no_longer_count),
            ]  # fmt: skip
    parts += [_rule(rule, found) for rule in found.rules if rule.met or any(rule.met_by_step_before)]
    if found.overlaps:
        parts += ["<h2>Rules that meet the same events</h2>", _overlaps(found.overlaps)]
    return "\n".join(parts) + "\n"


def _numbers(found: Comparison) -> str:
    boxes = [("events", f"{found.events:,}"), ("labelled events", f"{found.labelled:,}")]
    for one in found.concerned:
        share = f"{one.acted_on:,} <small>{one.share_acted_on:.2%}</small>"
        boxes += [(f"active {named(one.kind)}", f"{one.active:,}"), (f"{named(one.kind)} acted on", share)]
        if one.acted_on_before is not None:
            boxes += [("before", f"{one.acted_on_before:,}"), ("newly acted on", f"{one.newly_count:,}"),
                      ("no longer", f"{one.no_longer_count:,}")]  # fmt: skip
    refused = sum(found.dead_letters.values())
    if refused:
        boxes.append(("could not be used", f"{refused:,}"))
    return (
        "<div class=numbers>" + "".join(f"<div><b>{value}</b>{escape(name)}</div>" for name, value in boxes) + "</div>"
    )


def _rules(found: Comparison) -> str:
    compared = found.against is not None
    head = ["rule", "mode", "met", *(["before", "newly", "no longer"] if compared else []), "acted", "whom",
            "precision", "recall"]  # fmt: skip
    rows = []
    for one in found.rules:
        before = ["new" if one.before is None else f"{one.before:,}", f"{one.newly_met:,}", f"{one.no_longer_met:,}"]
        cells = [escape(one.rule), one.mode, f"{one.met:,}", *(before if compared else []), f"{one.acted:,}",
                 escape(about(one)), told(one.precision), told(one.recall)]  # fmt: skip
        rows.append(cells)
    rows += [[escape(rule), "gone", *["-"] * (len(head) - 2)] for rule in found.removed]
    return _table(head, rows, numbers=range(2, len(head)))


def _table(head: Iterable[str], rows: Iterable[Iterable[str]], numbers: range = range(0)) -> str:
    def row(cells: Iterable[str], tag: str) -> str:
        return "".join(f"<{tag}{' class=n' * (place in numbers)}>{cell}</{tag}>" for place, cell in enumerate(cells))

    return f"<table><tr>{row(head, 'th')}</tr>" + "".join(f"<tr>{row(one, 'td')}</tr>" for one in rows) + "</table>"


def _whom(head: str, whom: dict[str, str], count: int) -> str:
    listed = ", ".join(f"{escape(one)} <small>{escape(rule)}</small>" for one, rule in whom.items())
    left = f" and {count - len(whom):,} more" if count > len(whom) else ""
    shown = f"<details><summary>who</summary><p>{listed or 'nobody'}{left}</p></details>"
    return f"<h2>{escape(head)}</h2>{shown}"


def _rule(rule: RuleReport, found: Comparison) -> str:
    shown = rule.samples[:: -(-len(rule.samples) // _SHOWN)] if rule.samples else []
    more = f"<details><summary>all {len(rule.samples)} samples</summary>{_samples(rule.samples)}</details>"
    samples = _samples(shown) + (more if len(shown) < len(rule.samples) else "")
    return f"<h2>{escape(rule.rule)}</h2>{_picture(rule, found)}{samples}"


def _samples(samples: Sequence[Sample]) -> str:
    rows = [[_time(one.ts_ms), escape(one.user_id), escape(one.event_id), escape(one.text), _why(one),
             _truth(one.spam)] for one in samples]  # fmt: skip
    return _table(["when", "user", "event", "text", "why", "label"], rows) if rows else ""


def _why(sample: Sample) -> str:
    more = f"<br><small>{escape(sample.counterfactual)}</small>" if sample.counterfactual else ""
    return escape(sample.why) + more


def _truth(spam: bool | None) -> str:
    return "<span class=dim>none</span>" if spam is None else f"<b class={_word(spam)}>{_word(spam)}</b>"


def _word(spam: bool) -> str:
    return "spam" if spam else "ham"


def _picture(rule: RuleReport, found: Comparison) -> str:
    """Events met over time: bars now, a line before."""
    new, old = rule.met_by_step, rule.met_by_step_before
    most = max([1, *new, *old])
    bars = "".join(
        f'<rect x="{place + 0.08}" width="0.84" y="{_HEIGHT * (1 - count / most):.1f}" '
        f'height="{_HEIGHT * count / most:.1f}"/>' for place, count in enumerate(new) if count
    )  # fmt: skip
    points = " ".join(
        f"{place},{_HEIGHT * (1 - count / most):.1f} {place + 1},{_HEIGHT * (1 - count / most):.1f}"
        for place, count in enumerate(old)
    )
    line = f'<polyline class="old" points="{points}"/>' if old else ""
    hours = found.step_ms // 3_600_000
    legend = f"events met {'an hour' if hours == 1 else f'in {hours} hours'}, at most {most:,}"
    if old:
        legend += "; blue: now, orange: before"
    return (
        f'<svg viewBox="0 0 {len(new)} {_HEIGHT}" preserveAspectRatio="none" role="img" aria-label="{legend}">'
        f'<g class="new">{bars}</g>{line}</svg>{_axis(len(new), found)}<small>{legend}</small>'
    )


def _axis(steps: int, found: Comparison) -> str:
    """The times below a picture: of its beginning, its end, and some between."""
    first_ms = found.first_ms // HOUR_MS * HOUR_MS
    marks = sorted({round(steps * place / _MARKS) for place in range(_MARKS + 1)})
    times = (f"<span>{_time(first_ms + one * found.step_ms)}</span>" for one in marks)
    return f"<div class=axis>{''.join(times)}</div>"


def _overlaps(overlaps: list[Overlap]) -> str:
    rows = [[escape(one.rules[0]), escape(one.rules[1]), f"{one.events:,}", f"{one.share:.0%}"] for one in overlaps]
    return _table(["rule", "rule", "events", "of the rarer one's"], rows, numbers=range(2, 4))


def _time(ts_ms: int) -> str:
    return time_text(ts_ms)[: len("2026-03-02 07:00")]
