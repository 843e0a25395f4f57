"""A process that runs what somebody has written: bounded, and gone when it is not wanted."""

from multiprocessing.connection import Connection

import pytest

from engine.console.trying.processes import Child

FOUR_GB = 4 << 30


def echo(connection: Connection) -> None:
    """Say what is said."""
    connection.send(connection.recv())


def take_much(connection: Connection) -> None:
    """Take more memory than there may be."""
    try:
        connection.send(len(bytearray(FOUR_GB)))
    except MemoryError:
        connection.send("refused")


def wait(connection: Connection) -> None:
    """Wait for what never comes."""
    connection.recv()


def test_it_says_what_it_is_asked() -> None:
    child = Child(echo)
    child.connection.send({"a": 1})
    assert child.connection.recv() == {"a": 1}
    child.kill()
    child.connection.close()


def test_it_cannot_take_all_memory() -> None:
    child = Child(take_much)
    assert child.connection.recv() == "refused"
    child.kill()
    child.connection.close()


def test_it_is_gone_when_it_is_killed() -> None:
    child = Child(wait)
    assert child.is_running
    child.kill()
    assert not child.is_running
    with pytest.raises((EOFError, OSError)):
        child.connection.recv()
    child.connection.close()
