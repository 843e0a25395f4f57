"""The other half of an enricher that answers in processes of its own: what runs there."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

import msgspec

from engine.enrich.enricher import HeavyEnricher, RawEvent


def answers(given: Mapping[str, Any]) -> Callable[[Any], Any]:
    """What answers requests: an enricher's object of this process."""
    kind = getattr(import_module(given["module"]), given["name"])
    enricher: HeavyEnricher = kind(given["options"])
    return lambda request: enricher.answer(msgspec.convert(request, RawEvent))
