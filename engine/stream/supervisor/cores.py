"""How many cores this process may use."""

import os
from pathlib import Path, PurePosixPath

_SELF = Path("/proc/self/cgroup")
_CGROUPS = Path("/sys/fs/cgroup")


def usable_cores() -> int:
    """Those that it may run on, and no more than the limit of its control group (`CPUQuota`, `limits.cpu`) pays for in
    full; at least 1."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    limit = _limit(_SELF, _CGROUPS)
    return max(1, cores if limit is None else min(cores, int(limit)))


def _limit(own: Path, root: Path) -> float | None:
    """Cores, by the strictest limit from the process's control group upwards; None without one. Version 2 alone: its
    line in `own` begins with `0::`."""
    try:
        places = [line.removeprefix("0::/") for line in own.read_text().splitlines() if line.startswith("0::/")]
    except OSError:
        return None
    limits = []
    for place in places:
        for group in (PurePosixPath(place), *PurePosixPath(place).parents):
            try:
                quota, period = (root / group / "cpu.max").read_text().split()
            except (OSError, ValueError):  # the root has none
                continue
            if quota != "max":
                limits.append(int(quota) / int(period))
    return min(limits, default=None)
