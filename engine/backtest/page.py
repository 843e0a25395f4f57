"""A comparison as one HTML page that needs nothing else: no scripts, no fonts, no pictures from elsewhere."""

from collections.abc import Iterable, Sequence
from html import escape

from engine.backtest.comparison import Comparison, Overlap, RuleReport
from engine.backtest.text import about, named, share_text
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


def page(comparison: Comparison, title: str) -> str:
    """The page."""
    parts = [
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{escape(title)}</title><style>{_STYLE}</style>",
        f"<h1>{escape(title)}</h1><p class=dim>{_time(comparison.first_ms)} to {_time(comparison.last_ms)} "
        f"(event time, UTC); rulebook {escape(comparison.rulebook)}"
        + (f", compared with {escape(comparison.against)}</p>" if comparison.against is not None else "</p>"),
        f"<pre>{escape(chr(10).join(comparison.changes))}</pre>" if comparison.changes else "",
        _numbers(comparison), "<h2>Rules</h2>", _rules(comparison),
    ]  # fmt: skip
    never = [[escape(rule.rule), escape(str(absence))] for rule in comparison.rules for absence in rule.never]
    if never:
        parts += ["<h2>Rules that never fired</h2>", _table(["rule", "as"], never)]
    if comparison.against is not None:
        for concerned in comparison.concerned:
            parts += [
                _whom(f"Newly acted on: {concerned.newly_count:,} {named(concerned.kind)}", concerned.newly,
                      concerned.newly_count),
                _whom(f"No longer acted on: {concerned.no_longer_count:,} {named(concerned.kind)}", concerned.no_longer,
                      concerned.no_longer_count),
            ]  # fmt: skip
    parts += [_rule(rule, comparison) for rule in comparison.rules if rule.met or any(rule.met_by_step_before)]
    if comparison.overlaps:
        parts += ["<h2>Rules that meet the same events</h2>", _overlaps(comparison.overlaps)]
    return "\n".join(parts) + "\n"


def _numbers(comparison: Comparison) -> str:
    boxes = [("events", f"{comparison.events:,}"), ("labelled events", f"{comparison.labelled:,}")]
    for concerned in comparison.concerned:
        share = f"{concerned.acted_on:,} <small>{concerned.share_acted_on:.2%}</small>"
        boxes += [
            (f"active {named(concerned.kind)}", f"{concerned.active:,}"),
            (f"{named(concerned.kind)} acted on", share),
        ]
        if concerned.acted_on_before is not None:
            boxes += [("before", f"{concerned.acted_on_before:,}"), ("newly acted on", f"{concerned.newly_count:,}"),
                      ("no longer", f"{concerned.no_longer_count:,}")]  # fmt: skip
    refused = sum(comparison.dead_letters.values())
    if refused:
        boxes.append(("could not be used", f"{refused:,}"))
    return (
        "<div class=numbers>" + "".join(f"<div><b>{value}</b>{escape(name)}</div>" for name, value in boxes) + "</div>"
    )


def _rules(comparison: Comparison) -> str:
    compared = comparison.against is not None
    head = ["rule", "mode", "met", *(["before", "newly", "no longer"] if compared else []), "acted", "whom",
            "precision", "recall"]  # fmt: skip
    rows = []
    for report in comparison.rules:
        before = ["new" if report.before is None else f"{report.before:,}", f"{report.newly_met:,}",
                  f"{report.no_longer_met:,}"]  # fmt: skip
        cells = [escape(report.rule), report.mode, f"{report.met:,}", *(before if compared else []),
                 f"{report.acted:,}", escape(about(report)), share_text(report.precision),
                 share_text(report.recall)]  # fmt: skip
        rows.append(cells)
    rows += [[escape(rule), "gone", *["-"] * (len(head) - 2)] for rule in comparison.removed]
    return _table(head, rows, numbers=range(2, len(head)))


def _table(head: Iterable[str], rows: Iterable[Iterable[str]], numbers: range = range(0)) -> str:
    def row(cells: Iterable[str], tag: str) -> str:
        return "".join(f"<{tag}{' class=n' * (place in numbers)}>{cell}</{tag}>" for place, cell in enumerate(cells))

    return f"<table><tr>{row(head, 'th')}</tr>" + "".join(f"<tr>{row(cells, 'td')}</tr>" for cells in rows) + "</table>"


def _whom(head: str, whom: dict[str, str], count: int) -> str:
    listed = ", ".join(f"{escape(name)} <small>{escape(rule)}</small>" for name, rule in whom.items())
    left = f" and {count - len(whom):,} more" if count > len(whom) else ""
    shown = f"<details><summary>who</summary><p>{listed or 'nobody'}{left}</p></details>"
    return f"<h2>{escape(head)}</h2>{shown}"


def _rule(rule: RuleReport, comparison: Comparison) -> str:
    shown = rule.samples[:: -(-len(rule.samples) // _SHOWN)] if rule.samples else []
    more = f"<details><summary>all {len(rule.samples)} samples</summary>{_samples(rule.samples)}</details>"
    samples = _samples(shown) + (more if len(shown) < len(rule.samples) else "")
    return f"<h2>{escape(rule.rule)}</h2>{_picture(rule, comparison)}{samples}"


def _samples(samples: Sequence[Sample]) -> str:
    rows = [[_time(sample.ts_ms), escape(sample.user_id), escape(sample.event_id), escape(sample.text), _why(sample),
             _truth(sample.spam)] for sample in samples]  # fmt: skip
    return _table(["when", "user", "event", "text", "why", "label"], rows) if rows else ""


def _why(sample: Sample) -> str:
    more = f"<br><small>{escape(sample.counterfactual)}</small>" if sample.counterfactual else ""
    return escape(sample.why) + more


def _truth(spam: bool | None) -> str:
    return "<span class=dim>none</span>" if spam is None else f"<b class={_word(spam)}>{_word(spam)}</b>"


def _word(spam: bool) -> str:
    return "spam" if spam else "ham"


def _picture(rule: RuleReport, comparison: Comparison) -> str:
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
    hours = comparison.step_ms // 3_600_000
    legend = f"events met {'an hour' if hours == 1 else f'in {hours} hours'}, at most {most:,}"
    if old:
        legend += "; blue: now, orange: before"
    return (
        f'<svg viewBox="0 0 {len(new)} {_HEIGHT}" preserveAspectRatio="none" role="img" aria-label="{legend}">'
        f'<g class="new">{bars}</g>{line}</svg>{_axis(len(new), comparison)}<small>{legend}</small>'
    )


def _axis(steps: int, comparison: Comparison) -> str:
    """The times below a picture: of its beginning, its end, and some between."""
    first_ms = comparison.first_ms // HOUR_MS * HOUR_MS
    marks = sorted({round(steps * place / _MARKS) for place in range(_MARKS + 1)})
    times = (f"<span>{_time(first_ms + mark * comparison.step_ms)}</span>" for mark in marks)
    return f"<div class=axis>{''.join(times)}</div>"


def _overlaps(overlaps: list[Overlap]) -> str:
    rows = [
        [escape(overlap.rules[0]), escape(overlap.rules[1]), f"{overlap.events:,}", f"{overlap.share:.0%}"]
        for overlap in overlaps
    ]
    return _table(["rule", "rule", "events", "of the rarer one's"], rows, numbers=range(2, 4))


def _time(ts_ms: int) -> str:
    return time_text(ts_ms)[: len("2026-03-02 07:00")]
