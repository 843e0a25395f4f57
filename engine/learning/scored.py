"""Events as they were scored, a batch in one block, until their labels come.

What a model has read is kept, not what became of it: it takes a quarter of the room, a person can read it, and a
challenger may look at it in its own way. A block holds, for each model, a header and its columns:

    section     header_length u32 | header, JSON | rows x u64 event keys | rows x f64 scores (NaN = unknown)
                | rows x numbers x f64 (NaN = missing) | where it says so, rows x i64 times of the events
                | rows x strings x i32 lengths in characters (-1 = missing)
                | the strings, UTF-8, one after the other
"""

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import isnan, nan

import msgspec
import numpy as np
from numpy.typing import NDArray

from engine.core.domain.programs import ModelTexts
from engine.errors import StateError
from engine.learning.features import Inputs, Names

_LENGTH = struct.Struct("<I")
_DRAWN = (1 << 32) - 1
"""The lower half of a key draws; the upper half chooses what is reviewed."""


class SectionHeader(msgspec.Struct, frozen=True):
    """What a section says about itself. `version`: of the model that scored; `bytes`: of the strings; `timed`: whether
    it has the times of the events."""

    model: str
    version: str
    names: Names
    rows: int
    bytes: int
    policy: str | None = None
    presume: float = 0.0
    timed: bool | msgspec.UnsetType = msgspec.UNSET


@dataclass(frozen=True, slots=True)
class ScoredModel:
    """What one model read and said of one event; an unknown score is None. `policy`: whose labels it learns;
    `presume`: the share of events that it takes for ham; `event_ms`: when the event came, where it does so only after
    a while."""

    name: str
    version: str
    score: float | None
    names: Names
    inputs: Inputs
    policy: str | None = None
    presume: float = 0.0
    event_ms: int | None = None


@dataclass(frozen=True, slots=True)
class ScoredRows:
    """What one model read and said of many events, column by column. `places`: where they stand in their batch;
    `presume`: the share of them that is taken for ham; `times`: when they came, where that is after a while."""

    model: str
    version: str
    names: Names
    keys: NDArray[np.uint64]
    scores: NDArray[np.float64]
    numbers: NDArray[np.float64]
    texts: Sequence[ModelTexts]
    places: NDArray[np.int64]
    policy: str | None = None
    presume: float = 0.0
    times: NDArray[np.int64] | None = None

    def presumed(self) -> list[int]:
        """The rows that are taken for ham."""
        return [row for row, key in enumerate(self.keys.tolist()) if is_presumed(key, self.presume)]

    def inputs(self, row: int) -> Inputs:
        """What the model read of one of them."""
        numbers = tuple(None if isnan(number) else number for number in self.numbers[row].tolist())
        return Inputs(*self.texts[row], numbers)

    def select(self, rows: NDArray[np.int64]) -> "ScoredRows":
        """Some of them."""
        return ScoredRows(
            self.model, self.version, self.names, self.keys[rows], self.scores[rows], self.numbers[rows],
            [self.texts[row] for row in rows.tolist()], self.places[rows], self.policy,
            self.presume, self.times[rows] if self.times is not None else None,
        )  # fmt: skip

    def encode(self) -> bytes:
        """As a section of a block."""
        strings = [string for texts, categories in self.texts for string in (*texts, *categories)]
        lengths = struct.pack(f"<{len(strings)}i", *[-1 if string is None else len(string) for string in strings])
        joined = "".join([string for string in strings if string]).encode("utf-8", "surrogatepass")
        told = (self.names, len(self.keys), len(joined), self.policy, self.presume)
        head = msgspec.json.encode(
            SectionHeader(self.model, self.version, *told, timed=self.times is not None or msgspec.UNSET)
        )
        columns = [
            column.tobytes() for column in (self.keys, self.scores, self.numbers, self.times) if column is not None
        ]
        return b"".join((_LENGTH.pack(len(head)), head, *columns, lengths, joined))


def is_presumed(key: int, share: float) -> bool:
    """Whether an event with this key is among the share that is taken for ham: always the same ones."""
    return (key & _DRAWN) < share * (_DRAWN + 1)


def blocks(scored: Sequence[ScoredRows], size: int) -> Iterator[tuple[NDArray[np.uint64], bytes]]:
    """What several models have scored in a batch, in blocks of at most so many events: the events' keys, and the
    sections of all models that have scored some of them. An event is in one block alone."""
    if not scored:
        return
    if len(scored) == 1 and len(scored[0].keys) <= size:
        yield scored[0].keys, scored[0].encode()
        return
    keys = scored[0].keys if len(scored) == 1 else np.unique(np.concatenate([rows.keys for rows in scored]))
    for start in range(0, len(keys), size):
        own = keys[start : start + size]
        sections = []
        for rows in scored:
            own_rows = (
                np.arange(start, start + len(own)) if len(scored) == 1 else np.flatnonzero(np.isin(rows.keys, own))
            )
            if len(own_rows):
                sections.append(rows.select(own_rows).encode())
        yield own, b"".join(sections)


