"""A model's inputs as hashed features.

All features make one vector of length one: the byte n-grams of the texts, and facts. A text counts by the root of its
n-grams' number, so that a long one outweighs a short one by less than it is longer, and neither outweighs all facts.
Facts are a constant, the categories, pairs of them, and the numbers, each as the step that it is on and as a value on
a logarithmic scale. A missing value is a feature itself.
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
from engine.learning.kernel import features, gram_indices, index_of
from engine.learning.linear import FACT, Floats, Indices, length

VERSION = 2
"""Of the features: what was learned from others says nothing of these. In 1, each text was a block of its own length,
and facts were two more."""

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
    """What a model reads, by name. `hints`: what the last numbers add to the logit while labels are few; `slices`: what
    follows the categories, and is not read; where there are none, nothing is written of them."""

    texts: tuple[str, ...]
    categories: tuple[str, ...]
    numbers: tuple[str, ...]
    hints: tuple[float, ...] = ()
    slices: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET

    @property
    def sliced_by(self) -> tuple[str, ...]:
        """`slices`, none of them too."""
        return self.slices if self.slices is not msgspec.UNSET else ()

    @property
    def strings(self) -> int:
        """How many texts, categories and slices it has of an event."""
        return len(self.texts) + len(self.categories) + len(self.sliced_by)


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
        named = zip(self._categories, categories, strict=False)  # slices follow
        return (CONSTANT, *(index for name, value in named for index in _tokens(name, value and value[:MAX_CHARS])))

    def crosses(self, categories: Sequence[str | None]) -> tuple[int, ...]:
        """The indices of pairs of categories."""
        named = zip(self._categories, categories, strict=False)
        hashes = [_hash(name, value[:MAX_CHARS]) for name, value in named if value]
        return tuple([index_of((left * _PAIR + right) % _MODULUS) for left, right in combinations(hashes, 2)])

    def facts(self, categories: Sequence[str | None]) -> tuple[int, ...]:
        """All that categories give, and the constant."""
        return self.tokens(categories) + self.crosses(categories) if self._categories else (CONSTANT,)

    def vector(self, inputs: Inputs, weights: "array[float] | None" = None) -> Vector:
        """All features of an event. `weights`: those that will be read next."""
        facts = self.facts(inputs.categories)
        return Vector._make(features(inputs.texts, self.texts, facts, inputs.numbers, self.numbers, weights))

    def divisor(self, inputs: Inputs) -> float:
        """What all of an event's features are divided by."""
        facts = len(self.facts(inputs.categories)) + len(self.numbers)
        texts = zip(inputs.texts, self.texts, strict=True)
        return length(sum(sqrt(len(gram_indices(text, seed))) for text, seed in texts if text) + FACT * FACT * facts)


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
    return Names(spec.texts, spec.categories, spec.numbers, spec.hints, spec.slices or msgspec.UNSET)


def hinted(hints: Sequence[float], numbers: Sequence[float | None]) -> float:
    """The logit that the hints give: each the number that it is about times what it counts; 0 without any."""
    logit = 0.0
    if hints:
        for hint, number in zip(hints, numbers[-len(hints) :], strict=True):
            if number is not None and isfinite(number):
                logit += hint * number
    return max(-MOST_HINTED, min(MOST_HINTED, logit))
