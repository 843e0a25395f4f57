"""A copy of the tree in which one thing is wrong, and the tests that should say so."""

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tests.mutants.places import Mutation, apply

TESTS = ("tests/unit", "tests/golden", "tests/property")
KILLED, SURVIVED, TIMED_OUT = "killed", "survived", "timed out"

_KEPT = Path("build/mutants")
_LEFT_OUT = shutil.ignore_patterns(".*", "build", "out", "__pycache__", "*.c")
_PYTEST = [sys.executable, "-m", "pytest", "-p", "tests.mutants.plugin", "-p", "no:randomly", "-p", "no:cacheprovider",
           "-q", "--tb=line"]  # fmt: skip
_FAILED = re.compile(r"^(?:FAILED|ERROR) (tests/.+?)(?: - .*)?$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a mutant. `by`: the test that failed; `tests`: how many might have."""

    verdict: str
    by: str
    tests: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Reach:
    """What each test runs, and how long it takes. Tests that fail without any mutation, or are
    skipped, are not among them."""

    lines: dict[str, dict[str, frozenset[int]]]
    seconds: dict[str, float]
    failed: list[str]

    def tests_of(self, mutation: Mutation) -> list[str]:
        """Those that run the mutated expression, or, of what an import runs, anything of the module. First those of
        the module's own test file, then the quickest."""
        span = range(mutation.first, mutation.last + 1)
        touching = [
            name
            for name, files in self.lines.items()
            if (lines := files.get(mutation.path)) and (not mutation.called or not lines.isdisjoint(span))
        ]
        return self.ordered(touching, mirror_of(mutation.path))

    def ordered(self, names: list[str], mirror: str) -> list[str]:
        """A test file's own tests first, then the quickest."""
        return sorted(names, key=lambda name: (not name.startswith(f"{mirror}::"), self.seconds[name]))


def mirror_of(path: str) -> str:
    """The test file of a module of the engine."""
    module = Path(path)
    return str(Path("tests/unit", *module.parts[1:-1], f"test_{module.name}"))


class Scratch:
    """The copy."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._stamp = 1_000_000_000

    @classmethod
    @contextmanager
    def of(cls, tree: Path) -> Iterator[Self]:
        """A copy of a tree, with what was compiled there, for as long as it is wanted."""
        with tempfile.TemporaryDirectory(prefix="mutants-") as directory:
            root = Path(directory).resolve() / "tree"
            shutil.copytree(tree, root, ignore=_LEFT_OUT)
            yield cls(root)

    def reach(self) -> Reach:
        """Which lines each test runs: found out once for a tree, in several minutes."""
        kept = _KEPT / f"{self._digest()}.json"
        if not kept.exists():
            kept.parent.mkdir(parents=True, exist_ok=True)
            fresh = self._root.parent / "lines.json"
            print("finding out which test runs which lines; this takes minutes, once for a tree", flush=True)
            subprocess.run([*_PYTEST, *TESTS, "--timeout=1200", f"--note-lines={fresh}"], cwd=self._root, check=False,
                           env=self._environment(False))  # fmt: skip
            shutil.move(fresh, kept)
        told = json.loads(kept.read_text())
        tests = told["tests"]
        return Reach(
            {name: {path: frozenset(lines) for path, lines in one["lines"].items()} for name, one in tests.items()},
            {name: one["seconds"] for name, one in tests.items()},
            told["failed"],
        )

    def run(self, mutations: list[Mutation], tests: list[str], reach: Reach, pure: bool = False) -> Outcome:
        """The tests, until one fails, with all of these mutations in place; with `pure`, without compiled functions."""
        began = time.monotonic()
        order = self._root.parent / "order.json"
        order.write_text(json.dumps([(name, round(10 + 5 * reach.seconds[name], 1)) for name in tests]))
        files = list(dict.fromkeys(name.partition("::")[0] for name in tests))
        limit_s = 60 + 3 * sum(reach.seconds[name] for name in tests)
        with self._mutated(mutations):
            verdict, by = self._judge([*_PYTEST, "-x", f"--in-order={order}", *files], limit_s, pure)
        return Outcome(verdict, by, len(tests), time.monotonic() - began)

    def _judge(self, command: list[str], limit_s: float, pure: bool) -> tuple[str, str]:
        process = subprocess.Popen(
            command, cwd=self._root, env=self._environment(pure), text=True, errors="replace", stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        try:
            output, _ = process.communicate(timeout=limit_s)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            return TIMED_OUT, ""
        if process.returncode == 0:
            return SURVIVED, ""
        if process.returncode in (3, 4, 5) and not _FAILED.search(output):
            raise RuntimeError(f"pytest did not run the tests: {output[-3_000:]}")
        failed = _FAILED.search(output)
        return TIMED_OUT if "Timeout (>" in output else KILLED, failed[1] if failed else f"exit {process.returncode}"

    @contextmanager
    def _mutated(self, mutations: list[Mutation]) -> Iterator[None]:
        originals: dict[Path, tuple[str, os.stat_result]] = {}
        try:
            for name in {one.path for one in mutations}:
                path = self._root / name
                originals[path] = source, _ = path.read_text("utf-8"), path.stat()
                path.write_text(apply(source, [one for one in mutations if one.path == name]), "utf-8")
                self._stamp += 1  # no two mutants look alike to Python's cache of compiled modules
                os.utime(path, (self._stamp, self._stamp))
            yield
        finally:
            for path, (source, stat) in originals.items():
                path.write_text(source, "utf-8")
                os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))

    def _environment(self, pure: bool) -> dict[str, str]:
        environment = {**os.environ, "PYTHONPATH": str(self._root), "PYTHONHASHSEED": "0"}
        environment.pop("PURE_PYTHON", None)
        return {**environment, "PURE_PYTHON": "1"} if pure else environment

    def _digest(self) -> str:
        found = hashlib.sha256(sys.version.encode())
        for path in sorted(self._root.rglob("*")):
            if path.suffix in {".py", ".so", ".yaml"}:
                found.update(str(path.relative_to(self._root)).encode() + path.read_bytes())
        return found.hexdigest()[:16]
