"""What workers say of themselves on `/readyz`, asked by whoever can reach them."""

import re
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlsplit

import msgspec

_ANSWER_S = 2.0
_MAX_BYTES = 1 << 16
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


class EnricherPage(msgspec.Struct, frozen=True):
    """What a worker says of an enricher: how often it was asked, for how long in all, and how often it could not tell,
    by the reason."""

    asked: int
    seconds: float
    missing: dict[str, int]


class WorkerPage(msgspec.Struct, frozen=True):
    """What a worker says. `rulebook`: the id of the one that it decides by; `waiting_for`: why it is not ready;
    `missing`: reference data that it lacks; `enrichers`: by their names, of a worker of the stage before `events`."""

    version: str
    rulebook: str | None
    waiting_for: tuple[str, ...]
    missing: tuple[str, ...] = ()
    enrichers: dict[str, EnricherPage] = {}


def address_of(member: Mapping[str, Any]) -> tuple[str, int] | None:
    """Host and port of a member of the workers' group. Faust tells the port (`ClientMetadata.url` in
    faust/assignor/client_assignment.py), the broker the host; None where the page is for the worker's own machine,
    which is not the broker's."""
    match = re.search(r'"url":"(http[^"]{1,500})"', str(member.get("member_metadata") or ""))
    if match is None:
        return None
    try:
        url, host = urlsplit(match[1]), str(member["client_host"]).lstrip("/")
        port = url.port
    except ValueError:
        return None
    if port is None or (url.hostname in _LOOPBACK and host not in _LOOPBACK):
        return None
    return host, port


def read_worker_page(address: tuple[str, int]) -> WorkerPage | None:
    """Ask a worker; None where nobody answers in two seconds, or not as a worker does."""
    connection = HTTPConnection(*address, timeout=_ANSWER_S)
    try:
        connection.request("GET", "/readyz")
        return msgspec.json.decode(connection.getresponse().read(_MAX_BYTES), type=WorkerPage)
    except (OSError, HTTPException, ValueError):  # the last is msgspec's too
        return None
    finally:
        connection.close()
