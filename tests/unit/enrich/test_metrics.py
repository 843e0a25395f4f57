"""What a worker of the stage tells of its enrichers."""

from engine.enrich.metrics import EnrichMetrics
from engine.stream.handlers.metrics import Metrics


def test_how_often_each_was_asked_how_long_it_took_and_what_it_could_not_tell() -> None:
    metrics = EnrichMetrics()
    assert metrics.tellings() == Metrics().tellings() == {}
    for seconds in (0.25, 0.5):
        metrics.enricher_seconds.labels("phones").observe(seconds)
    for reason in ("busy", "busy", "timeout"):
        metrics.note_missing("phones", reason)
    metrics.enricher_seconds.labels("faces").observe(1)
    assert metrics.tellings() == {
        "phones": {"asked": 2, "seconds": 0.75, "missing": {"busy": 2, "timeout": 1}},
        "faces": {"asked": 1, "seconds": 1.0, "missing": {}},
    }
