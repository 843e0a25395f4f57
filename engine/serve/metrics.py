"""What `floodgate serve` tells Prometheus. `docs/operators/observe.md` says what to do with it."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

from engine.stream.web.connections import REASONS

OUTCOMES = ("answered", "timeout", "not_published", "decided_before", "failed", "busy")
VERDICTS = ("allow", "review", "challenge", "deny")
REFUSALS = ("unauthorized", "forbidden", "unknown_surface", "too_large", "too_slow", "not_an_event", "wrong_surface",
            "too_many_of_user")  # fmt: skip
SECONDS = (0.002, 0.005, 0.01, 0.015, 0.02, 0.03, 0.05, 0.075, 0.1, 0.2, 0.5, 1.0, 5.0)


class ServeMetrics:
    """All of them, in a registry of their own."""

    def __init__(self, surfaces: Iterable[str] = ()) -> None:
        self.registry = registry = CollectorRegistry()
        self.questions = Counter(
            "floodgate_serve_questions", "Questions, by what came of them", ["surface", "outcome"], registry=registry
        )
        self.verdicts = Counter(
            "floodgate_serve_verdicts", "Verdicts that were given", ["surface", "verdict"], registry=registry
        )
        self.refused = Counter("floodgate_serve_refused", "Requests that ask nothing", ["reason"], registry=registry)
        self.seconds = Histogram(
            "floodgate_serve_seconds", "From a question to its answer", ["surface"], buckets=SECONDS, registry=registry
        )
        self.publish = Histogram(
            "floodgate_serve_publish_seconds", "Until Kafka has the event", buckets=SECONDS, registry=registry
        )
        self.waiting = Gauge("floodgate_serve_waiting", "Questions under way", registry=registry)
        self.following = Gauge("floodgate_serve_following", "1 while replies are read", registry=registry)
        self.connections = Gauge("floodgate_serve_connections", "Connections that are open", registry=registry)
        self.closed = Counter(
            "floodgate_serve_connections_closed", "Connections that were too slow, or too many", ["reason"],
            registry=registry,
        )  # fmt: skip
        ProcessCollector(registry=registry)
        for surface in surfaces:
            for outcome in OUTCOMES:
                self.questions.labels(surface, outcome)
            for verdict in VERDICTS:
                self.verdicts.labels(surface, verdict)
            self.seconds.labels(surface)
        for reason in REFUSALS:
            self.refused.labels(reason)
        for reason in REASONS:
            self.closed.labels(reason)

    def expose(self) -> bytes:
        """All metrics in Prometheus' text format."""
        return generate_latest(self.registry)
