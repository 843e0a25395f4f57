"""Drafts: kept as they were seen, and over when they are pushed or dropped."""

import pytest

from engine.console.store import drafts
from engine.console.store.database import Store
from engine.errors import RequestError


def test_a_draft_is_changed_as_it_was_seen_or_not_at_all(store: Store) -> None:
    with store.write() as connection:
        number = drafts.begin(connection, "ann", "r1", {"a.yaml": "x"}, 5)
        first = drafts.find(connection, number)
        drafts.save(connection, first, {"a.yaml": "y"}, 5)
        second = drafts.find(connection, number)
        assert (second.files, second.changed_ms) == ({"a.yaml": "y"}, 6)
        with pytest.raises(RequestError):
            drafts.save(connection, first, {"a.yaml": "z"}, 7)
        drafts.propose(connection, second, "ann", "why", 8)
        proposed = drafts.find(connection, number)
        assert (proposed.state, proposed.note) == ("proposed", "why")
        drafts.save(connection, proposed, {"a.yaml": "z"}, 9)
        assert drafts.find(connection, number).state == "draft"


def test_what_is_over_stays_over(store: Store) -> None:
    with store.write() as connection:
        for end in (drafts.drop, lambda c, d, ms: drafts.mark_pushed(c, d, "why", None, ms)):
            number = drafts.begin(connection, "ann", "", {}, 5)
            end(connection, drafts.find(connection, number), 6)
            over = drafts.find(connection, number)
            assert not over.is_open
            with pytest.raises(RequestError):
                drafts.save(connection, over, {}, 7)
        assert drafts.open_drafts(connection) == []
        with pytest.raises(RequestError):
            drafts.find(connection, 99)
