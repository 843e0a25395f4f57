"""The console's connections, with bounds that uvicorn does not have: the headers of a request, and its body, have their
time. What goes out has none: a page may follow what happens for hours."""

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol

from engine.stream.web.connections import Crowd, Pace

MOST_CONNECTIONS = 150
_HEADERS_S, _BODY_S = 10.0, 60.0


class BoundedHttp(H11Protocol):
    """One connection (`tests/unit/console/test_bounded_http.py` fails where uvicorn moves)."""

    crowd = Crowd(MOST_CONNECTIONS, _HEADERS_S)
    pace: Pace

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        super().connection_made(transport)
        self.pace = self.crowd.enter(transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        self.crowd.leave(self.pace)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self.pace.hear()
        super().data_received(data)

    def handle_events(self) -> None:
        """What has come is read: headers, a part of a body, or its end."""
        super().handle_events()
        cycle = self.cycle
        if cycle is None or cycle.response_complete:
            return
        if not cycle.more_body:
            self.pace.go_on("request")
        elif self.pace.step != "request":
            self.pace.go_on("request", _BODY_S)

    def on_response_complete(self) -> None:
        """What was asked is answered; there may be another request behind it."""
        self.pace.go_on("rest")
        super().on_response_complete()
