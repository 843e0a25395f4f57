"""What is installed is what was locked: every package by hash, every image by digest, and known holes are heard of."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from tests.audit import KNOWN, LOCKS, Answer, audit

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
DEPENDENCIES = PROJECT["project"]["dependencies"]
EXTRAS = PROJECT["project"]["optional-dependencies"]
IN_DEV = ("dev", "audit", "bench", "features", "export", "formats")
"""The extras that the development install has."""
ASKED = {
    "build": PROJECT["dependency-groups"]["build"],
    "run": DEPENDENCIES,
    "dev": [*DEPENDENCIES, *(each for extra in IN_DEV for each in EXTRAS[extra])],
    "fuzz": [*DEPENDENCIES, *EXTRAS["dev"], *EXTRAS["fuzz"]],
    "docs": [*DEPENDENCIES, *EXTRAS["docs"]],
}
DIGEST = r"@sha256:[0-9a-f]{64}"


def entries(lock: str) -> list[str]:
    """Each package's lines as one: what is required, then its hashes."""
    text = (ROOT / "requirements" / f"{lock}.lock").read_text("utf-8").replace("\\\n", "")
    return [line for line in text.splitlines() if not line.startswith("#")]


def locked(lock: str) -> dict[str, str]:
    """Versions by name."""
    required = [Requirement(entry.partition(" --hash=")[0]) for entry in entries(lock)]
    return {canonicalize_name(each.name): str(each.specifier).removeprefix("==") for each in required}


def test_every_lock_is_tested() -> None:
    assert {path.stem for path in LOCKS} == ASKED.keys()


@pytest.mark.parametrize("lock", ASKED)
def test_a_lock_has_what_the_project_asks_for(lock: str) -> None:
    """After a change of `pyproject.toml`: make lock"""
    versions = locked(lock)
    for each in map(Requirement, ASKED[lock]):
        if each.name != PROJECT["project"]["name"]:
            assert each.specifier.contains(versions[canonicalize_name(each.name)], prereleases=True), str(each)


@pytest.mark.parametrize("lock", ASKED)
def test_a_lock_has_one_version_and_hashes_of_each_package_and_nothing_else(lock: str) -> None:
    lines = entries(lock)
    for line in lines:
        assert re.fullmatch(r"[a-z0-9.-]+==[\w.]+( ; [^#@]+?)?( +--hash=sha256:[0-9a-f]{64})+", line), line[:100]
    assert len(locked(lock)) == len(lines)


def test_the_locks_agree() -> None:
    dev = locked("dev")
    assert locked("run").items() <= dev.items()
    assert locked("run").items() <= locked("fuzz").items()
    assert locked("run").items() <= locked("docs").items()
    for lock in ("build", "fuzz", "docs"):
        assert not {(name, version) for name, version in locked(lock).items() if dev.get(name, version) != version}


def test_pip_and_make_and_every_page_name_the_same_pythons() -> None:
    accepted = SpecifierSet(PROJECT["project"]["requires-python"])
    minors = [minor for minor in range(100) if f"3.{minor}" in accepted]
    listed = [re.search(r"Python :: 3\.(\d+)$", each) for each in PROJECT["project"]["classifiers"]]
    assert minors == [int(each[1]) for each in listed if each]
    first, last = minors[0], minors[-1]
    makefile = (ROOT / "Makefile").read_text("utf-8")
    assert f"(3, {first}) <= sys.version_info < (3, {last + 1})" in makefile
    assert f"--python-version 3.{first} " in makefile
    for page in ("Makefile", "README.md", "CONTRIBUTING.md", "docs/index.md", "docs/operators/install.md"):
        assert f"Python 3.{first} to 3.{last}" in (ROOT / page).read_text("utf-8"), page


def test_whatever_builds_a_wheel_is_locked() -> None:
    assert set(PROJECT["build-system"]["requires"]) <= set(ASKED["build"])


def test_the_image_has_what_a_wheel_is_built_from() -> None:
    dockerfile = (ROOT / "deploy" / "Dockerfile").read_text("utf-8")
    copied = {name for line in re.findall(r"^COPY (.+) \S+$", dockerfile, re.MULTILINE) for name in line.split()}
    project, wheel = PROJECT["project"], PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]
    read = {project["readme"], *project["license-files"], *wheel["packages"], *wheel["force-include"]}
    assert {"pyproject.toml", "hatch_build.py", "compile_core.py", *read} <= copied


def test_nothing_is_fetched_to_look_at_a_commit() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))
    assert {source["repo"] for source in hooks["repos"]} == {"local"}
    assert {hook["language"] for source in hooks["repos"] for hook in source["hooks"]} == {"system"}


def test_images_of_others_are_given_by_version_and_digest() -> None:
    dockerfile = (ROOT / "deploy" / "Dockerfile").read_text("utf-8")
    given = dict(re.findall(r"^ARG (\w+)=(\S+)$", dockerfile, re.MULTILINE))
    images = [
        re.sub(r"\$\{(\w+)\}", lambda name: str(given[name[1]]), image)
        for image in re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE)
    ]
    compose = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text("utf-8"))
    images += [service["image"] for service in compose["services"].values() if "image" in service]
    for path in (ROOT / "deploy" / "kubernetes").glob("*.yaml"):
        images += re.findall(r"^\s*(?:- )?image: (\S+)$", path.read_text("utf-8"), re.MULTILINE)
    assert len(images) >= 6
    for image in images:
        if image != f"floodgate:{PROJECT['project']['version']}":
            assert re.fullmatch(rf"[a-z/]+:v?\d+\.\d+\.\d+(-[a-z-]+)?{DIGEST}", image), image


def test_the_auditor_reads_the_locks() -> None:
    command = [
        sys.executable,
        "-m",
        "pip_audit",
        "--dry-run",
        "--no-deps",
        "--disable-pip",
        "--progress-spinner",
        "off",
    ]
    for path in LOCKS:
        done = subprocess.run([*command, "--requirement", str(path)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert "would have audited" in done.stderr


def answers(*, known: Answer, locks: Answer) -> Any:
    def ask(source: str, files: list[Path], seconds: float) -> Answer:
        return locks if files == LOCKS else known

    return ask


HOLE = {"id": "PYSEC-1", "fix_versions": ["2.0"]}
FULL = [{"name": "idna", "version": "3.6", "vulns": [HOLE]}]
EMPTY = [{"name": "idna", "version": "3.6", "vulns": []}]
MISSING = [{"name": "idna", "skip_reason": "not found"}]


@pytest.mark.parametrize(
    ("known", "locks", "status", "said"),
    [
        (FULL, EMPTY, 0, "asked about 1 packages; 0 findings"),
        (FULL, FULL, 1, "idna 3.6: PYSEC-1, mended in 2.0"),
        (FULL, MISSING, 1, "idna: not found"),
        (FULL, None, 0, "SKIPPED"),
        (None, FULL, 0, "SKIPPED"),
        (EMPTY, FULL, 0, f"knows of no hole in {KNOWN}"),
        (MISSING, FULL, 0, "SKIPPED"),
    ],
)
def test_a_hole_fails_and_silence_is_loud(
    known: Answer, locks: Answer, status: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert audit(answers(known=known, locks=locks)) == status
    assert said in capsys.readouterr().out
