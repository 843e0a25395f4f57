"""Every metric: its name, kind and meaning, in one place. `docs/operations.md` explains what to do with them."""

from collections.abc import Iterator
from typing import Any, get_args

import prometheus_client
from prometheus_client import (
    CollectorRegistry,
    Gauge,
    GCCollector,
    Histogram,
    Metric,
    ProcessCollector,
    generate_latest,
)

from engine.build import find_build
from engine.core.domain.decisions import Effect
from engine.core.domain.rules import Rulebook

BATCH_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)
DELAY_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600)


class Counter(prometheus_client.Counter):
    """Prometheus', for who counts after each batch, whether or not there was anything: nothing takes no lock."""

    def inc(self, amount: float = 1, exemplar: dict[str, str] | None = None) -> None:
        """Count so many more."""
        if amount:
            super().inc(amount, exemplar)


class Metrics:
    """The worker's metrics, in a registry of their own. `candidate`: whose they are, if a candidate's: all of them have
    its name as a label then."""

    def __init__(self, candidate: str = "") -> None:
        self.registry, self._candidate = CollectorRegistry(), candidate
        self._count_events(self.registry)
        self._count_learning_and_control(self.registry)
        self._watch_work(self.registry)
        self._watch_health(self.registry)
        self._watch_reference_data(self.registry)
        ProcessCollector(registry=self.registry)
        GCCollector(registry=self.registry)

    def _count_events(self, registry: CollectorRegistry) -> None:
        self.events = Counter("floodgate_events", "Events decided", registry=registry)
        self.ignored = Counter(
            "floodgate_events_ignored", "Events that no rule and no counter asks about", registry=registry
        )
        self.replayed = Counter(
            "floodgate_events_replayed", "Events skipped because the state has them already", registry=registry
        )
        self.late = Counter(
            "floodgate_events_late",
            "Events older than the longest window before their user's newest",
            registry=registry,
        )
        self.duplicates = Counter(
            "floodgate_events_duplicate", "Events that were sent again, to the byte", registry=registry
        )
        self.conflicting = Counter(
            "floodgate_conflicting_ids",
            "Events whose id their user has used for another event of the type; decided",
            registry=registry,
        )
        self.invalid = Counter(
            "floodgate_invalid_fields", "Fields left out or cut; the event is decided", ["field"], registry=registry
        )
        self.skewed = Counter(
            "floodgate_events_skewed",
            "Events whose own time is too far from their arrival; their windows go by the arrival",
            registry=registry,
        )
        self.misrouted = Counter(
            "floodgate_events_misrouted",
            "Events whose message key is not their user_id: counters split",
            registry=registry,
        )
        self.dead_letters = Counter(
            "floodgate_dead_letters", "Messages that could not be used", ["topic", "reason"], registry=registry
        )
        self.undeliverable = Counter(
            "floodgate_undeliverable", "Messages too large for their topic, left out", ["topic"], registry=registry
        )
        self.decisions = Counter("floodgate_decisions", "Decisions published", ["outcome"], registry=registry)
        self.hits = Counter("floodgate_rule_hits", "Rules that held", ["rule", "effect"], registry=registry)
        self.actions = Counter("floodgate_actions", "Actions published", ["rule", "kind"], registry=registry)
        self.routed_events = Counter(
            "floodgate_routed_events", "Events decided after they had been at their entities", registry=registry
        )
        self.hops = Counter("floodgate_hops", "Visits of events at entities", ["kind"], registry=registry)
        self.repeated_hops = Counter(
            "floodgate_hops_repeated", "Messages of routed events that had been applied before", registry=registry
        )
        self.keys_refused = Counter(
            "floodgate_keys_refused",
            "Visits to new entities beyond `max_keys`; not counted",
            ["kind"],
            registry=registry,
        )
        self.timers_begun = Counter(
            "floodgate_absences_begun", "Events from which on it is waited for something", registry=registry
        )
        self.timers_ended = Counter(
            "floodgate_absences_ended",
            "Such events whose time is over: `absent` where certainly nothing came, `none` where something did, or "
            "may have, or nobody asks any more, `failed` where it could not be decided",
            ["as"],
            registry=registry,
        )
        self.outcomes_begun = Counter(
            "floodgate_outcomes_begun", "Events of which it is waited for what comes of them", registry=registry
        )
        self.outcomes = Counter(
            "floodgate_outcomes",
            "What has come of such events: `yes`, `no`, or `unknown`; `late` are those that came too late to be waited "
            "upon, `lost` those of which nobody was watching all the time. Of what is known, what became of it: "
            "`learned`, `repeated`, or `unscored` where no model had scored the event; `failed`: the engine erred",
            ["as"],
            registry=registry,
        )
        self.retroactive_matches = Counter(
            "floodgate_retroactive_matches", "Earlier events that a rule acted on", ["rule"], registry=registry
        )

    def _count_learning_and_control(self, registry: CollectorRegistry) -> None:
        self.labels = Counter("floodgate_labels", "Labels joined with what was scored", ["outcome"], registry=registry)
        self.forgiven = Counter(
            "floodgate_strikes_forgiven", "Strikes taken back, as their actions were revoked", registry=registry
        )
        self.scores = Counter("floodgate_scores", "Scores given", ["known"], registry=registry)
        self.learned = Counter("floodgate_examples_learned", "Examples learned", ["model"], registry=registry)
        self.quality = Gauge(
            "floodgate_model_auc", "ROC AUC of the scores on the last labels", ["model"], registry=registry
        )
        self.challenger_gain = Gauge(
            "floodgate_challenger_gain", "By how much a model's challenger has the lower log loss on the last labels",
            ["model", "bound"], registry=registry,
        )  # fmt: skip
        self.challenger_stands = Gauge(
            "floodgate_challenger_stands", "1 where a model's challenger stands in its place", ["model"],
            registry=registry,
        )  # fmt: skip
        self.slice_ece = Gauge(
            "floodgate_slice_ece", "Calibration error of a model's scores in one of its largest slices",
            ["model", "slice", "value"], registry=registry,
        )  # fmt: skip
        self.slice_off = Gauge(
            "floodgate_slice_off", "By how much spam is more frequent than the scores say, where a slice is off",
            ["model", "slice", "value"], registry=registry,
        )  # fmt: skip
        self.trust = Gauge(
            "floodgate_moderator_trust", "How much the labels of those least trusted count", ["moderator"],
            registry=registry,
        )  # fmt: skip
        self.disagreement = Gauge(
            "floodgate_moderator_disagreement",
            "The share of their latest labels that the model, or colleagues and the model, contradict",
            ["moderator", "against"],
            registry=registry,
        )
        self.drift = Counter(
            "floodgate_model_drift", "Changes noticed in losses or scores", ["model", "of"], registry=registry
        )
        self.switch = Histogram(
            "floodgate_model_switch_seconds",
            "Taking in what has changed in a model",
            buckets=BATCH_SECONDS,
            registry=registry,
        )
        self.rulebook = Gauge("floodgate_rulebook_info", "1 for the rulebook in use", ["rulebook"], registry=registry)
        self.entries = Gauge("floodgate_list_entries", "Entries added to live lists", ["list"], registry=registry)
        self.paused = Gauge("floodgate_rules_paused", "Rules that do nothing for now", registry=registry)
        self.model = Gauge("floodgate_model_labels", "Labels behind the model in use", ["model"], registry=registry)
        self.refused = Counter(
            "floodgate_updates_refused", "Rulebooks and models refused", ["topic", "at"], registry=registry
        )
        self.unverified = Counter(
            "floodgate_messages_unverified",
            "Messages taken for now that lack a signature or a seal",
            ["topic"],
            registry=registry,
        )

    def _watch_work(self, registry: CollectorRegistry) -> None:
        self.batches = Counter("floodgate_batches", "Batches made durable", registry=registry)
        self.compute = Histogram(
            "floodgate_batch_compute_seconds", "Computing one batch in memory", buckets=BATCH_SECONDS, registry=registry
        )
        self.persist = Histogram(
            "floodgate_batch_persist_seconds", "Making one batch durable", buckets=BATCH_SECONDS, registry=registry
        )
        self.gaps = Counter("floodgate_offset_gaps", "Offset gaps met and read again", registry=registry)
        self.lag = Gauge("floodgate_lag", "Messages not yet decided", ["topic", "partition"], registry=registry)
        self.seconds_behind = Gauge(
            "floodgate_seconds_behind",
            "How long the oldest undecided message has been seen to wait",
            ["topic", "partition"],
            registry=registry,
        )
        self.event_delay = Histogram(
            "floodgate_event_delay_seconds",
            "From the arrival of a batch's first message until the batch is durable",
            ["topic"],
            buckets=DELAY_SECONDS,
            registry=registry,
        )
        self.action_delay = Histogram(
            "floodgate_action_delay_seconds",
            "From an event's time until the brokers have the actions on it",
            buckets=DELAY_SECONDS,
            registry=registry,
        )
        self.cache_hits = Counter("floodgate_cache_hits", "Entities found in memory", registry=registry)
        self.cache_misses = Counter("floodgate_cache_misses", "Entities read from RocksDB", registry=registry)
        self.recovered = Counter(
            "floodgate_recovered_records", "Changelog records read back into RocksDB", registry=registry
        )
        self.recovery_left = Gauge(
            "floodgate_recovery_left_records", "Changelog records still to be read back", registry=registry
        )

    def _watch_health(self, registry: CollectorRegistry) -> None:
        self.ready = Gauge("floodgate_ready", "1 while events can be decided, as /readyz says", registry=registry)
        self.last_contact = Gauge(
            "floodgate_last_contact_timestamp_seconds", "When the brokers last answered", registry=registry
        )
        self.last_progress = Gauge(
            "floodgate_last_progress_timestamp_seconds",
            "When something was last decided, or nothing was left to decide",
            registry=registry,
        )
        build = Gauge(
            "floodgate_build_info", "1 for what is running", ["version", "python", "compiled"], registry=registry
        )
        build.labels(*find_build()).set(1)

    def _watch_reference_data(self, registry: CollectorRegistry) -> None:
        self.database_built = Gauge(
            "floodgate_database_built_timestamp_seconds",
            "When a database of networks was built; 0 where it is not there",
            ["file"],
            registry=registry,
        )
        self.table_rows = Gauge(
            "floodgate_table_rows", "Rows known of tables that come on topics", ["table"], registry=registry
        )
        self.table_bytes = Gauge("floodgate_table_bytes", "What these rows take in memory, about", registry=registry)
        self.table_refused = Counter(
            "floodgate_table_rows_refused", "Rows of tables that were left out", ["table", "reason"], registry=registry
        )

    def count_refused(self, topic: str, *, is_starting: bool) -> None:
        """Something was refused on the topic of rulebooks or models. A worker that starts meets again what all have
        refused before: nobody is to be called for that."""
        self.refused.labels(topic, "start" if is_starting else "run").inc()

    def expect(self, rulebook: Rulebook) -> None:
        """Begin at 0 what the rules and models of a rulebook may bring about: of a counter that is first seen at 1,
        Prometheus tells no increase."""
        for rule in rulebook.rules:
            for then in rule.deeds():
                self.actions.labels(rule.name, then.kind)
            for effect in get_args(Effect):
                self.hits.labels(rule.name, effect)
        for model in rulebook.models:
            for of in ("loss", "scores"):
                self.drift.labels(model, of)
            self.learned.labels(model)

    def tellings(self) -> dict[str, dict[str, Any]]:
        """What `/readyz` says of each enricher, of a worker that has some."""
        return {}

    def expose(self) -> bytes:
        """All metrics in Prometheus' text format."""
        return generate_latest(_Named(self.registry, self._candidate) if self._candidate else self.registry)


class _Named(CollectorRegistry):
    """The metrics of another registry, each with one more label."""

    def __init__(self, registry: CollectorRegistry, candidate: str) -> None:
        super().__init__()
        self._inner, self._candidate = registry, candidate

    def collect(self) -> Iterator[Metric]:
        """All of them, as they are now."""
        for metric in self._inner.collect():
            metric.samples = [
                sample._replace(labels={**sample.labels, "candidate": self._candidate}) for sample in metric.samples
            ]
            yield metric
