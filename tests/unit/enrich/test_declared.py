"""Enrichers by the names that settings give them."""

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
import yaml

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


PAGE = Path(__file__).parents[3] / "docs/operators/enrich.md"
EXAMPLES = [
    (name, enricher)
    for block in re.findall(r"```yaml\n(enrichment:.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    for name, enricher in yaml.safe_load(block)["enrichment"]["enrichers"].items()
    if (enricher.get("kind") or name) in module.OURS
]


@pytest.mark.parametrize(("name", "written"), EXAMPLES, ids=[name for name, _ in EXAMPLES])
def test_what_the_page_declares_can_be_declared(name: str, written: dict[str, Any], tmp_path: Path) -> None:
    prompt = tmp_path / "policy.txt"
    prompt.write_text("What breaks the rules.")
    if "prompt_file" in written["options"]:
        written["options"]["prompt_file"] = str(prompt)
    settings = EnrichmentSettings({name: msgspec.convert(written, EnricherSettings)})
    try:
        assert [name for name, _ in declared(settings)] == [name]
    except SettingsError as error:
        if "is not installed" in str(error):
            pytest.skip(f"NOT TESTED: {error}")
        raise
