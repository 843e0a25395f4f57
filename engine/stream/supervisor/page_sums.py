"""The metrics of several worker processes as those of one: pages of Prometheus' text format, added up.

Counters and histograms are added. A sum must never fall: Prometheus would take that for a start at 0, and what is left
for an increase. So what a process has counted is kept when it ends, and while it does not answer.

What becomes of a gauge depends on its meaning. Of one that is not named here each value stays, with a label `process`.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families

_Series = tuple[str, tuple[tuple[str, str], ...]]
"""A sample's name and its labels."""

_ADDED = ("counter", "histogram")
_READY = "floodgate_ready"
_READY_OF_NONE = Metric(_READY, "1 while events can be decided by all processes, as /readyz says", "gauge")

GAUGES: dict[str, Callable[[Iterable[float]], float]] = {
    # Parts of a whole.
    "floodgate_recovery_left_records": sum,
    "process_open_fds": sum,
    "process_resident_memory_bytes": sum,
    "process_virtual_memory_bytes": sum,
    # By partition, so that adding up the page gives the sum. Of a partition that has just changed hands two processes
    # tell for two seconds.
    "floodgate_lag": max,
    "floodgate_seconds_behind": max,
    # All is well where it is well with all: the alerts ask for the worst.
    _READY: min,
    "floodgate_last_contact_timestamp_seconds": min,
    "floodgate_last_progress_timestamp_seconds": min,
    # The trainer's alone, and by what a former one has said last.
    "floodgate_model_auc": max,
    "floodgate_moderator_trust": min,
    "floodgate_moderator_disagreement": max,
    "floodgate_challenger_gain": max,
    "floodgate_challenger_stands": max,
    "floodgate_slice_ece": max,
    "floodgate_slice_off": max,
    # The same in all processes, soon if not now.
    "floodgate_build_info": max,
    "floodgate_database_built_timestamp_seconds": min,
    "floodgate_list_entries": max,
    "floodgate_model_labels": max,
    "floodgate_rulebook_info": max,
    "floodgate_rules_paused": max,
    "floodgate_table_bytes": max,
    "floodgate_table_rows": max,
}
"""What stands for the values of several processes under the same labels."""


def read_metrics(page: bytes) -> list[Metric]:
    """A page. Raises ValueError."""
    return list(text_string_to_metric_families(page.decode()))


class PageSums:
    """A collector of Prometheus' client."""

    def __init__(self) -> None:
        self._latest: dict[int, tuple[int, Sequence[Metric]]] = {}
        self.answering: set[int] = set()
        """The processes that have answered the last time."""
        self._ended: list[Metric] = []

    def take(self, process: int, start: int, page: Sequence[Metric] | None) -> None:
        """What a process says of its run number `start`; None when it does not answer."""
        before = self._latest.get(process)
        if before is not None and before[0] != start:  # it counts anew
            del self._latest[process]
            self._ended = _sum_counts([self._ended, before[1]])
        if page is None:
            self.answering.discard(process)
            self._latest.setdefault(process, (start, []))
        else:
            self.answering.add(process)
            self._latest[process] = (start, page)

    def collect(self) -> Iterator[Metric]:
        """The sums."""
        yield from _sum_counts([self._ended, *(page for _, page in self._latest.values())])
        yield from self._gauges()

    def _gauges(self) -> Iterator[Metric]:
        families = {_READY: _READY_OF_NONE}
        values = defaultdict[str, dict[_Series, list[float]]](lambda: defaultdict(list))
        for process, (_, page) in sorted(self._latest.items()):
            for metric in page:
                if metric.type in _ADDED:
                    continue
                families.setdefault(metric.name, metric)
                own = {} if metric.name in GAUGES else {"process": str(process)}
                for sample in metric.samples if process in self.answering else ():
                    values[metric.name][_series(sample, own)].append(sample.value)
        if self._latest.keys() - self.answering:  # whoever does not answer decides nothing
            values[_READY][_READY, ()].append(0)
        for name, found in values.items():
            yield _family(families[name], {series: GAUGES.get(name, max)(each) for series, each in found.items()})


def _sum_counts(pages: Iterable[Iterable[Metric]]) -> list[Metric]:
    families: dict[str, Metric] = {}
    totals = defaultdict[str, dict[_Series, float]](lambda: defaultdict(float))
    for page in pages:
        for metric in page:
            if metric.type in _ADDED:
                families.setdefault(metric.name, metric)
                for sample in metric.samples:
                    totals[metric.name][_series(sample)] += sample.value
    return [_family(metric, totals[name]) for name, metric in families.items()]


def _series(sample: Any, own: dict[str, str] | None = None) -> _Series:
    return sample.name, tuple({**sample.labels, **(own or {})}.items())


def _family(metric: Metric, values: dict[_Series, float]) -> Metric:
    summed = Metric(metric.name, metric.documentation, metric.type)
    for (name, labels), value in values.items():
        summed.add_sample(name, dict(labels), value)
    return summed
