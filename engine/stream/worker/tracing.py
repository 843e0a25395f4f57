"""Whether this worker tells of single events: where nobody asks, its handlers stay as they are, and OpenTelemetry is
not even imported."""

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from engine.build import find_build
from engine.errors import SettingsError
from engine.settings import Settings
from engine.stream.handlers.batches import BatchHandler, IsSealed

_EXPORT_WITHIN_S = 2
_MOST_WAITING = 2_048
"""Spans: of more, the newest are lost. A collector that is away costs nothing else."""


class Tracing:
    """What a worker does with its handlers. Raises SettingsError when it is made without what it needs."""

    def __init__(self, settings: Settings, is_sealed: IsSealed) -> None:
        self._traces = _open(settings, is_sealed) if settings.traces.are_asked_for else None

    def around(self, topic: str, handler: BatchHandler) -> BatchHandler:
        """The handler, or one that tells."""
        if self._traces is None:
            return handler
        traced: BatchHandler = self._traces.around(topic, handler)
        return traced

    def close(self) -> None:
        """Send what is left, for two seconds or so."""
        if self._traces is not None:
            self._traces.close()


def _open(settings: Settings, is_sealed: IsSealed) -> Any:
    if find_spec("opentelemetry") is None or find_spec("opentelemetry.exporter") is None:
        raise SettingsError("`traces.endpoint` is set, and OpenTelemetry is missing: pip install 'floodgate[traces]'")
    sdk = import_module("opentelemetry.sdk.trace")
    exporters = import_module("opentelemetry.exporter.otlp.proto.http.trace_exporter")
    batches = import_module("opentelemetry.sdk.trace.export")
    resources = import_module("opentelemetry.sdk.resources")
    told = {"service.name": settings.consumer_group, "service.version": find_build().version}
    if settings.instance_id:
        told["service.instance.id"] = settings.instance_id
    provider = sdk.TracerProvider(resource=resources.Resource.create(told), shutdown_on_exit=False)
    exporter = exporters.OTLPSpanExporter(settings.traces.endpoint, timeout=_EXPORT_WITHIN_S)
    provider.add_span_processor(
        batches.BatchSpanProcessor(
            exporter, max_queue_size=_MOST_WAITING, schedule_delay_millis=1_000, max_export_batch_size=512
        )
    )
    return import_module("engine.stream.handlers.traces").Traces(settings, provider, is_sealed)
