"""Metrics of the stage before `events`: a worker's, and what is about enrichers."""

from typing import Any

from prometheus_client import Counter, Histogram

from engine.stream.handlers.metrics import Metrics

_SECONDS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


_REASONS = ("timeout", "busy", "failed", "resting", "crashed", "too_much_memory", "too_much_found")
"""Those that any enricher may have."""

MOST_REASONS = 40
OTHERS = "others"


class EnrichMetrics(Metrics):
    """All metrics of one worker of the stage."""

    def __init__(self) -> None:
        super().__init__()
        self._reasons: dict[str, set[str]] = {}
        self.forwarded = Counter("floodgate_enriched_events", "Events that went on to `events`", registry=self.registry)
        self.repeated = Counter(
            "floodgate_enriched_events_repeated", "Events that had gone on before, and were skipped",
            registry=self.registry,
        )  # fmt: skip
        self.enricher_answers = Counter(
            "floodgate_enricher_answers", "What enrichers answered: `found` or `nothing`", ["enricher", "answer"],
            registry=self.registry,
        )  # fmt: skip
        self._enricher_missing = Counter(
            "floodgate_enricher_missing", "Events about which an enricher could not tell", ["enricher", "reason"],
            registry=self.registry,
        )  # fmt: skip
        self.enricher_seconds = Histogram(
            "floodgate_enricher_seconds", "From asking an enricher about an event until its answer", ["enricher"],
            buckets=_SECONDS, registry=self.registry,
        )  # fmt: skip

    def tellings(self) -> dict[str, dict[str, Any]]:
        """What `/readyz` says of each enricher: how often it was asked, how long that took, how often it could not tell
        and why."""
        told: dict[str, dict[str, Any]] = {}
        for sample in (sample for metric in self.enricher_seconds.collect() for sample in metric.samples):
            if sample.name.endswith(("_count", "_sum")):
                of = told.setdefault(sample.labels["enricher"], {"asked": 0, "seconds": 0.0, "missing": {}})
                of["asked" if sample.name.endswith("_count") else "seconds"] += sample.value
        for sample in (sample for metric in self._enricher_missing.collect() for sample in metric.samples):
            if sample.name.endswith("_total") and sample.labels["enricher"] in told:
                told[sample.labels["enricher"]]["missing"][sample.labels["reason"]] = int(sample.value)
        for of in told.values():
            of |= {"asked": int(of["asked"]), "seconds": round(of["seconds"], 3)}
        return told

    def note_missing(self, enricher: str, reason: str) -> None:
        """Count an event about which an enricher could not tell. Its process may have been taken over by what it read,
        and answer any reason: so many different ones have a label, the others share one."""
        known = self._reasons.setdefault(enricher, set(_REASONS))
        if len(known) < MOST_REASONS:
            known.add(reason)
        self._enricher_missing.labels(enricher, reason if reason in known else OTHERS).inc()
