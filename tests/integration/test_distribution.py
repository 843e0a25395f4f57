"""What is distributed, used outside of a checkout: the source distribution is built, a wheel from it, and the wheel's
command runs with the packages of this interpreter."""

import os
import shutil
import subprocess
import sys
import sysconfig
from importlib.util import find_spec
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[2]
TOOLS = ("hatchling", "Cython", "setuptools", "pip")
MISSING = [tool for tool in TOOLS if find_spec(tool) is None]
PIP = [sys.executable, "-m", "pip"]
ALONE = ["--no-index", "--no-deps"]  # nothing is fetched
COMPILER = str(sysconfig.get_config_var("CC")).split()[0]
NO_COMPILER = shutil.which(COMPILER) is None or not Path(sysconfig.get_path("include"), "Python.h").is_file()

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(MISSING), reason=f"NO WHEEL IS TESTED: requirements/build.lock brings {MISSING}"),
]


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    """What it tells, on both streams. It knows no checkout but the one that it stands in."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("FLOODGATE_", "PYTHON", "PURE_"))}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**kept, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def source_distribution(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("source")
    run(sys.executable, "-m", "hatchling", "build", "--target", "sdist", "--directory", directory, cwd=ROOT)
    (archive,) = directory.glob("*.tar.gz")
    return archive


def build_wheel(archive: Path, directory: Path, **environment: str) -> tuple[Path, str]:
    """The wheel, and what was told meanwhile."""
    told = run(*PIP, "wheel", *ALONE, "--verbose", "--no-build-isolation", archive, cwd=directory, **environment)
    (wheel,) = directory.glob("*.whl")
    return wheel, told


def compiled(wheel: Path) -> list[str]:
    """What is in it for a compiler, or from one."""
    return [name for name in ZipFile(wheel).namelist() if name.endswith((".so", ".pyd", ".pyx", ".c"))]


@pytest.mark.skipif(NO_COMPILER, reason=f"NO COMPILED WHEEL IS TESTED: there is no {COMPILER}, or Python's headers")
def test_the_command_of_the_wheel_works_outside_of_a_checkout(source_distribution: Path, tmp_path: Path) -> None:
    wheel, told = build_wheel(source_distribution, tmp_path)
    assert "not compiled" not in told.lower()
    assert f"-cp{sys.version_info.major}{sys.version_info.minor}-" in wheel.name
    assert sorted(name.partition(".")[0] for name in compiled(wheel)) == [
        "engine/core/_kernel",
        "engine/learning/_linear",
    ]
    site, empty = tmp_path / "site", tmp_path / "empty"
    empty.mkdir()
    run(*PIP, "install", *ALONE, "--target", site, wheel, cwd=empty)
    where = run(sys.executable, "-c", "import engine; print(engine.__file__)", cwd=empty, PYTHONPATH=str(site))
    assert Path(where.strip()).is_relative_to(site)

    def floodgate(*arguments: str) -> str:
        return run(site / "bin" / "floodgate", *arguments, cwd=empty, PYTHONPATH=str(site))

    assert "(compiled core;" in floodgate("--version")
    assert "floodgate rules check rules" in floodgate("init", "x")
    assert "tests passed" in floodgate("rules", "check", "x/rules")
    assert floodgate("rules", "schema") == (empty / "x" / "rules.schema.json").read_text("utf-8")


def test_without_a_compiler_the_wheel_is_pure_and_says_so(source_distribution: Path, tmp_path: Path) -> None:
    wheel, told = build_wheel(source_distribution, tmp_path, CC="false")
    assert "THE CORE WAS NOT COMPILED" in told
    assert "this wheel is pure Python" in told
    assert wheel.name.endswith("-py3-none-any.whl")
    assert compiled(wheel) == []
    names = ZipFile(wheel).namelist()
    assert {"engine/py.typed", "engine/starter_rules/spam.yaml"} <= set(names)
    assert not [name for name in names if not name.startswith(("engine/", "floodgate-"))]
