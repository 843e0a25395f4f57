"""A worker that is asked for traces, on real topics: a collector gets an event's whole way, and no other event's."""

import gzip
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import orjson
import pytest

from engine.trace_settings import TraceSettings
from tests.system import System, wait_until

messages = pytest.importorskip(
    "opentelemetry.proto.collector.trace.v1.trace_service_pb2", reason="the extra `traces` is missing"
)

RULES = """
version: 1
counters:
  users: {distinct: user_id, of: post, by: device_id, over: 10m}
rules:
  farm: {event: post, when: [users >= 3], then: {challenge: captcha}}
"""
TRACE = b"a" * 32


class Collector:
    """Takes OTLP over HTTP, and keeps the spans."""

    def __init__(self) -> None:
        self.spans: list[Any] = []

    @contextmanager
    def listening(self) -> Iterator[str]:
        """Its address."""
        spans = self.spans

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                request = messages.ExportTraceServiceRequest.FromString(self._body())
                spans.extend(span for one in request.resource_spans for of in one.scope_spans for span in of.spans)
                self.send_response(200)
                self.end_headers()

            def _body(self) -> bytes:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                return gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body

            def log_message(self, *_: Any) -> None: ...

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/v1/traces"
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

    def named(self, name: str) -> list[Any]:
        """In the order of their beginnings."""
        return sorted((span for span in self.spans if span.name == name), key=lambda span: span.start_time_unix_nano)


def test_the_way_of_an_event_from_its_topic_to_its_action_is_one_trace(tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text(RULES)
    collector = Collector()
    with (
        collector.listening() as address,
        System(tmp_path, session_timeout_ms=10_000,
               traces=TraceSettings(address, share=0.0, trusts_events=True)) as system,
    ):  # fmt: skip
        system.push_rules(rules)
        worker = system.start_worker("one")
        wait_until(worker.ready, "it is ready")
        now_ms = int(time.time() * 1000)
        posts = [
            {"event_id": f"e{n}", "type": "post", "user_id": f"u{n}", "ts": now_ms, "device_id": "d"} for n in range(3)
        ]
        *quiet, traced = posts
        system.publish(map(orjson.dumps, quiet))
        system.wait_until_decided()
        header = [("traceparent", b"00-" + TRACE + b"-" + b"b" * 16 + b"-01")]
        system.send(system.settings.topics.events, b"u2", orjson.dumps(traced), header)
        system.wait_until_decided()
        assert [action["event_id"] for action in system.actions()] == ["e2"]
        wait_until(lambda: len(collector.named("visit hops")) == 2, "its way is told")
        assert worker.stop() == 0

    assert {span.trace_id.hex() for span in collector.spans} == {TRACE.decode()}
    begins = collector.named("visit events")
    way = [*begins, *collector.named("visit hops")]
    assert len(begins) == 1
    assert [span.parent_span_id.hex() for span in way] == ["b" * 16, *(span.span_id.hex() for span in way[:-1])]
    for visit in way:
        stages = [span.name for span in collector.spans if span.parent_span_id == visit.span_id]
        assert {"wait", "decide", "publish", "store"} <= set(stages)
