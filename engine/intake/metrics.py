"""What `floodgate intake` tells Prometheus. `docs/operators/observe.md` says what to do with it."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, ProcessCollector, generate_latest


class IntakeMetrics:
    """All of them, in a registry of their own."""

    def __init__(self, sources: Iterable[str] = ()) -> None:
        self.registry = registry = CollectorRegistry()
        self.events = Counter("floodgate_intake_events", "Events published", ["source"], registry=registry)
        self.repeated = Counter(
            "floodgate_intake_repeated", "Messages whose event was published before", ["source"], registry=registry
        )
        self.dead_letters = Counter(
            "floodgate_intake_dead_letters", "Messages that could not be used", ["source", "reason"], registry=registry
        )
        self.missed = Counter(
            "floodgate_intake_missed", "Messages that were gone before they were read", ["source"], registry=registry
        )
        self.lag = Gauge("floodgate_intake_lag", "Messages not yet taken in", ["source"], registry=registry)
        self.registry_away = Gauge(
            "floodgate_intake_registry_away_timestamp_seconds",
            "Since when the schema registry has not answered; 0 while it does", registry=registry,
        )  # fmt: skip
        ProcessCollector(registry=registry)
        for source in sources:
            for metric in (self.events, self.repeated, self.missed, self.lag):
                metric.labels(source)

    def expose(self) -> bytes:
        """All metrics in Prometheus' text format."""
        return generate_latest(self.registry)
