"""A worker that nobody asks for traces pays nothing for them."""

import subprocess
import sys
from typing import Any

import pytest

from engine.errors import SettingsError
from engine.settings import Settings, load_settings
from engine.stream.handlers.batches import accept_any
from engine.stream.worker import tracing
from engine.stream.worker.tracing import Tracing

ASKED = load_settings(environment={"FLOODGATE_TRACES__ENDPOINT": "http://127.0.0.1:9/v1/traces"})


def test_without_an_endpoint_handlers_are_as_they_were_and_nothing_is_imported() -> None:
    handler: Any = object()
    off = Tracing(Settings(), accept_any)
    assert off.around("events", handler) is handler
    off.close()
    script = (
        "import sys, engine.stream.worker.app; sys.exit(any(name.startswith('opentelemetry') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_where_opentelemetry_is_missing_that_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracing, "find_spec", lambda _: None)
    with pytest.raises(SettingsError, match=r"pip install 'floodgate\[traces\]'"):
        Tracing(ASKED, accept_any)


def test_a_collector_that_is_away_keeps_no_worker_from_stopping() -> None:
    on = Tracing(ASKED, accept_any)
    handler: Any = object()
    assert on.around("events", handler) is not handler
    assert on.around("labels", handler) is handler
    on.close()
