"""Events as they were scored, a batch in one block, until their labels come.

What a model has read is kept, not what became of it: it takes a quarter of the room, a person can read it, and a
challenger may look at it in its own way. A block holds, for each model, a header and its columns:

    section     header_length u32 | header, JSON | rows x u64 event keys | rows x f64 scores (NaN = unknown)
                | rows x numbers x f64 (NaN = missing) | rows x strings x i32 lengths in characters (-1 = missing)
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
    """What a section says about itself. `version`: of the model that scored; `bytes`: of the strings."""

    model: str
    version: str
    names: Names
    rows: int
    bytes: int
    policy: str | None = None
    presume: float = 0.0


@dataclass(frozen=True, slots=True)
class ScoredModel:
    """What one model read and said of one event; an unknown score is None. `policy`: whose labels it learns;
    `presume`: the share of events that it takes for ham."""

    name: str
    version: str
    score: float | None
    names: Names
    inputs: Inputs
    policy: str | None = None
    presume: float = 0.0


@dataclass(frozen=True, slots=True)
class ScoredRows:
    """What one model read and said of many events, column by column. `places`: where they stand in their batch;
    `presume`: the share of them that is taken for ham."""

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
            self.presume,
        )  # fmt: skip

    def encode(self) -> bytes:
        """As a section of a block."""
        strings = [string for texts, categories in self.texts for string in (*texts, *categories)]
        lengths = struct.pack(f"<{len(strings)}i", *[-1 if string is None else len(string) for string in strings])
        joined = "".join([string for string in strings if string]).encode("utf-8", "surrogatepass")
        head = msgspec.json.encode(
            SectionHeader(self.model, self.version, self.names, len(self.keys), len(joined), self.policy, self.presume)
        )
        columns = [column.tobytes() for column in (self.keys, self.scores, self.numbers)]
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
    sections: dict[tuple[str, str, str | None, float], list[tuple[int, ScoredModel]]] = {}
    for key, model in read_scored(block, keys):
        sections.setdefault((model.name, model.version, model.policy, model.presume), []).append((key, model))
    return b"".join(_rows(scored).encode() for scored in sections.values())


def _rows(scored: Sequence[tuple[int, ScoredModel]]) -> ScoredRows:
    first = scored[0][1]
    numbers = [[nan if number is None else number for number in model.inputs.numbers] for _, model in scored]
    return ScoredRows(
        first.name, first.version, first.names,
        np.array([key for key, _ in scored], np.uint64),
        np.array([nan if model.score is None else model.score for _, model in scored], np.float64),
        np.array(numbers, np.float64).reshape(len(scored), -1),
        [(model.inputs.texts, model.inputs.categories) for _, model in scored],
        np.arange(len(scored)), first.policy, first.presume,
    )  # fmt: skip


def _sections(block: bytes | memoryview) -> Iterator[tuple[SectionHeader, list[int]]]:
    """What each section says of itself, and where its columns and strings begin, and end."""
    at = 0
    while at < len(block):
        (length,) = _LENGTH.unpack_from(block, at)
        at += _LENGTH.size + length
        head = msgspec.json.decode(block[at - length : at], type=SectionHeader)
        starts = [at]
        strings = head.rows * head.names.strings
        for size in (8 * head.rows, 8 * head.rows, 8 * head.rows * len(head.names.numbers), 4 * strings, head.bytes):
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
        lengths = np.frombuffer(block, "<i4", strings, starts[3]).reshape(head.rows, -1)
        ends = np.maximum(lengths, 0).sum(axis=1).cumsum()
        joined = str(block[starts[4] : starts[5]], "utf-8", "surrogatepass")
        for row in rows:
            own = _strings(joined, int(ends[row - 1]) if row else 0, lengths[row].tolist())
            score, texts = float(scores[row]), len(head.names.texts)
            inputs = Inputs(
                tuple(own[:texts]),
                tuple(own[texts:]),
                tuple(None if isnan(number) else number for number in read[row].tolist()),
            )
            known = None if isnan(score) else score
            yield (
                int(keys[row]),
                ScoredModel(head.model, head.version, known, head.names, inputs, head.policy, head.presume),
            )


def _strings(joined: str, at: int, lengths: Sequence[int]) -> list[str | None]:
    strings: list[str | None] = []
    for length in lengths:
        strings.append(joined[at : at + length] if length >= 0 else None)
        at += max(0, length)
    return strings
