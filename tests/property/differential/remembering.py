"""What an entity remembers, recounted from a plain list of all that has come.

For events in order there is one answer. An event that comes late, after others with later times, may also find that
nobody can tell: `kept` is that answer.
"""

from typing import Any, NamedTuple

from tests.property.differential.description import Memory, milliseconds
from tests.property.differential.values import Least


class Remembered(NamedTuple):
    """An event that has been entered. `certain`: its `where` is true; if not, it is unknown."""

    time: int
    key: tuple[str, ...]
    certain: bool
    value: Any


def recalled(memory: Memory, entries: list[Remembered], key: tuple[str, ...], now: int, kept: bool) -> Any:
    """The answer for an event at a time, before it is entered itself. `entries`: in the order of their arrival."""
    own = sorted((one for one in entries if one.key == key), key=lambda one: one.time)
    if kept and any(one.time > now for one in own):
        return None
    keep_ms = milliseconds(memory.keep)
    own = [one for one in own if one.time <= now]
    certain = [one for one in own if one.certain]
    if memory.kind == "last":
        latest = _latest(own, now, keep_ms)
        return latest.value if latest is not None and latest.certain else None
    sure, perhaps = _latest(certain, now, keep_ms), _latest(own, now, keep_ms)
    if memory.kind == "new":
        return False if sure is not None else True if perhaps is None else None
    if sure is None:
        return None
    if memory.kind == "age of last":
        doubts = [one.time for one in own if not one.certain and one.time >= sure.time + (not kept)]
        return Least(now - max(doubts)) if doubts else now - sure.time
    first, possible = _first(certain, keep_ms), _first(own, keep_ms)
    if memory.kind == "first":
        return first.value if possible.time == first.time and not (kept and possible != first) else None
    return now - first.time if possible.time == first.time else Least(now - first.time)


def warmed(memory: Memory, answer: Any, times: list[int], now: int, kept: bool) -> Any:
    """The same while it has not been watched for long enough: `times` are those of all events of its types, whoever's
    they are."""
    if memory.warm is None or answer is None or isinstance(answer, Least):
        return answer
    warm_ms, late = milliseconds(memory.warm), any(time > now for time in times)
    watched = [Remembered(time, (), True, None) for time in sorted(times) if time <= now]
    since = _first(watched, warm_ms).time if watched and now - watched[-1].time <= warm_ms else now
    watched_ms = 0 if kept and late else now - since
    if isinstance(answer, bool):
        return None if answer and watched_ms < warm_ms else answer
    return Least(answer) if watched_ms - answer < warm_ms else answer


def _latest(own: list[Remembered], now: int, keep_ms: int) -> Remembered | None:
    return own[-1] if own and now - own[-1].time <= keep_ms else None


def _first(own: list[Remembered], keep_ms: int) -> Remembered:
    """The first one since the last silence that was longer."""
    for at in range(len(own) - 1, 0, -1):
        if own[at].time - own[at - 1].time > keep_ms:
            return own[at]
    return own[0]
