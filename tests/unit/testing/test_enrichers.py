"""The kit, on an enricher that keeps to the contract, and on those that do not."""

from collections.abc import Mapping
from typing import Any

import pytest

from engine.enrich.enricher import Enricher, RawEvent
from engine.testing import EnricherTests
from examples.phones.floodgate_phones import Phones


class TestPhones(EnricherTests):
    """The example."""

    kind = Phones
    events = (
        {"event_id": "1", "type": "post", "user_id": "u", "text": "call +49 30 1234567 or +44 (20) 7946-0000"},
        {"event_id": "2", "type": "post", "user_id": "u", "text": "1 + 1 = 2"},
    )
    finds = ({"count": 2, "countries": ["DE", "GB"]}, None)


class Careless(Enricher):
    """Believes what senders write, counts, and changes the event."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._count = 0

    async def enrich(self, event: RawEvent) -> Mapping[str, Any] | None:
        """How long the text is, and how many came before."""
        self._count += 1
        event.fields["seen"] = True
        return {"length": len(event.fields["text"]), "count": self._count}


def test_the_kit_tells_what_an_enricher_does_not_keep_to() -> None:
    kit = EnricherTests()
    kit.kind, kit.events, kit.finds = Careless, ({"text": "a"}, {"text": "bb"}), ({}, {})  # type: ignore[misc]
    for broken in (
        kit.test_it_finds_what_it_should, kit.test_the_same_event_has_the_same_answer,
        kit.test_nothing_that_a_sender_writes_makes_it_fail, kit.test_what_it_finds_goes_through_the_stage,
        kit.test_an_option_that_it_does_not_have_is_refused,
    ):  # fmt: skip
        with pytest.raises(AssertionError):
            broken()
