"""Counters begin at 0 for what a rulebook may bring about: Prometheus tells no increase of one first seen at 1."""

from engine.core.domain.decisions import Effect
from engine.rulebook.compiler import load_rulebook
from engine.stream.handlers.metrics import Metrics

RULES = """
version: 1
models:
  spam: {texts: [text], min_labels: 1}
ladders:
  usual: {decay: 30d, steps: [{at: 1, warn: flood}, {at: 3, suspend: user, for: 1d}]}
fields: {text: text}
rules:
  plain: {event: post, when: [score.spam > 0.9], then: {flag: x}}
  climbs: {event: post, when: [score.spam > 0.5], then: {ladder: usual}}
"""


def test_what_may_happen_is_counted_from_nothing() -> None:
    metrics = Metrics()
    metrics.expect(load_rulebook({"rules.yaml": RULES}))

    def value(name: str, **labels: str) -> float | None:
        return metrics.registry.get_sample_value(f"floodgate_{name}_total", labels)

    kinds = (("plain", "flag"), ("climbs", "warn"), ("climbs", "suspend"))
    assert {value("actions", rule=rule, kind=kind) for rule, kind in kinds} == {0}
    assert value("actions", rule="climbs", kind="strike") is None
    effects = Effect.__args__  # type: ignore[attr-defined]  # of a Literal
    assert {value("rule_hits", rule=rule, effect=effect) for rule in ("plain", "climbs") for effect in effects} == {0}
    assert {value("model_drift", model="spam", of=of) for of in ("loss", "scores")} == {0}
    assert value("examples_learned", model="spam") == 0


def test_what_counts_nothing_leaves_no_trace_and_what_counts_is_added_up() -> None:
    metrics = Metrics()
    for amount in (0, 2, 0, 3):
        metrics.late.inc(amount)
        metrics.scores.labels("yes").inc(amount)
    metrics.scores.labels("no").inc(0)
    values = [metrics.registry.get_sample_value(f"floodgate_{name}_total", labels) for name, labels in (
        ("events_late", {}), ("scores", {"known": "yes"}), ("scores", {"known": "no"}),
    )]  # fmt: skip
    assert values == [5, 5, 0]


def test_a_candidates_metrics_have_its_name() -> None:
    metrics = Metrics("blue")
    metrics.actions.labels("flood", "limit").inc()
    metrics.late.inc(3)
    page = metrics.expose().decode()
    assert 'floodgate_actions_total{candidate="blue",kind="limit",rule="flood"} 1.0' in page
    assert 'floodgate_events_late_total{candidate="blue"} 3.0' in page
    assert "candidate" not in Metrics().expose().decode()