def read_scored(block: bytes | memoryview, keys: Iterable[int]) -> Iterator[tuple[int, ScoredModel]]:
    """What the models of a block read and said of these events. Raises StateError."""
    try:
        yield from _read(block, np.array(list(keys), np.uint64))
    except (struct.error, ValueError, msgspec.MsgspecError) as error:
        raise StateError(f"scored events of {len(block)} bytes cannot be read: {error}") from error


def policies_of(block: bytes | memoryview) -> set[str]:
    """The policies whose labels the models of a block learn. Raises StateError."""
    try:
        return {head.policy for head, _ in _sections(block) if head.policy is not None}
    except (struct.error, ValueError, msgspec.MsgspecError) as error:
        raise StateError(f"scored events of {len(block)} bytes cannot be read: {error}") from error


def kept(block: bytes | memoryview, keys: Iterable[int]) -> bytes:
    """A block of these events alone. Raises StateError."""
    sections: dict[tuple[str, str, str | None, float, bool], list[tuple[int, ScoredModel]]] = {}
    for key, model in read_scored(block, keys):
        section = model.name, model.version, model.policy, model.presume, model.event_ms is not None
        sections.setdefault(section, []).append((key, model))
    return b"".join(_rows(scored).encode() for scored in sections.values())


def _rows(scored: Sequence[tuple[int, ScoredModel]]) -> ScoredRows:
    first = scored[0][1]
    numbers = [[nan if number is None else number for number in model.inputs.numbers] for _, model in scored]
    times = [model.event_ms for _, model in scored if model.event_ms is not None]
    return ScoredRows(
        first.name, first.version, first.names,
        np.array([key for key, _ in scored], np.uint64),
        np.array([nan if model.score is None else model.score for _, model in scored], np.float64),
        np.array(numbers, np.float64).reshape(len(scored), -1),
        [(model.inputs.texts, model.inputs.categories) for _, model in scored],
        np.arange(len(scored)), first.policy, first.presume, np.array(times, np.int64) if times else None,
    )  # fmt: skip


def _sections(block: bytes | memoryview) -> Iterator[tuple[SectionHeader, list[int]]]:
    """What each section says of itself, and where its columns and strings begin, and end."""
    at = 0
    while at < len(block):
        (length,) = _LENGTH.unpack_from(block, at)
        at += _LENGTH.size + length
        head = msgspec.json.decode(block[at - length : at], type=SectionHeader)
        starts = [at]
        strings, times = head.rows * head.names.strings, 8 * head.rows * (head.timed is True)
        numbers = 8 * head.rows * len(head.names.numbers)
        for size in (8 * head.rows, 8 * head.rows, numbers, times, 4 * strings, head.bytes):
            starts.append(starts[-1] + size)
        at = starts[-1]
        if at > len(block):
            raise ValueError("it ends too early")
        yield head, starts


def _read(block: bytes | memoryview, asked: NDArray[np.uint64]) -> Iterator[tuple[int, ScoredModel]]:
    for head, starts in _sections(block):
        strings = head.rows * head.names.strings
        keys = np.frombuffer(block, "<u8", head.rows, starts[0])
        rows = np.flatnonzero(np.isin(keys, asked)).tolist()
        if not rows:
            continue
        scores = np.frombuffer(block, "<f8", head.rows, starts[1])
        numbers = np.frombuffer(block, "<f8", head.rows * len(head.names.numbers), starts[2])
        read = numbers.reshape(head.rows, len(head.names.numbers))
        times = np.frombuffer(block, "<i8", head.rows, starts[3]) if head.timed is True else None
        lengths = np.frombuffer(block, "<i4", strings, starts[4]).reshape(head.rows, -1)
        ends = np.maximum(lengths, 0).sum(axis=1).cumsum()
        joined = str(block[starts[5] : starts[6]], "utf-8", "surrogatepass")
        for row in rows:
            own = _strings(joined, int(ends[row - 1]) if row else 0, lengths[row].tolist())
            score, texts = float(scores[row]), len(head.names.texts)
            inputs = Inputs(
                tuple(own[:texts]),
                tuple(own[texts:]),
                tuple(None if isnan(number) else number for number in read[row].tolist()),
            )
            read_as = (None if isnan(score) else score, head.names, inputs, head.policy, head.presume)
            event_ms = int(times[row]) if times is not None else None
            yield int(keys[row]), ScoredModel(head.model, head.version, *read_as, event_ms)


def _strings(joined: str, at: int, lengths: Sequence[int]) -> list[str | None]:
    strings: list[str | None] = []
    for length in lengths:
        strings.append(joined[at : at + length] if length >= 0 else None)
        at += max(0, length)
    return strings
