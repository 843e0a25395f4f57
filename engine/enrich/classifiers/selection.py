"""Which events a classifier is asked about, as a condition in the language of rules."""

import time
from typing import Any

import orjson

from engine.core.domain.rules import ANY_EVENT
from engine.core.values.identity import COMPUTED_FIELDS
from engine.enrich.enricher import RawEvent
from engine.errors import RulebookError
from engine.rulebook.compiler import load_rulebook

_FILE = "only.yaml"
_NOT_SENT = {*COMPUTED_FIELDS, "media", "enriched"}
"""What engines and enrichers say of an event: whoever sends it cannot choose by them not to be asked about."""


class Selection:
    """A condition on what an event says. `fields`: declared as in a rulebook, where it names more than `event.x`. An
    event for which it is unknown is asked about: who leaves out a field is not exempt. Raises ValueError."""

    def __init__(self, condition: str, fields: dict[str, Any]) -> None:
        skipped = {
            "event": ANY_EVENT, "when": [f"not ({condition})"], "then": {"hide": "event"}, "mode": "shadow",
            "meta": {"owner": "only", "reason": "only"},
        }  # fmt: skip
        rulebook = orjson.dumps(
            {"version": 1, "fields": fields, "rules": {"skipped": skipped}}, option=orjson.OPT_INDENT_2
        ).decode()
        try:
            self._decider = load_rulebook({_FILE: rulebook}).programs[ANY_EVENT].decider
        except RulebookError as error:
            raise ValueError(f"`only` cannot be used: {error}") from error

    def holds_for(self, event: RawEvent) -> bool:
        """Whether an event is asked about."""
        known: dict[str, Any] = {"type": event.type, "user_id": event.user_id, "event_id": event.event_id}
        named = {name: value for name, value in known.items() if value}
        said = {name: value for name, value in event.fields.items() if name not in _NOT_SENT}
        return not self._decider.decide({**said, **named}, {}, time.time_ns() // 1_000_000, _ask)


def _ask(model: str, _: Any) -> None:
    raise AssertionError(f"a condition asks no models, such as {model}")
