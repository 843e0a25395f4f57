"""`make fuzz INPUTS=1000000 SEED=1`: bytes at random, guided by what they reach (Atheris, libFuzzer).

Each target runs in a process of its own. What it must not do ends it: an exception that is not drawn in
`engine/errors.py`, ten seconds for one input, two gigabytes. The input is then kept in `build/fuzz`.
"""

import argparse
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import atheris

_KEPT = Path("build/fuzz")
MAX_BYTES, MAX_SECONDS, MAX_MB = 4_096, 10, 2_048


def main() -> None:
    """Run all targets, or one as a process of its own; exit code 1 when one breaks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--target", help="only this one")
    parser.add_argument("--corpus", type=Path, help="where one target's inputs are kept")
    options = parser.parse_args()
    if options.corpus is not None:
        _fuzz(options.target, options.inputs, options.seed, options.corpus)
        return
    with tempfile.TemporaryDirectory() as directory:
        sys.exit(_run_all(options, Path(directory)))


def _run_all(options: Any, directory: Path) -> int:
    from tests.fuzz.targets import targets

    broken, total = [], 0
    print(f"{'target':12} {'inputs':>9} {'seconds':>8} {'reached':>8}  outcome", flush=True)
    for target in targets():
        if options.target not in (None, target.name):
            continue
        corpus = directory / target.name
        corpus.mkdir()
        for number, seed in enumerate(target.seeds):
            (corpus / str(number)).write_bytes(seed)
        inputs = max(1, round(options.inputs * (1 if options.target else target.share)))
        command = [sys.executable, "-m", __spec__.name, "--target", target.name, "--inputs", str(inputs),
                   "--seed", str(options.seed), "--corpus", str(corpus)]  # fmt: skip
        began = time.monotonic()
        ended = subprocess.run(command, check=False, capture_output=True, text=True, errors="replace")
        done = re.search(r"Done (\d+)", ended.stderr)
        reached = re.findall(r"cov: (\d+)", ended.stderr)
        total += int(done[1]) if done else 0
        # libFuzzer's own alarm may come when all is done and no one handles it; one that is heard exits with 70.
        well = ended.returncode == 0 or (done is not None and ended.returncode == -signal.SIGALRM)
        outcome = "ok" if well else "BROKEN"
        print(f"{target.name:12} {done[1] if done else '?':>9} {time.monotonic() - began:8.1f} "
              f"{reached[-1] if reached else '?':>8}  {outcome}", flush=True)  # fmt: skip
        if not well:
            broken.append(target.name)
            print(ended.stderr[-3_000:])
    print(f"{total:,} inputs, {len(broken)} targets broken{': ' if broken else ''}{', '.join(broken)}")
    return 1 if broken else 0


def _fuzz(name: str, inputs: int, seed: int, corpus: Path) -> None:
    with atheris.instrument_imports(include=["engine"]):
        from tests.fuzz.targets import targets, try_out
    target = next(one for one in targets() if one.name == name)
    arguments = [f"-atheris_runs={inputs}", f"-seed={seed}", f"-max_len={MAX_BYTES}", f"-timeout={MAX_SECONDS}",
                 f"-rss_limit_mb={MAX_MB}", "-print_final_stats=1", str(corpus)]  # fmt: skip
    _KEPT.mkdir(parents=True, exist_ok=True)
    arguments.append(f"-artifact_prefix={_KEPT}/")
    atheris.Setup([sys.argv[0], *arguments], lambda data: try_out(target, data))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
