"""What `floodgate serve` says of itself, asked by whoever can reach its pages."""

import re
from http.client import HTTPConnection, HTTPException
from typing import NamedTuple

_ANSWER_S = 2.0
_MAX_BYTES = 1 << 20
_QUESTIONS = re.compile(r'^floodgate_serve_questions_total\{outcome="(\w+)",surface="[^"]*"\} (\S+)$', re.MULTILINE)


class ServeStatus(NamedTuple):
    """A process that answers questions. `is_ready`: None where its pages cannot be reached from here; `answered`: by a
    decision, since it began; `unanswered`: by the policy."""

    address: str
    is_ready: bool | None
    answered: int = 0
    unanswered: int = 0


def read_serve_status(address: tuple[str, int]) -> ServeStatus:
    """Ask the process whose pages are there."""
    named = f"{address[0]}:{address[1]}"
    try:
        readiness, _ = _get(address, "/readyz")
        _, page = _get(address, "/metrics")
        counts = {"answered": 0, "unanswered": 0}
        for outcome, count in _QUESTIONS.findall(page):
            counts["answered" if outcome == "answered" else "unanswered"] += int(float(count))
    except (OSError, HTTPException, ValueError):
        return ServeStatus(named, None)
    return ServeStatus(named, readiness == 200, **counts)


def _get(address: tuple[str, int], path: str) -> tuple[int, str]:
    connection = HTTPConnection(*address, timeout=_ANSWER_S)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read(_MAX_BYTES).decode()
    finally:
        connection.close()
