"""The architecture as it is written down, and as it is held."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
CONTRACTS: list[dict[str, Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"][
    "contracts"
]
LAYERS = [one for one in CONTRACTS if one["type"] == "layers"]
LONGEST = 300
"""Lines of a module."""
UNIT = ROOT / "tests/unit"
ABOUT_NO_MODULE = {
    "console/test_assets.py": "engine/console/assets/, and frontend/, which it is built from",
    "stream/worker/test_seams.py": "Faust and aiokafka, where the worker reaches into them",
    "test_alerts.py": "deploy/",
    "test_architecture.py": "how the modules stand to each other",
    "test_challengers.py": "a challenger on the whole way of events and labels",
    "test_cost.py": "the whole way of an event",
    "test_costs_measured.py": "benchmarks/costs.py",
    "test_deploy.py": "deploy/",
    "test_deploy_processes.py": "deploy/",
    "test_docs.py": "docs/",
    "test_examples.py": "examples/",
    "test_learners.py": "benchmarks/learners.py",
    "test_public_names.py": "engine/__init__.py",
    "test_shared_entities.py": "benchmarks/shared_entities/",
    "test_site.py": "what is built from docs/",
    "test_survey.py": "benchmarks/survey.py",
    "test_supply_chain.py": "requirements/",
}
"""Unit tests of something else, and of what."""


def written_down() -> list[list[str]]:
    """The packages of each table of layers on the page, from above."""
    layout = (ROOT / "docs/architecture.md").read_text("utf-8").split("## The layout")[1].split("\n## ")[0]
    tables = re.findall(r"(?:^\|.*\n)+", layout, flags=re.MULTILINE)
    return [re.findall(r"^\| `([\w/.]+)`", table, flags=re.MULTILINE) for table in tables]


def held(contract: dict[str, Any]) -> list[str]:
    """The same of a contract, as the page writes them."""
    (container,) = contract.get("containers", [""])
    names = [name.strip() for layer in contract["layers"] for name in layer.split("|")]
    places = [f"{container}.{name}".strip(".").replace(".", "/") for name in names]
    suffixes = [".py" if (ROOT / f"{place}.py").exists() else "" for place in places]
    short = "engine/" if container else ""
    return [f"{place.removeprefix(short)}{suffix}" for place, suffix in zip(places, suffixes, strict=True)]


def test_the_page_has_the_layers_that_are_held() -> None:
    assert sorted(map(sorted, written_down())) == sorted(sorted(held(one)) for one in LAYERS)


@pytest.mark.parametrize("contract", LAYERS, ids=[one["name"] for one in LAYERS])
def test_what_stands_on_nothing_of_its_neighbours_is_below_on_the_page(contract: dict[str, Any]) -> None:
    """Those of one layer may stand in any order."""
    (table,) = [one for one in written_down() if set(one) == set(held(contract))]
    layer_of = {
        place: number
        for number, layer in enumerate(contract["layers"])
        for place in held({**contract, "layers": [layer]})
    }
    order = [layer_of[place] for place in table]
    assert order == sorted(order)


def test_no_module_is_long() -> None:
    lines = {path: len(path.read_text("utf-8").splitlines()) for path in (ROOT / "engine").rglob("*.py")}
    assert {str(path.relative_to(ROOT)): count for path, count in lines.items() if count > LONGEST} == {}


def test_unit_tests_are_named_after_what_they_are_about() -> None:
    """`tests/unit/PACKAGE/test_X.py`: the module or the package `engine/PACKAGE/X`."""
    strays = set()
    for test in UNIT.rglob("test_*.py"):
        subject = ROOT / "engine" / test.relative_to(UNIT).with_name(test.stem.removeprefix("test_"))
        if not subject.with_suffix(".py").is_file() and not (subject / "__init__.py").is_file():
            strays.add(test.relative_to(UNIT).as_posix())
    assert strays == ABOUT_NO_MODULE.keys()


def test_files_that_the_page_names_are_there() -> None:
    page = (ROOT / "docs/architecture.md").read_text("utf-8")
    named = {name.removeprefix("engine/") for name in re.findall(r"`([a-z_/]+/[a-z_/]+\.pyx?)`", page)}
    assert {name for name in named if not (ROOT / "engine" / name).exists() and not (ROOT / name).exists()} == set()
