"""A model's inputs as hashed features.

Each text is a block of byte n-grams that share a length of one, so that long texts do not outweigh short ones. The
facts are a second block: a constant, the categories, pairs of them, and the numbers, each as the step that it is on
and as a value on a logarithmic scale. A missing value is a feature itself.
"""

from array import array
from collections.abc import Sequence
from functools import lru_cache
from itertools import combinations
from math import isfinite, sqrt
from typing import NamedTuple
from zlib import crc32

import msgspec

from engine.core.domain.rules import ModelSpec
from engine.learning.kernel import features, index_of
from engine.learning.linear import Floats, Indices

FACTS = 0.5
"""The length of a block of facts; a text's is 1."""

MAX_CHARS = 256
"""Of a longer category, only so much is read."""

MOST_HINTED = 5.0
"""The largest logit that hints give together: .993."""

_REMEMBERED = 50_000
CONSTANT = index_of(1)
"""The index of what every event has."""
_PAIR = 0x9E3779B1
_MODULUS = 1 << 64


class Names(msgspec.Struct, frozen=True):
    """What a model reads, by name. `hints`: what the last numbers add to the logit while labels are few."""

    texts: tuple[str, ...]
    categories: tuple[str, ...]
    numbers: tuple[str, ...]
    hints: tuple[float, ...] = ()


class Inputs(NamedTuple):
    """What a model reads of one event, in the order of its names; None = missing."""

    texts: tuple[str | None, ...]
    categories: tuple[str | None, ...]
    numbers: tuple[float | None, ...]


class Vector(NamedTuple):
    """Indices, and what each of them counts."""

    indices: Indices
    values: Floats


class Featurizer:
    """Turns inputs with these names into features. `texts`, `numbers`: what their hashes begin with."""

    def __init__(self, names: Names) -> None:
        self.texts = [_seed(f"text {name}") for name in names.texts]
        self.numbers = array("Q", [_seed(f"number {name}") for name in names.numbers])
        self._categories = names.categories

    def tokens(self, categories: Sequence[str | None]) -> tuple[int, ...]:
        """The indices of the constant and of the categories."""
        named = zip(self._categories, categories, strict=True)
        return (CONSTANT, *(index for name, value in named for index in _tokens(name, value and value[:MAX_CHARS])))

    def crosses(self, categories: Sequence[str | None]) -> tuple[int, ...]:
        """The indices of pairs of categories."""
        named = zip(self._categories, categories, strict=True)
        hashes = [_hash(name, value[:MAX_CHARS]) for name, value in named if value]
        return tuple([index_of((left * _PAIR + right) % _MODULUS) for left, right in combinations(hashes, 2)])

    def vector(self, inputs: Inputs) -> Vector:
        """All features of an event."""
        tokens, crosses = self.tokens(inputs.categories), self.crosses(inputs.categories)
        share = token_share(len(tokens), len(self.numbers))
        return Vector(
            *features(
                inputs.texts,
                self.texts,
                tokens,
                share,
                crosses,
                cross_share(len(crosses)),
                inputs.numbers,
                self.numbers,
            )
        )


def token_share(tokens: int, numbers: int) -> float:
    """What each of so many tokens and numbers counts."""
    return FACTS / sqrt(tokens + numbers)


def cross_share(crosses: int) -> float:
    """What each of so many pairs counts."""
    return FACTS / sqrt(crosses) if crosses else 0.0


@lru_cache(_REMEMBERED)
def _tokens(name: str, value: str | None) -> tuple[int, ...]:
    """A category's own index, and those of what it belongs to: a mail address to its domain, an IP address to its
    networks."""
    if value is None:
        return (index_of(_hash(name, "") + 1),)
    indices = [index_of(_hash(name, value))]
    if "@" in value:
        indices.append(index_of(_hash(f"{name} domain", value.rpartition("@")[2])))
    parts = value.split(".")
    if len(parts) == 4 and all(part.isdigit() for part in parts):
        indices += [index_of(_hash(f"{name} network", ".".join(parts[:length]))) for length in (3, 2)]
    return tuple(indices)


@lru_cache(_REMEMBERED)
def _hash(name: str, value: str) -> int:
    return crc32(value.encode("utf-8", "surrogatepass"), crc32(name.encode())) << 24 ^ crc32(name.encode())


def _seed(name: str) -> int:
    return crc32(name.encode()) << 16 | 1 << 15


@lru_cache(64)
def featurizer(names: Names) -> Featurizer:
    """The one for these names."""
    return Featurizer(names)


def names_of(spec: ModelSpec) -> Names:
    """What a model of a rulebook reads."""
    return Names(spec.texts, spec.categories, spec.numbers, spec.hints)


def hinted(hints: Sequence[float], numbers: Sequence[float | None]) -> float:
    """The logit that the hints give: each the number that it is about times what it counts; 0 without any."""
    logit = 0.0
    if hints:
        for hint, number in zip(hints, numbers[-len(hints) :], strict=True):
            if number is not None and isfinite(number):
                logit += hint * number
    return max(-MOST_HINTED, min(MOST_HINTED, logit))
