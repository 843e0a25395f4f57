"""What an enricher answers where it found nothing out."""

import re

_REASON = re.compile(r"[a-z][a-z0-9_]{0,39}")


class Missing(Exception):  # noqa: N818  # it is an answer, no error of ours
    """An enricher cannot tell. `reason`: one of a few short words, which events and metrics carry: `too_large`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason if _REASON.fullmatch(reason) else "failed"
