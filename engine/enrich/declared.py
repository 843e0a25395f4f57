"""The enrichers that settings declare."""

from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from engine.enrich.enricher import Enricher
from engine.enrichment_settings import EnrichmentSettings
from engine.errors import SettingsError

GROUP = "floodgate.enrichers"
"""The group of entry points under which other people's enrichers are found."""

OURS = {
    "http": ("engine.enrich.classifiers.enricher:Http", ""),
    "ocr": ("engine.enrich.pictures.ocr:Ocr", "ocr"),
    "onnx": ("engine.enrich.pictures.onnx:Onnx", "onnx"),
    "pictures": ("engine.enrich.pictures.enricher:Pictures", "images"),
}
"""Of our own: where each is, and the extra that it needs."""


def declared(settings: EnrichmentSettings) -> Iterator[tuple[str, Enricher]]:
    """The names and the enrichers, in their order. Raises SettingsError."""
    for name, declaration in settings.enrichers.items():
        kind = _find(declaration.kind or name)
        try:
            yield name, kind(declaration.options)
        except (ValueError, TypeError, KeyError) as error:
            raise SettingsError(f"the options of the enricher `{name}` cannot work: {error}") from error


def _find(kind: str) -> type[Enricher]:
    if kind in OURS:
        return _ours(*OURS[kind])
    found: Any = next(iter(entry_points(group=GROUP, name=kind)), None)
    if found is None:
        others = sorted({*OURS, *(point.name for point in entry_points(group=GROUP))})
        raise SettingsError(f"there is no enricher `{kind}`; there are {', '.join(others)}")
    try:
        enricher = found.load()
    except Exception as error:  # somebody else's module may raise anything
        raise SettingsError(f"the enricher `{kind}` cannot be loaded from {found.value}: {error!r}") from error
    if not (isinstance(enricher, type) and issubclass(enricher, Enricher)):
        raise SettingsError(f"the enricher `{kind}`, {found.value}, is no class of engine.enrich.enricher.Enricher")
    return enricher


def _ours(place: str, extra: str) -> type[Enricher]:
    module, _, name = place.partition(":")
    try:
        kind: type[Enricher] = getattr(import_module(module), name)
    except ImportError as error:
        raise SettingsError(f"{error.name} is not installed: pip install 'floodgate[{extra}]'") from error
    return kind
