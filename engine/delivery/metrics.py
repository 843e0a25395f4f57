"""What `floodgate deliver` tells Prometheus. `docs/operators/observe.md` says what to do with it."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

from engine.stream.handlers.metrics import BATCH_SECONDS, DELAY_SECONDS

OUTCOMES = ("delivered", "known", "not_asked_for", "passed_over", "set_aside")


class DeliveryMetrics:
    """All of them, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.actions = Counter(
            "floodgate_delivery_actions", "Messages that are done with", ["receiver", "outcome"], registry=registry
        )
        self.failures = Counter(
            "floodgate_delivery_failures", "Requests that were not taken", ["receiver", "status"], registry=registry
        )
        self.seconds = Histogram(
            "floodgate_delivery_seconds", "From a request to its answer", ["receiver"],
            buckets=(*BATCH_SECONDS, 5, 10), registry=registry,
        )  # fmt: skip
        self.delay = Histogram(
            "floodgate_delivery_delay_seconds", "From an action's record until it was taken", ["receiver"],
            buckets=DELAY_SECONDS, registry=registry,
        )  # fmt: skip
        self.lag = Gauge("floodgate_delivery_lag", "Messages not yet done with", ["receiver"], registry=registry)
        self.aside = Gauge(
            "floodgate_delivery_set_aside", "Actions that the receiver does not take", ["receiver"], registry=registry
        )
        self.failing_since = Gauge(
            "floodgate_delivery_failing_since_timestamp_seconds",
            "Since when the receiver has taken nothing it was sent; 0 while it does", ["receiver"], registry=registry,
        )  # fmt: skip
        self.missed = Counter(
            "floodgate_delivery_missed", "Messages that were gone before they were read", ["receiver"],
            registry=registry,
        )  # fmt: skip
        ProcessCollector(registry=registry)

    def expect(self, receiver: str) -> None:
        """Begin at 0 what a receiver may bring about."""
        for outcome in OUTCOMES:
            self.actions.labels(receiver, outcome)
        for metric in (self.missed, self.lag, self.aside, self.failing_since):
            metric.labels(receiver)

    def expose(self) -> bytes:
        """All metrics in Prometheus' text format."""
        return generate_latest(self.registry)
