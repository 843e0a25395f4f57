"""What became of an event, as an event of its own: it was hit, acted on, labelled, or nothing came after it.

Such a follow-up has the fields of the event that it is about, and enters counters as any other: so a rule can ask how
often a domain's posts were confirmed spam. Its type begins with a sign that no type of a producer's may begin with.
"""

import re
from typing import Final

SIGN: Final = "@"
"""The first character of follow-ups' types."""

ANY_ACTION = f"{SIGN}action.any"
_LABEL, _ABSENT = f"{SIGN}label.", f"{SIGN}absent."

_WRITTEN = re.compile(r"(?:label\.(?:spam|ham)|(?:hit|shadow|action|absent)\.[a-z_][a-z0-9_]*)")


def is_follow_up(event_type: str) -> bool:
    """Whether events of this type are made by the engine."""
    return event_type[:1] == SIGN


def internal_type(written: str) -> str:
    """The type that a rulebook means by a word: `label.spam` is a follow-up's, `post` a producer's."""
    return SIGN + written if _WRITTEN.fullmatch(written) else written


def written_type(event_type: str) -> str:
    """The word by which a rulebook means a type."""
    return event_type.removeprefix(SIGN)


def label_type(verdict: str) -> str:
    """Of events that moderators have given a verdict on: spam or ham."""
    return f"{SIGN}label.{verdict}"


def hit_type(rule: str, is_shadow: bool) -> str:
    """Of events that a rule has met, in force or in shadow."""
    return f"{SIGN}{'shadow' if is_shadow else 'hit'}.{rule}"


def is_of_action(event_type: str) -> bool:
    """Whether follow-ups of this type are about actions."""
    return event_type.startswith(f"{SIGN}action.")


def action_type(kind: str) -> str:
    """Of events that an action of this kind is about."""
    return f"{SIGN}action.{kind}"


def absence_type(sequence: str) -> str:
    """Of events that were not followed by what this sequence waits for."""
    return f"{_ABSENT}{sequence}"


def is_of_decision(event_type: str) -> bool:
    """Whether it is a decision that brings follow-ups of this type about: no label, and no lapse of time."""
    return is_follow_up(event_type) and not event_type.startswith((_LABEL, _ABSENT))


def is_of_label(event_type: str) -> bool:
    """Whether it is a label that brings follow-ups of this type about."""
    return event_type.startswith(_LABEL)


def absence_met(event_type: str) -> str | None:
    """The sequence whose absences this type is about, if it is about such."""
    return event_type.removeprefix(_ABSENT) if event_type.startswith(_ABSENT) else None


def is_withdrawn(event_type: str) -> bool:
    """Whether follow-ups of this type may be taken back: of labels, and of what is revoked."""
    return is_follow_up(event_type) and not event_type.startswith((_ABSENT, f"{SIGN}shadow."))


def rule_met(event_type: str) -> str | None:
    """The rule whose hits this type is about, if it is about hits."""
    kind, _, rule = event_type.partition(".")
    return rule if kind in (f"{SIGN}hit", f"{SIGN}shadow") else None
