"""Enrichers by the names that settings give them."""

from types import SimpleNamespace
from typing import Any

import pytest

from engine.enrich import declared as module
from engine.enrich.declared import declared
from engine.enrichment_settings import EnricherSettings, EnrichmentSettings
from engine.errors import SettingsError
from tests.unit.enrich.enrichers import Given


def of(monkeypatch: pytest.MonkeyPatch, loaded: Any, **settings: Any) -> list[Any]:
    def load() -> Any:
        if isinstance(loaded, Exception):
            raise loaded
        return loaded

    point = SimpleNamespace(name="given", value="others:Given", load=load)
    monkeypatch.setattr(
        module, "entry_points", lambda group, name="given": [point] if name == "given" and "floodgate" in group else []
    )
    return list(declared(EnrichmentSettings({"mine": EnricherSettings(**settings)})))


def test_other_peoples_are_found_by_their_entry_points(monkeypatch: pytest.MonkeyPatch) -> None:
    ((name, enricher),) = of(monkeypatch, Given, kind="given")
    assert (name, type(enricher)) == ("mine", Given)


@pytest.mark.parametrize(
    ("loaded", "settings", "told"),
    [
        (Given, {}, "there is no enricher `mine`; there are .*given"),
        (Given, {"kind": "given", "options": {"odd": 1}}, "options of the enricher `mine` .* no option `odd`"),
        (dict, {"kind": "given"}, "is no class of"), (ImportError("torch"), {"kind": "given"}, "cannot be loaded"),
    ],
)  # fmt: skip
def test_what_cannot_work_is_told(
    monkeypatch: pytest.MonkeyPatch, loaded: Any, settings: dict[str, Any], told: str
) -> None:
    with pytest.raises(SettingsError, match=told):
        of(monkeypatch, loaded, **settings)
