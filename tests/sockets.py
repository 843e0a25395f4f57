"""Connections of tests, read from outside."""

import asyncio
import contextlib


class Clients:
    """Connections to a port of this machine."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._writers = list[asyncio.StreamWriter]()

    async def connect(self, sent: bytes = b"") -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """One more, on which this is sent."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self._writers.append(writer)
        writer.write(sent)
        await writer.drain()
        return reader, writer

    async def leave(self) -> None:
        """Close all of them."""
        for writer in self._writers:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()


async def read_to_the_end(reader: asyncio.StreamReader) -> bytes:
    """All that comes until the connection is closed, however that is done."""
    try:
        return await reader.read()
    except ConnectionError:
        return b""
