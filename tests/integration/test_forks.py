"""What is forked for tests is a process as any other: told apart, killed, and with a seed of its own."""

import os
import signal
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests import forks
from tests.system import wait_until

SAY = "import os, sys; print(hash('x'), os.getcwd(), os.environ.get('A'), sys.argv[1:]); sys.exit(3)"


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of a module `said`, in the directory in which it is run."""
    monkeypatch.chdir(tmp_path)
    return tmp_path / "said.py"


def test_it_is_run_as_a_module_where_and_with_what_it_is_told(module: Path) -> None:
    module.write_text(SAY)
    done = forks.run("said", ["b", "c"], {"A": "1"})
    said = done.stdout.split(maxsplit=1)
    assert (done.returncode, said[1]) == (3, f"{module.parent} 1 ['b', 'c']\n")


def test_two_in_turn_hash_otherwise(module: Path) -> None:
    module.write_text(SAY)
    first, second, third = (forks.run("said", [], {}).stdout.split()[0] for _ in range(3))
    assert first == third != second


def test_a_failure_is_told(module: Path) -> None:
    module.write_text("raise ValueError('oops')")
    assert "oops" in forks.run("said", [], {}).stderr
    with pytest.raises(subprocess.CalledProcessError) as failed:
        forks.run("said", [], {}, check=True)
    assert failed.value.returncode == 1


def test_what_is_killed_has_ended(module: Path) -> None:
    module.write_text("import signal; print('here', flush=True); signal.pause()")
    with tempfile.TemporaryFile() as out:
        process = forks.start("said", [], {}, out, out)
        wait_until(lambda: os.fstat(out.fileno()).st_size, "it is there")
        assert process.poll() is None
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0)
        process.kill()
        assert process.wait() == process.poll() == -signal.SIGKILL
        process.kill()  # of no use, and no trouble
