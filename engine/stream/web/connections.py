"""Connections of clients that are slow, or too many: each step of one has its time, and there are only so many.

HTTP servers wait for a request's headers for as long as bytes trickle in, and for whoever takes an answer for ever.
"""

import asyncio
from collections.abc import Callable
from typing import Literal

Step = Literal["headers", "request", "rest"]
"""What a connection is at: its next request's headers come; a request is there and is answered; nothing is asked."""

Reason = Literal["slow_headers", "slow_request", "too_many"]
"""Why a connection was closed."""

REASONS: tuple[Reason, ...] = ("slow_headers", "slow_request", "too_many")


def note_nothing(_: Reason) -> None:
    """Nobody counts them."""


class Crowd:
    """The connections of one server. `most`: so many at once; `headers_s`: so long the headers of a request may take,
    from the connection or their first byte on; `note`: told of each that is closed."""

    def __init__(self, most: int, headers_s: float, note: Callable[[Reason], None] = note_nothing) -> None:
        self._most, self._headers_s, self._note = most, headers_s, note
        self._paces: dict[Pace, None] = {}

    def __len__(self) -> int:
        return len(self._paces)

    def enter(self, abort: Callable[[], None]) -> "Pace":
        """One more, whose first headers are awaited; `abort` closes it at once. Where there are too many, the oldest
        that has asked for nothing goes, else the oldest that rests, else this one."""
        pace = Pace(self, abort)
        if len(self._paces) >= self._most:
            steps = (self._oldest("headers"), self._oldest("rest"))
            self.close(next((one for one in steps if one is not None), pace), "too_many")
        if not pace.is_closed:
            self._paces[pace] = None
            pace.hear()
        return pace

    def leave(self, pace: "Pace") -> None:
        """A connection is no more."""
        pace.go_on("rest")
        pace.is_closed = True
        self._paces.pop(pace, None)

    def close(self, pace: "Pace", reason: Reason) -> None:
        """Close a connection."""
        self._note(reason)
        self.leave(pace)
        pace.abort()

    @property
    def headers_s(self) -> float:
        """How long headers may take."""
        return self._headers_s

    def _oldest(self, step: Step) -> "Pace | None":
        return next((pace for pace in self._paces if pace.step == step), None)


class Pace:
    """How far one connection is, and how long that may take."""

    def __init__(self, crowd: Crowd, abort: Callable[[], None]) -> None:
        self.step: Step = "rest"
        self.abort, self.is_closed = abort, False
        self._crowd = crowd
        self._timer: asyncio.TimerHandle | None = None

    def hear(self) -> None:
        """Bytes have come: of new headers, where nothing was asked."""
        if self.step == "rest" and not self.is_closed:
            self.go_on("headers", self._crowd.headers_s)

    def go_on(self, step: Step, within_s: float | None = None) -> None:
        """It is at this step now, which may take so long."""
        self.step = step
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if within_s is not None and not self.is_closed:
            self._timer = asyncio.get_running_loop().call_later(within_s, self._close)

    def _close(self) -> None:
        self._crowd.close(self, "slow_headers" if self.step == "headers" else "slow_request")
