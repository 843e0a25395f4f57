"""`python -m tests.audit`: known holes in what the lock files hold, within a minute.

A hole fails. Where no advisory source can be reached, this says so loudly and passes. A mirror of a package index may
answer and yet know of no hole at all: a source counts only if it knows of one that has long been known.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
LOCKS = sorted((ROOT / "requirements").glob("*.lock"))
SOURCES = ("pypi", "osv")
KNOWN = "idna==3.6"  # CVE-2024-3651
SECONDS = 55.0

# Holes that are known and do not reach this engine: which one, and why.
ACCEPTED: dict[str, str] = {}

Answer = list[dict[str, Any]] | None
Ask = Callable[[str, list[Path], float], Answer]


def ask(source: str, files: list[Path], seconds: float) -> Answer:
    """What a source says about each package in these files; None if it does not say it in time."""
    command = [sys.executable, "-m", "pip_audit", "--vulnerability-service", source, "--format", "json"]
    command += ["--no-deps", "--disable-pip", "--progress-spinner", "off", "--timeout", "5"]
    command += [word for advisory in ACCEPTED for word in ("--ignore-vuln", advisory)]
    command += [word for file in files for word in ("--requirement", str(file))]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=max(seconds, 0.1), check=False)
        return list(json.loads(done.stdout)["dependencies"])
    except (subprocess.TimeoutExpired, ValueError):
        return None


def findings(answer: list[dict[str, Any]]) -> list[str]:
    """Holes, and packages that the source has never heard of."""
    found = {f"{package['name']}: {package['skip_reason']}" for package in answer if "skip_reason" in package}
    for package in answer:
        for hole in package.get("vulns", []):
            mended = ", ".join(hole["fix_versions"]) or "no version yet"
            found.add(f"{package['name']} {package['version']}: {hole['id']}, mended in {mended}")
    return sorted(found)


def audit(ask: Ask = ask, seconds: float = SECONDS) -> int:
    """The exit status, with a line that tells why."""
    end = time.monotonic() + seconds
    with tempfile.TemporaryDirectory() as directory:
        known = Path(directory, "known.txt")
        known.write_text(KNOWN + "\n")
        for source in SOURCES:
            heard = ask(source, [known], min(8, end - time.monotonic()))
            if not heard or not any(package.get("vulns") for package in heard):
                print(f"audit: {source} {'knows of no hole in ' + KNOWN if heard else 'does not answer'}")
                continue
            answer = ask(source, LOCKS, end - time.monotonic())
            if answer is None:
                print(f"audit: {source} did not answer for every package")
                continue
            found = findings(answer)
            for line in found:
                print(f"audit: {line}")
            names = {package["name"] for package in answer}
            print(f"audit: {source} was asked about {len(names)} packages; {len(found)} findings")
            return 1 if found else 0
    print("audit: SKIPPED. NO ADVISORY SOURCE WAS REACHED, SO KNOWN HOLES WERE NOT LOOKED FOR.")
    return 0


if __name__ == "__main__":
    sys.exit(audit())
