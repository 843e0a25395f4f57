"""Connections of tests, read from outside."""

import asyncio


async def read_to_the_end(reader: asyncio.StreamReader) -> bytes:
    """All that comes until the connection is closed, however that is done."""
    try:
        return await reader.read()
    except ConnectionError:
        return b""
