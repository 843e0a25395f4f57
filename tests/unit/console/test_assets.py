"""What browsers load: as it was built, with the licences of those who wrote it, and small."""

import json
import re
from hashlib import sha256
from pathlib import Path

import pytest

from engine.console.web.templates import ASSETS

MOST_BYTES = 1_500_000
OTHERS = {"htmx.js": "htmx.org", "graph.js": "cytoscape", "charts.js": "uplot", "editor.js": "codemirror_view"}
FRONTEND = Path(__file__).parents[3] / "frontend"


def test_each_file_is_the_one_that_was_built() -> None:
    listed = dict(line.split()[::-1] for line in (ASSETS / "HASHES").read_text().splitlines())
    files = {f"./{path.relative_to(ASSETS)}": path for path in ASSETS.rglob("*") if path.is_file()}
    del files["./HASHES"]
    assert {name: sha256(path.read_bytes()).hexdigest() for name, path in files.items()} == listed


def test_what_others_wrote_has_their_licence_and_all_of_it_is_small() -> None:
    for name, package in OTHERS.items():
        assert (ASSETS / name).is_file()
        assert (ASSETS / "licences" / f"{package}.txt").stat().st_size > 300
    assert sum(path.stat().st_size for path in ASSETS.rglob("*") if path.is_file()) < MOST_BYTES


def test_each_package_that_is_locked_has_its_licence_and_names_no_host() -> None:
    text = (FRONTEND / "package-lock.json").read_text()
    packages = {name: about for name, about in json.loads(text)["packages"].items() if name}
    loaded = {name.removeprefix("node_modules/") for name, about in packages.items() if not about.get("dev")}
    licences = {path.stem for path in (ASSETS / "licences").glob("*.txt")}
    assert {name.replace("/", "_").replace("@", "") for name in loaded} <= licences
    assert all("integrity" in about for about in packages.values())
    assert "://" not in text


@pytest.mark.parametrize("attribute", sorted(set(re.findall(r"`(data-[a-z-]+)", (FRONTEND / "README.md").read_text()))))
def test_each_attribute_that_is_described_is_looked_for(attribute: str) -> None:
    name = attribute.removeprefix("data-")
    in_script = re.sub(r"-(\w)", lambda found: found[1].upper(), name)
    sources = "".join(path.read_text() for path in (FRONTEND / "source").glob("*.js"))
    assert f"[{attribute}" in sources or f"dataset.{in_script}" in sources
