"""What moderators may say of an event."""

from typing import Literal

Verdict = Literal["spam", "ham", "retracted"]

VERDICTS: tuple[Verdict, ...] = ("spam", "ham", "retracted")
