"""Which events a classifier is asked about."""

import pytest

from engine.enrich.classifiers.selection import Selection
from engine.enrich.enricher import RawEvent

POST = {"event_id": "e1", "type": "post", "user_id": "u1"}


def test_what_is_unknown_is_asked_about() -> None:
    selection = Selection('event.country == "de"', {})
    assert [selection.holds_for(RawEvent({**POST, "country": each})) for each in ("de", "fr")] == [True, False]
    assert selection.holds_for(RawEvent(POST))


@pytest.mark.parametrize(
    ("condition", "sent"),
    [
        ('not ("text" in invalid_fields)', {"invalid_fields": ["text"]}),
        ("not (clock_skew > 1h)", {"clock_skew": 86_400_000}),
        ("not (event.media.score.nsfw < 0.1)", {"media": {"score": {"nsfw": 0.0}}}),
        ('not (event.enriched.lang == "de")', {"enriched": {"lang": "de"}}),
    ],
)
def test_what_engines_say_is_not_believed_of_those_who_send(condition: str, sent: dict[str, object]) -> None:
    assert Selection(condition, {}).holds_for(RawEvent({**POST, **sent}))


def test_a_condition_that_cannot_be_read_is_told() -> None:
    with pytest.raises(ValueError, match="`only` cannot be used"):
        Selection("type ==", {})
