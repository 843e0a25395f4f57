"""What an enricher answers where it found nothing out, or not all."""

import re
from typing import Any

_REASON = re.compile(r"[a-z][a-z0-9_]{0,39}")


class Missing(Exception):  # noqa: N818  # it is an answer, no error of ours
    """An enricher cannot tell. `reason`: one of a few short words, which events and metrics carry: `too_large`;
    `so_far`: what a process of its own had found by then, if anything."""

    def __init__(self, reason: str, so_far: Any = None) -> None:
        super().__init__(reason)
        self.reason = reason if _REASON.fullmatch(reason) else "failed"
        self.so_far = so_far
