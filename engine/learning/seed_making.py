"""Makes a seed: the default learner reads labelled streams, and what it has learned of n-grams of many authors stays.

How far its logits are to be believed is told by events that it has not read: each half of each stream, in time, is
scored by what the other halves have taught.
"""

import random
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import msgspec
import numpy as np
from numpy.typing import NDArray

from engine.errors import SeedError
from engine.learning.features import CONSTANT, VERSION, Vector
from engine.learning.kernel import features, gram_indices
from engine.learning.linear import INDICES, SATURATED, Floats, table
from engine.learning.metrics import roc_auc
from engine.learning.ngrams import HashedNgrams
from engine.learning.seeds import MOST_WEIGHTS, START, STEPS, SeedHead, Source, weigh, write_seed

FEWEST = 100
"""So many events of each kind, at least, make a seed."""
AUTHORS = 5
"""An n-gram that fewer people have written is left out: it tells of them, and of nobody else."""
PASSES = 3
"""So many times each event is learned, in another order."""
CAUTION = 0.5
"""What a seed's logits count elsewhere: other streams are not these."""
_ROUNDS = 30
_NO_NUMBERS = array("Q")


@dataclass(frozen=True, slots=True)
class Lesson:
    """A labelled event: who wrote it, its texts, one at least, what it is, and when it came."""

    author: str
    texts: tuple[str, ...]
    spam: bool
    ts_ms: int = 0


@dataclass(frozen=True, slots=True)
class Stream:
    """Labelled events in their order, and where they come from."""

    name: str
    licence: str
    lessons: Sequence[Lesson]

    def source(self) -> Source:
        """As the head of a seed names it."""
        return Source(self.name, self.licence, len(self.lessons), sum(lesson.spam for lesson in self.lessons))

    def halves(self) -> tuple["Stream", "Stream"]:
        """The earlier half, and the later one."""
        ordered = sorted(self.lessons, key=lambda lesson: lesson.ts_ms)
        middle = len(ordered) // 2
        return Stream(self.name, self.licence, ordered[:middle]), Stream(self.name, self.licence, ordered[middle:])


@dataclass(frozen=True, slots=True)
class Made:
    """A seed as a file has it, and how well such seeds told events apart that they were not made from."""

    text: str
    unseen_auc: float | None


def make_seed(name: str, streams: Sequence[Stream], authors: int = AUTHORS, most: int = MOST_WEIGHTS) -> Made:
    """A seed of these streams. Raises SeedError where there is too little to learn from, or nothing to tell apart."""
    lessons = [lesson for stream in streams for lesson in stream.lessons]
    spam = sum(lesson.spam for lesson in lessons)
    if min(spam, len(lessons) - spam) < FEWEST:
        raise SeedError(
            f"a seed needs {FEWEST} events of each kind with a label and a text; there are {spam:,} of spam and "
            f"{len(lessons) - spam:,} of ham"
        )
    head = _checked(SeedHead(name, VERSION, 1.0, authors, tuple(stream.source() for stream in streams)))
    logits, truth = _unseen(streams, authors, most)
    slope = _slope(np.array(logits), np.array(truth, bool))
    weights = _weights(lessons, authors, most)
    if slope <= 0 or not weights.any():
        raise SeedError(
            "what one half of these streams teaches tells nothing about the other half: a seed needs more events, or "
            f"more of them by {authors} people or more"
        )
    indices = np.flatnonzero(weights).astype(np.uint32)
    step = float(np.abs(weights).max()) / STEPS
    whole = np.rint(weights[indices] / step).astype(np.int8)
    head = msgspec.structs.replace(head, scale=CAUTION * step * slope)
    return Made(write_seed(head, indices[whole != 0], whole[whole != 0]), roc_auc(logits, truth))


def _checked(head: SeedHead) -> SeedHead:
    """The same. Raises SeedError where it could not be read again."""
    try:
        return msgspec.convert(msgspec.to_builtins(head), SeedHead)
    except msgspec.ValidationError as error:
        raise SeedError(f"a seed cannot say this of itself: {error}") from error


def _unseen(streams: Sequence[Stream], authors: int, most: int) -> tuple[list[float], list[bool]]:
    """What each half is given by what the other halves teach: logits and truth."""
    halves = list(zip(*(stream.halves() for stream in streams), strict=True))
    logits, truth = list[float](), list[bool]()
    for taught, asked in (halves, halves[::-1]):
        weights = _weights([lesson for stream in taught for lesson in stream.lessons], authors, most)
        for lesson in (lesson for stream in asked for lesson in stream.lessons):
            logits.append(weigh(weights, lesson.texts) or 0.0)
            truth.append(lesson.spam)
    return logits, truth


def _weights(lessons: Sequence[Lesson], authors: int, most: int) -> Floats:
    """The weight of each index, the rates mixed as they did; 0 for n-grams of few authors, and for those that matter
    least."""
    learner, written = HashedNgrams(), _writers(lessons)
    for lesson in _in_turn(lessons):
        learner.learn(_vector(lesson), lesson.spam)
    weights = table(learner.weights) @ np.array(learner.shares(), np.float32)
    weights[written < authors] = 0
    matters = np.abs(weights) * np.sqrt(written)
    kept = np.argsort(-matters, kind="stable")[:most]
    left_out = np.ones(len(weights), bool)
    left_out[kept] = False
    weights[left_out] = 0
    return weights


def _writers(lessons: Sequence[Lesson]) -> NDArray[np.int64]:
    """How many people have written the n-grams of each index."""
    counts = np.zeros(INDICES, np.int64)
    for _, written in groupby(sorted(lessons, key=_author), key=_author):  # one after the other: grams take room
        counts[np.unique(np.concatenate([gram_indices(text, START) for one in written for text in one.texts]))] += 1
    return counts


def _author(lesson: Lesson) -> str:
    return lesson.author


def _in_turn(lessons: Sequence[Lesson]) -> Iterator[Lesson]:
    """Each lesson a few times, spam and ham in turn, in an order of their own: neither is the usual case."""
    draws = random.Random(0)
    kinds = [[lesson for lesson in lessons if lesson.spam is spam] for spam in (True, False)]
    if not all(kinds):
        return
    for _ in range(PASSES * max(map(len, kinds)) // 2):
        for kind in kinds:
            yield draws.choice(kind)


def _vector(lesson: Lesson) -> Vector:
    return Vector(*features(lesson.texts, [START] * len(lesson.texts), (CONSTANT,), (), _NO_NUMBERS, None))


def _slope(logits: Floats, spam: NDArray[np.bool_]) -> float:
    """What logits are to be multiplied by, so that they are most likely where both kinds are as frequent."""
    weights = np.where(spam, 0.5 / spam.sum(), 0.5 / (~spam).sum())
    slope = offset = 0.0
    for _ in range(_ROUNDS):
        chances = 1 / (1 + np.exp(-np.clip(slope * logits + offset, -SATURATED, SATURATED)))
        errors, curve = weights * (spam - chances), weights * chances * (1 - chances)
        design = np.stack([logits, np.ones_like(logits)])
        slopes = design @ errors - 1e-4 * np.array([slope, 0.0])
        move = np.linalg.solve((design * curve) @ design.T + 1e-4 * np.eye(2), slopes)
        slope, offset = slope + float(move[0]), offset + float(move[1])
    return slope
