"""A worker's web pages, seen from outside: by the demo, the benchmarks and the tests."""

import contextlib
import random
import socket
import urllib.error
import urllib.request

PORTS = (10_100, 30_000)
"""From which ports are taken, and which one is the first that is not: above those to which no browser goes, the
last of which is 10080. Test processes share it out."""

_given = set[int]()
_ANSWER_S = 30.0
"""Whoever is there answers, however busy it is; where nobody is, that is known at once."""


def free_port() -> int:
    """A port on loopback that nobody listens on."""
    return free_ports(1)


def free_ports(count: int) -> int:
    """The first of several ports in a row on which nobody listens: below those that clients are given, as any of these
    may be a client's by the time that it is wanted, and while who listens there is started again. None is given twice:
    who has been given one may not listen yet."""
    while True:
        first = random.SystemRandom().randrange(
            PORTS[0], PORTS[1] + 1 - count
        )  # whoever asks may be seeded as others are
        ports = range(first, first + count)
        if not _given.isdisjoint(ports):
            continue
        with contextlib.ExitStack() as probes, contextlib.suppress(OSError):
            for port in ports:
                probes.enter_context(socket.create_server(("127.0.0.1", port)))
            _given.update(ports)
            return first


def read_page(port: int, path: str) -> str:
    """A page of the worker on this port; empty while it is not up or not ready."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=_ANSWER_S) as response:
            return str(response.read().decode())
    except urllib.error.HTTPError as refusal:
        refusal.close()
        return ""
    except OSError:
        return ""


def metric_sum(page: str, name: str) -> float:
    """A metric on the page /metrics, summed over its labels; 0 where it is absent."""
    lines = [line for line in page.splitlines() if line.startswith((f"{name} ", f"{name}{{"))]
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines)
