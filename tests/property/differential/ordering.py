"""What came in which order, from plain lists of entries."""

from tests.property.differential.counting import Entry
from tests.property.differential.description import Counter, Sequence

Steps = list[list[int]]


def parts_of(name: str, sequence: Sequence) -> dict[str, Counter]:
    """What each step of a sequence enters, and what may not lie in between, by names of their own."""
    parts = {
        f"{name}/{at}": Counter("count", None, step.of, sequence.by, sequence.within, step.where)
        for at, step in enumerate(sequence.steps)
    }
    return parts | {f"{name}/without": Counter("count", None, sequence.without, sequence.by, sequence.within)}


def completed(sequence: Sequence, parts: list[list[Entry]], start: int, now: int, strict: bool) -> bool | None:
    """Whether a sequence has been completed in a window. `parts`: the entries of each step, and then those that may
    not lie in between; `strict`: also a doubt that can change nothing is one."""
    *steps, without = parts
    breaks = [one.time for one in without if start < one.time <= now]
    if _is_there(sequence, [_times(step, start, now, certain=True) for step in steps], breaks):
        return True
    if strict and any(not one.certain and one.time > start for step in steps for one in step):
        return None
    return None if _is_there(sequence, [_times(step, start, now, certain=False) for step in steps], breaks) else False


def _times(step: list[Entry], start: int, now: int, certain: bool) -> list[int]:
    return sorted(one.time for one in step if start < one.time <= now and (one.certain or not certain))


def _is_there(sequence: Sequence, steps: Steps, breaks: list[int]) -> bool:
    """From each entry of the first step on, the sequence that is over first is looked at."""
    for first in steps[0]:
        last: int | None = first - 1
        for times, step in zip(steps, sequence.steps, strict=True):
            later = [time for time in times if last is not None and time > last]
            last = later[step.times - 1] if len(later) >= step.times else None
        if last is not None and not any(first <= time <= last for time in breaks):
            return True
    return False
