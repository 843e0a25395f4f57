"""The broker's socket: frames in, one handler per API, frames out, in order per connection."""

import asyncio
import contextlib
import inspect
import socket
import struct
from collections.abc import Callable
from typing import Any

import kafka.protocol.admin
import kafka.protocol.consumer
import kafka.protocol.metadata
import kafka.protocol.producer
from kafka.protocol.metadata import ApiVersionsResponse

from engine.dev.broker import codes
from engine.dev.broker.admin_api import AdminApi
from engine.dev.broker.data_api import DataApi
from engine.dev.broker.group_api import GroupApi
from engine.dev.broker.groups import Groups
from engine.dev.broker.topics import BrokerSettings, Topics
from engine.dev.broker.transaction_api import TransactionApi
from engine.dev.broker.transactions import Transactions

API_VERSIONS = 18
SUPPORTED: dict[int, tuple[int, int]] = {
    0: (3, 8), 1: (4, 11), 2: (1, 5), 3: (0, 8), 8: (2, 7), 9: (1, 5), 10: (0, 2), 11: (0, 5), 12: (0, 3),
    13: (0, 3), 14: (0, 3), 15: (0, 4), 16: (0, 2), 18: (0, 3), 19: (2, 4), 20: (1, 3), 21: (0, 1), 22: (0, 1),
    23: (2, 3), 24: (0, 2), 25: (0, 2), 26: (0, 2), 28: (0, 2), 32: (1, 3), 33: (0, 1), 37: (0, 1), 42: (0, 1),
    44: (0, 0),
}  # fmt: skip
"""The versions of each API that this broker speaks: new enough for today's clients, no newer than needed."""

_MAX_FRAME_BYTES = 128 << 20
_EXPIRY_INTERVAL_S = 0.2
_MODULES = (kafka.protocol.producer, kafka.protocol.consumer, kafka.protocol.metadata, kafka.protocol.admin)
REQUESTS: dict[int, Any] = {
    message.API_KEY: message
    for module in _MODULES
    for name, message in vars(module).items()
    if name.endswith("Request") and hasattr(message, "API_KEY")
}

Handler = Callable[[Any, int, str], Any]


class Broker:
    """A whole broker. `start` binds it, `serve` runs until cancelled."""

    def __init__(self, settings: BrokerSettings) -> None:
        self.settings = settings
        self.topics = Topics(settings)
        self.groups = Groups()
        self._admin = AdminApi(self.topics, self.groups, settings)
        self._group_api = GroupApi(self.groups)
        transactions = TransactionApi(self.topics, Transactions(self.topics, self.groups))
        self._handlers: dict[int, Handler] = {
            API_VERSIONS: self._api_versions,
            **DataApi(self.topics).handlers,
            **self._admin.handlers,
            **self._group_api.handlers,
            **transactions.handlers,
        }
        self._server: asyncio.Server | None = None

    async def start(self) -> str:
        """Bind and answer; returns `host:port`."""
        self._server = await asyncio.start_server(self._converse, self.settings.host, self.settings.port, limit=1 << 26)
        host, port = self._server.sockets[0].getsockname()[:2]
        self._admin.address = self._group_api.address = (host, port)
        return f"{host}:{port}"

    async def serve(self) -> None:
        """Keep the groups' sessions until cancelled."""
        try:
            while True:
                await asyncio.sleep(_EXPIRY_INTERVAL_S)
                self.groups.expire_members()
        finally:
            if self._server is not None:
                self._server.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            while True:
                (size,) = struct.unpack(">i", await reader.readexactly(4))
                if not 8 <= size <= _MAX_FRAME_BYTES:
                    return
                answer = await self._answer(memoryview(await reader.readexactly(size)))
                if answer is not None:
                    writer.write(answer)
                    await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def _answer(self, frame: memoryview) -> bytes | None:
        key, version, correlation_id, client_length = struct.unpack_from(">hhih", frame)
        at = 10 + max(client_length, 0)
        client = bytes(frame[10:at]).decode(errors="replace")
        lowest, highest = SUPPORTED.get(key, (1, 0))
        if key == API_VERSIONS and version > highest:
            # The one answer that every client understands: version 0, with the error.
            body = struct.pack(">hi", codes.UNSUPPORTED_VERSION, 1) + struct.pack(">hhh", key, lowest, highest)
            return struct.pack(">ii", len(body) + 4, correlation_id) + body
        if not lowest <= version <= highest:
            raise ConnectionError(f"API {key} version {version} is not supported")
        message = REQUESTS[key]
        flexible = message.flexible_version_q(version)
        response = self._handlers[key](message.decode(frame[at + flexible :], version=version), version, client)
        if inspect.isawaitable(response):
            response = await response
        if response is None:
            return None
        tags = b"\0" if flexible and key != API_VERSIONS else b""
        body = bytes(response.encode(version=version))
        return struct.pack(">ii", len(body) + 4 + len(tags), correlation_id) + tags + body

    @staticmethod
    def _api_versions(_request: Any, _version: int, _client: str) -> Any:
        ranges = [
            ApiVersionsResponse.ApiVersion(api_key=key, min_version=lowest, max_version=highest)
            for key, (lowest, highest) in SUPPORTED.items()
        ]
        return ApiVersionsResponse(error_code=0, throttle_time_ms=0, api_keys=ranges)
