"""What is for programs alone: a description of the API, and metrics."""

from typing import Any

from prometheus_client import CollectorRegistry, Gauge, generate_latest
from starlette.responses import Response

from engine.build import find_build
from engine.console.store import outgoing, queue
from engine.console.store.health import BEHIND, PASSED_OVER, read_health
from engine.console.store.offers import Scope
from engine.console.web.access import ACCESS
from engine.console.web.visits import Page, Visit, json_response

_ANSWERS = {200: "JSON", 400: "what was asked is wrong", 401: "no account", 403: "not for this role"}


def describe_api(visit: Visit) -> Response:
    """The JSON API as OpenAPI 3.1."""
    from engine.console.web.pages import PAGES  # noqa: PLC0415  # all pages, of which this is one

    paths: dict[str, dict[str, Any]] = {}
    for page in PAGES:
        if page.is_api:
            paths.setdefault(page.path.replace(":int", ""), {})[page.method.lower()] = _operation(page)
    return json_response(
        {
            "openapi": "3.1.0",
            "info": {"title": "Floodgate console", "version": find_build().version},
            "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
            "security": [{"token": []}],
            "paths": paths,
        }
    )


def tell_metrics(visit: Visit) -> Response:
    """How the console itself is, for Prometheus."""
    registry = CollectorRegistry()
    with visit.store.read() as connection:
        health = read_health(connection)
        scope = Scope("", within_ms=visit.settings.console.service_levels_ms())
        cases = {"open": queue.count_open(connection, scope), "late": queue.count_late(connection, scope, visit.now_ms)}
        counts = {state: outgoing.count_in(connection, state) for state in (outgoing.WAITING, outgoing.FAILED)}
    for name, meaning, value in (
        ("behind", "Messages that the console has still to read", health.get(BEHIND)),
        ("passed_over", "Messages that were not the engine's own, or could not be read", health.get(PASSED_OVER)),
    ):
        gauge = Gauge(f"floodgate_console_{name}", meaning, registry=registry)
        gauge.set(value.value if value is not None else float("nan"))
    leaving = Gauge(
        "floodgate_console_outgoing", "What people have decided and is not out", ["state"], registry=registry
    )
    for state, number in counts.items():
        leaving.labels(state).set(number)
    waiting = Gauge(
        "floodgate_console_cases", "Cases that wait for a person, up to 1,000", ["source", "state"], registry=registry
    )
    for state, of_source in cases.items():
        for source, number in of_source.items():
            waiting.labels(source, state).set(number)
    return Response(generate_latest(registry), media_type="text/plain; version=0.0.4")


def _operation(page: Page) -> dict[str, Any]:
    names = [part.strip("{}").partition(":")[0] for part in page.path.split("/") if part.startswith("{")]
    parameters = [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names]
    parameters += [
        {"name": name, "in": "query", "description": meaning, "schema": {"type": "string"}}
        for name, meaning in page.parameters.items()
    ]
    return {
        "operationId": page.name,
        "summary": page.summary,
        "description": f"For the roles {', '.join(sorted(ACCESS[page.name]))}.",
        "parameters": parameters,
        "responses": {
            "200": {"description": "JSON"},
            "401": {"description": "no account"},
            "403": {"description": "no"},
        },
    }


PAGES = (
    Page("/api/openapi.json", "api_description", describe_api, is_api=True, summary="This description"),
    Page("/metrics", "metrics", tell_metrics, is_api=True, summary="Metrics of the console, for Prometheus"),
)
