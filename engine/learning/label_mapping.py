"""Other people's verdicts: moderation tools keep their names, and the mapping says what these are among ours."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from engine.core.domain.events import EARLIEST_MS, LATEST_MS, TimeUnit, epoch_ms, rename
from engine.core.kernel import lookup
from engine.errors import EventError
from engine.learning.verdicts import VERDICTS, Verdict

LABEL_FIELDS = ("event_id", "action_id", "label", "ts", "user_id", "type", "moderator", "propensity", "policy")
"""What a label may say."""


@dataclass(frozen=True, slots=True)
class LabelMapping:
    """Where our fields are found in a tool's labels.

    `sources`: our name to a dotted path in the label. `verdicts`: what the tool says, and which verdict it means.
    `ts_unit` and `as_string`: as in the mapping of events.
    """

    sources: Mapping[str, str] = field(default_factory=dict)
    verdicts: Mapping[str, Verdict] = field(default_factory=dict)
    ts_unit: TimeUnit = "auto"
    as_string: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        """Whether it changes anything."""
        return self != LabelMapping()

    def translate(self, document: dict[str, Any]) -> dict[str, Any]:
        """A decoded label in our terms, and in those alone. Revocations, and what is in our terms already, stay as they
        are. What is no label is none afterwards either."""
        if not self or "revokes" in document or self.is_ours(document):
            return document
        translated = rename(document, self.sources, self.as_string)
        verdict = translated.get("label")
        translated["label"] = self.verdicts.get(_word(verdict), verdict)
        with suppress(EventError):  # whoever reads the label refuses it
            translated["ts"] = epoch_ms(translated.get("ts"), self.ts_unit)
        return {name: translated[name] for name in LABEL_FIELDS if translated.get(name) is not None}

    def is_ours(self, document: dict[str, Any]) -> bool:
        """Whether it names an event or action, has a verdict of ours and a time, no integer that is to become a string,
        and nothing at the tool's paths."""
        return (
            (document.get("event_id") or document.get("action_id")) is not None
            and document.get("label") in VERDICTS
            and _is_time(document.get("ts"))
            and not any(type(document.get(name)) is int for name in self.as_string)
            and not any(_is_theirs(path) and lookup(document, path) is not None for path in self.sources.values())
        )


def _is_theirs(path: str) -> bool:
    """Whether a path tells the tool's labels from ours."""
    return path.partition(".")[0] not in LABEL_FIELDS


def _is_time(value: object) -> bool:
    try:
        return EARLIEST_MS <= epoch_ms(value, "auto") <= LATEST_MS
    except EventError:
        return False


def _word(value: object) -> str:
    return str(value).lower() if type(value) is bool else str(value)
