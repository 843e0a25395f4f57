"""What `floodgate export` tells Prometheus. `docs/operators/observe.md` says what to do with it."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, ProcessCollector, generate_latest


class ExportMetrics:
    """All of them, in a registry of their own."""

    def __init__(self, tables: Iterable[str] = ()) -> None:
        self.registry = registry = CollectorRegistry()
        self.rows = Counter("floodgate_export_rows", "Rows in files", ["table"], registry=registry)
        self.files = Counter("floodgate_export_files", "Files written", ["table"], registry=registry)
        self.passed_over = Counter(
            "floodgate_export_passed_over", "Messages that are not the engine's own", ["table"], registry=registry
        )
        self.missed = Counter(
            "floodgate_export_missed", "Messages that were gone before they were read", ["table"], registry=registry
        )
        self.lag = Gauge("floodgate_export_lag", "Messages not yet in a file", ["table"], registry=registry)
        self.failing_since = Gauge(
            "floodgate_export_failing_since_timestamp_seconds", "Since when nothing can be written; 0 while it can",
            registry=registry,
        )  # fmt: skip
        ProcessCollector(registry=registry)
        for table in tables:
            for metric in (self.rows, self.files, self.passed_over, self.missed, self.lag):
                metric.labels(table)

    def expose(self) -> bytes:
        """All metrics in Prometheus' text format."""
        return generate_latest(self.registry)
