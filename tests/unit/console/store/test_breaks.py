"""Breaks: they last until their end, or until somebody goes on."""

from engine.console.store import breaks
from engine.console.store.database import Store
from tests.console import START_MS


def test_the_last_break_counts_and_going_on_ends_it(store: Store) -> None:
    with store.write() as connection:
        assert breaks.last_until_ms(connection, "ann") == 0
        breaks.begin(connection, "ann", START_MS, START_MS + 60)
        breaks.begin(connection, "bob", START_MS, START_MS + 90)
        assert breaks.last_until_ms(connection, "ann") == START_MS + 60
        breaks.end(connection, "ann", START_MS + 10)
        assert breaks.last_until_ms(connection, "ann") == START_MS + 10
        breaks.end(connection, "ann", START_MS + 20)
        assert breaks.last_until_ms(connection, "ann") == START_MS + 10, "it was over"
        breaks.begin(connection, "ann", START_MS + 30, START_MS + 30)
        assert breaks.last_until_ms(connection, "ann") == START_MS + 30
        assert breaks.last_until_ms(connection, "bob") == START_MS + 90
