"""Ports that a command listens on: where one is taken, that is said before anything has begun."""

import socket

from engine.errors import SettingsError


def raise_if_taken(host: str, port: int, setting: str) -> None:
    """Raise SettingsError, which names the setting, where nothing can listen on this port now."""
    try:
        socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET).close()
    except OSError as error:
        problem = (error.strerror or "").partition(" (")[0]  # what follows names the address again
        raise SettingsError(f"`{setting}`: nothing can listen on {host}:{port}: {problem}") from error
