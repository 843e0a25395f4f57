"""What a worker's pages say."""

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from engine.stream.worker.web import add_pages


def pages(waiting: list[str]) -> dict[str, Any]:
    """The pages of a worker, by their paths, as (body, status or type)."""
    found: dict[str, Any] = {}

    def page(path: str) -> Callable[[Any], Any]:
        return lambda view: found.update({path: view})

    app: Any = SimpleNamespace(
        web=SimpleNamespace(blueprints="Faust's own"), page=page, waiting_for=lambda: waiting,
        control=SimpleNamespace(rulebook_id="abc"), metrics=SimpleNamespace(expose=lambda: b"floodgate_ready 1"),
        reference=SimpleNamespace(missing=lambda: ["file city.mmdb"]),
    )  # fmt: skip
    add_pages(app)
    assert app.web.blueprints != "Faust's own"
    view = SimpleNamespace(
        json=lambda body, status=200: (body, status), bytes=lambda body, content_type: (body, content_type)
    )
    return {path: asyncio.run(one(view, None)) for path, one in found.items()}


@pytest.mark.parametrize(
    ("waiting", "status", "code"), [([], "ready", 200), (["rulebook"], "waiting", 503)], ids=["ready", "waiting"]
)
def test_readiness_is_told_in_words_and_by_the_status(waiting: list[str], status: str, code: int) -> None:
    found = pages(waiting)
    assert found == {
        "/readyz": (
            {
                "status": status,
                "waiting_for": waiting,
                "rulebook": "abc",
                "version": "0.1.0",
                "missing": ["file city.mmdb"],  # which keeps nobody from deciding
            },
            code,
        ),
        "/healthz": ({"status": "ok"}, 200),  # it lives, whatever it waits for
        "/metrics": (b"floodgate_ready 1", "text/plain"),
    }
