"""The peers: other ways to do the same job, as programs of their own (README and workload.md beside them).

They stand in `../shared/peers` beside this project; where they do not, or where one cannot be installed, it is
skipped by name. They are copied to `benchmarks/out/peers`, with a virtual environment and a broker of their own.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from benchmarks.measure import Cost

SOURCE = Path(__file__).parents[2] / "shared" / "peers"
HOME = Path(__file__).parent / "out" / "peers"
EVENTS = HOME / "data" / "events.jsonl"
TIMEOUT_S = 120
_VENVS = {"python": "v", "flink": "vflink"}
"""The names that the programs expect."""


@dataclass(frozen=True, slots=True)
class Peer:
    """One program. `needs`: its packages; `commands`: one, or two of different length whose difference counts."""

    name: str
    what: str
    needs: tuple[str, ...]
    commands: tuple[str, ...]
    whole_run: bool = False
    environment: str = "python"
    settings: tuple[tuple[str, str], ...] = ()


CLIENT = ("confluent-kafka==2.12.2", "orjson", "pyyaml", "numpy", "msgspec")
FAUST = (*CLIENT, "faust-streaming==0.15.3", "aiokafka==0.14.0", "cramjam", "rocksdict==0.3.29")
PEERS = (
    Peer("limit", "consume + orjson.loads", CLIENT, ("limits.py consume_json events",), whole_run=True),
    Peer("plain_changelog", "hand-written loop, RocksDB, changelog", (*CLIENT, "rocksdict==0.3.29"),
         ("peer_plain.py changelog",)),
    Peer("quix", "Quix Streams", (*CLIENT, "quixstreams==3.28.0"), ("peer_quix.py apply",)),
    Peer("bytewax", "Bytewax", (*CLIENT, "bytewax==0.21.1"), ("peer_bytewax.py batch",)),
    Peer("pathway", "Pathway", (*CLIENT, "pathway==0.33.0"), ("peer_pathway.py stateful",),
         settings=(("PERSIST", "1"),)),
    Peer("flink_java", "Flink in Java, from a file", ("apache-flink==1.20.5", "orjson", "pyyaml"),
         ("peer_flink_java.py 200000", "peer_flink_java.py 1000000"), environment="flink"),
    Peer("faust_one_record", "Faust, one record for each user", FAUST, ("peer_faust.py one 50000 events_50000",)),
    Peer("faust_tables", "Faust, windowed tables", FAUST, ("peer_faust.py hopping 5000 events_5000",)),
)  # fmt: skip


def install(console: Console, wanted: Sequence[Peer] = PEERS) -> list[Peer]:
    """Those that could be installed here, with the shared events. Says which are skipped, and why."""
    if not SOURCE.is_dir():
        console.print(f"[yellow]skipped: {', '.join(peer.name for peer in wanted)}: no programs in {SOURCE.name}[/]")
        return []
    shutil.copytree(SOURCE, HOME, dirs_exist_ok=True)
    ready = []
    for peer in wanted:
        try:
            _install_packages(peer)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            console.print(f"[yellow]skipped: {peer.name}: it cannot be installed here ({error})[/]")
            continue
        ready.append(peer)
    if not EVENTS.exists():
        _run([interpreter("python"), "gen.py"])
    return ready


@contextmanager
def broker() -> Iterator[None]:
    """The peers' broker, with the shared events in its topics."""
    server = subprocess.Popen([interpreter("python"), "broker.py", "36000"], cwd=HOME, stdout=subprocess.PIPE)
    try:
        assert server.stdout is not None
        server.stdout.readline()
        for arguments in ("200000 zstd events", "50000 zstd events_50000", "5000 zstd events_5000"):
            _run([interpreter("python"), "load.py", *arguments.split()])
        yield
    finally:
        server.kill()
        server.wait()


def measure(peer: Peer) -> tuple[Cost, str]:
    """One run: its cost, and the checksum over its actions. Raises RuntimeError when it fails."""
    found = [_measure(peer, command) for command in peer.commands]
    last = found[-1]
    if len(found) == 1:
        cpu = last["cpu_us_run" if peer.whole_run else "cpu_us"]
        return Cost(cpu, last["wall_us"], last.get("maxrss_mb") or 0.0), str(last["check"])
    first, events = found[0], last["n"] - found[0]["n"]  # what starting takes is left out
    cpu, wall = ((last[key] - first[key]) / events * 1e6 for key in ("cpu_s", "wall_s"))
    return Cost(cpu, wall, 0.0), str(last["check"])


def _measure(peer: Peer, command: str) -> dict[str, float]:
    results = HOME / "results.jsonl"
    before = results.stat().st_size if results.exists() else 0
    environment = {**os.environ, **dict(peer.settings)}
    run = subprocess.run(
        [interpreter(peer.environment), "-W", "ignore", *command.split()], cwd=HOME, env=environment, timeout=TIMEOUT_S,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False,
    )  # fmt: skip
    lines = [line for line in run.stdout.splitlines() if line.startswith('{"peer"')]
    if not lines and results.exists():  # Faust keeps the output for itself
        with results.open() as written:
            written.seek(before)
            lines = written.read().splitlines()
    if not lines:
        raise RuntimeError(f"{peer.name} ended with {run.returncode} and told nothing")
    found: dict[str, float] = json.loads(lines[-1])
    return found


def _install_packages(peer: Peer) -> None:
    venv = HOME / _VENVS[peer.environment]
    if not venv.exists():
        _run([sys.executable, "-m", "venv", str(venv)])
        _run([interpreter(peer.environment), "-m", "pip", "install", "--quiet", "uv"])
    done = venv / f".{peer.name}"
    if not done.exists():
        started = time.monotonic()
        _run([interpreter(peer.environment), "-m", "uv", "pip", "install", "--quiet", *peer.needs])
        done.write_text(f"{time.monotonic() - started:.0f} s\n")


def interpreter(environment: str) -> str:
    """The Python of one of the virtual environments."""
    return str(HOME / _VENVS[environment] / "bin" / "python")


def _run(command: list[str]) -> None:
    subprocess.run(command, cwd=HOME, check=True, timeout=600, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
