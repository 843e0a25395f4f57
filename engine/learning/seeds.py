"""What open streams have taught about texts, for models without labels: a hint that other people's labels give.

A seed has one weight for each of some thousand hashed n-grams, and gives a logit for the texts of an event. A model
that opts in reads it as its last number, and hints at it: it counts for itself while labels are few, fades as they
come, and what the model learns of that number tells how far it is to be believed here. No text is in a seed.

    line 1    SeedHead, JSON: what it is called, of which features it is, what it was made from
    line 2    base64 of zlib of: count x u32, the indices as differences | count x i8, their weights in steps
"""

import binascii
import zlib
from collections.abc import Sequence
from functools import lru_cache
from hashlib import sha256
from math import sqrt
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from engine.core.domain.rules import ModelSpec
from engine.errors import SeedError
from engine.learning.features import VERSION, Names
from engine.learning.kernel import gram_indices
from engine.learning.linear import INDICES, Indices, gram_share, length

MOST_BYTES = 300_000
"""Of a seed as it is written: it travels with the rulebook."""
MOST_WEIGHTS = 60_000
MOST_LOGIT = 3.0
"""The largest logit that a seed gives: .95, from streams that nobody here has seen."""
STEPS = 127
"""Weights are whole numbers up to this: sums are the same in any order, on any machine."""
START = 0x5EED << 17 | 1 << 15
"""What the hashes begin with, whatever the fields of the texts are called."""
SUFFIX = ".seed"
_REMEMBERED = 16

_Text = Annotated[str, msgspec.Meta(max_length=500)]


class Source(msgspec.Struct, frozen=True):
    """A labelled stream that a seed was made from, and what allows that."""

    name: _Text
    licence: _Text
    events: Annotated[int, msgspec.Meta(ge=0)]
    spam: Annotated[int, msgspec.Meta(ge=0)]


class SeedHead(msgspec.Struct, frozen=True):
    """What a seed says of itself. `features`: the version of those that its weights are of; `scale`: what a step of a
    weight adds; `authors`: how many people have written each n-gram that has a weight, at least."""

    seed: Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{0,40}$")]
    features: Annotated[int, msgspec.Meta(ge=0)]
    scale: Annotated[float, msgspec.Meta(gt=0, le=1e3)]
    authors: Annotated[int, msgspec.Meta(ge=1)]
    sources: Annotated[tuple[Source, ...], msgspec.Meta(min_length=1, max_length=50)]


class Seed(NamedTuple):
    """A seed in use. `title`: its name and what its content hashes to; `weights`: one for each index, in steps."""

    head: SeedHead
    title: str
    weights: NDArray[np.int8]

    def logit(self, texts: Sequence[str | None]) -> float | None:
        """What it makes of an event's texts; None where there is nothing to read."""
        read = weigh(self.weights, texts)
        return max(-MOST_LOGIT, min(MOST_LOGIT, self.head.scale * read)) if read is not None else None


def weigh(weights: NDArray[Any], texts: Sequence[str | None]) -> float | None:
    """What the n-grams of texts weigh together, each text as the default learner counts it; None without any."""
    total = square = 0.0
    for text in texts:
        indices = gram_indices(text, START) if text else ()
        if len(indices):
            total += gram_share(len(indices)) * float(weights[indices].sum())
            square += sqrt(len(indices))
    return total / length(square) if square else None


def write_seed(head: SeedHead, indices: Indices, weights: NDArray[np.int8]) -> str:
    """A seed as a file has it. `indices`: ascending."""
    packed = np.diff(indices.astype("<u4"), prepend=np.uint32(0)).astype("<u4").tobytes() + weights.tobytes()
    content = binascii.b2a_base64(zlib.compress(packed, 9), newline=False)
    return f"{msgspec.json.encode(head).decode()}\n{content.decode()}\n"


@lru_cache(_REMEMBERED)
def read_seed(text: str) -> Seed:
    """What `write_seed` gave. Raises SeedError."""
    if len(text) > MOST_BYTES:
        raise SeedError(f"a seed has at most {MOST_BYTES // 1000} kB, this has {len(text) // 1000}")
    first, _, content = text.partition("\n")
    try:
        head = msgspec.json.decode(first, type=SeedHead)
        unpacking = zlib.decompressobj()
        packed = unpacking.decompress(binascii.a2b_base64(content), 5 * MOST_WEIGHTS)
        if len(packed) % 5 or unpacking.unconsumed_tail or not unpacking.eof:
            raise ValueError("its weights are cut short, or too many")
        count = len(packed) // 5
        indices = np.frombuffer(packed, "<u4", count).astype(np.uint64).cumsum()
        if count and indices.max() >= INDICES:
            raise ValueError("it has indices of a larger learner")
    except (ValueError, zlib.error, msgspec.MsgspecError, RecursionError) as error:
        raise SeedError(f"this was not written by `floodgate learn seed`: {error}") from error
    if head.features != VERSION:
        raise SeedError(
            f"this seed was made from features of version {head.features}, and this version of Floodgate has "
            f"{VERSION}: make it anew with `floodgate learn seed`"
        )
    weights = np.zeros(INDICES, np.int8)
    weights[indices] = np.frombuffer(packed, np.int8, count, 4 * count)
    return Seed(head, f"seed {head.seed}@{sha256(text.encode()).hexdigest()[:6]}", weights)


def seed_of(spec: ModelSpec) -> Seed | None:
    """The seed of a model, if it has one."""
    return read_seed(spec.seed) if spec.seed is not None else None


def hinting(names: Names, seed: Seed) -> Names:
    """The names of what a model reads, with what its seed makes of the texts as the last number, and hint."""
    return msgspec.structs.replace(names, numbers=(*names.numbers, seed.title), hints=(*names.hints, 1.0))


def shipped_folder() -> Path:
    """Where the seeds are that come with Floodgate."""
    return Path(__file__).with_name("shipped")


def shipped_seeds() -> tuple[str, ...]:
    """The names of the seeds that come with Floodgate."""
    return tuple(sorted(file.stem for file in shipped_folder().glob(f"*{SUFFIX}")))


def shipped_seed(name: str) -> str:
    """One of them, as its file has it."""
    return (shipped_folder() / f"{name}{SUFFIX}").read_text("utf-8")
