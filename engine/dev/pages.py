"""A worker's web pages, seen from outside: by the demo, the benchmarks and the tests."""

import socket
import urllib.error
import urllib.request


def free_port() -> int:
    """A port on loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def read_page(port: int, path: str) -> str:
    """A page of the worker on this port; empty while it is not up or not ready."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as response:
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
