"""Durations and times as options take them, the same in every command."""

import time
from typing import Any, NamedTuple

import click

from engine.core.domain.events import EARLIEST_MS, LATEST_MS, epoch_ms
from engine.core.domain.units import duration_ms
from engine.errors import EventError

EXAMPLES = "a duration, such as 90s, 2h or 7d"


class Moment(NamedTuple):
    """A time, or how long before now it was. One of them is told."""

    span_ms: int | None
    at_ms: int | None

    def before(self, now_ms: int) -> int:
        """As epoch milliseconds. `now_ms`: what it is counted back from."""
        return self.at_ms if self.at_ms is not None else max(0, now_ms - (self.span_ms or 0))


class _Duration(click.ParamType):
    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """`2h` as milliseconds."""
        if isinstance(value, int):
            return value
        span_ms = duration_ms(str(value).strip())
        if span_ms is None:
            self.fail(f"{value!r} is not {EXAMPLES}", param, ctx)
        return span_ms


class _Moment(click.ParamType):
    name = "duration or time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Moment:
        """`2h`, `2026-11-27T10:00` (UTC where no zone is told) or epoch milliseconds."""
        if isinstance(value, Moment):
            return value
        text = str(value).strip()
        span_ms = duration_ms(text)
        if span_ms is not None:
            return Moment(span_ms, None)
        try:
            at_ms = epoch_ms(int(text) if text.isascii() and text.isdigit() else text, "auto")
        except (EventError, ValueError):
            at_ms = -1
        if not EARLIEST_MS <= at_ms <= LATEST_MS:
            expected = "a time, such as 2026-11-27T10:00, or epoch milliseconds"
            self.fail(f"{value!r} is neither {EXAMPLES}, nor {expected}", param, ctx)
        return Moment(None, at_ms)


DURATION = _Duration()
MOMENT = _Moment()
SINCE = click.option("--since", type=MOMENT, help="With event times from then on: 2h ago, or 2026-11-27T10:00.")
UNTIL = click.option("--until", type=MOMENT, help="With event times before.")


def as_epoch_ms(moment: Moment | None) -> int | None:
    """A moment that may not be told, counted back from now."""
    return moment.before(int(time.time() * 1000)) if moment is not None else None
