"""How the values that a learner keeps are written and read again, kind by kind.

A kind puts what it reads into a fresh value that the estimator has made itself: no class is ever told by the data.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from itertools import chain, pairwise
from math import inf, isfinite
from random import Random
from typing import Any, Protocol

import numpy as np
from river.utils import VectorDict

from engine.learning.features import VERSION
from engine.learning.linear import ARMS, INDICES, table
from engine.learning.ngrams import HashedNgrams
from engine.learning.packed import (
    Room,
    array_of,
    distinct,
    ends_of,
    items_of,
    keys_in,
    keys_out,
    numbers_in,
    numbers_out,
)

_TWISTER = 624
"""Words of the state of Python's generator of random numbers."""
STATE: "dict[type, Kind]" = {}
"""How what an object of each class keeps is written: `engine.learning.learner_state` fills it, once."""


class Kind(Protocol):
    """How one kind of value is written."""

    def dump(self, value: Any) -> Any:
        """As MessagePack can hold it. Raises ValueError."""

    def load(self, fresh: Any, data: Any, room: Room) -> Any:
        """What takes the place of a fresh value: that one, filled, wherever it can be. Raises ValueError."""


@dataclass(frozen=True, slots=True)
class Number:
    """A number. `whole`: an integer; `finite`: whether it has to be."""

    least: float = -inf
    most: float = inf
    whole: bool = False
    finite: bool = True

    def dump(self, value: Any) -> Any:
        plain = value.item() if isinstance(value, np.generic) else value
        return self.load(None, int(plain) if type(plain) is bool else plain, Room(1))

    def load(self, fresh: Any, data: Any, room: Room) -> Any:
        if type(data) is not int and (self.whole or type(data) is not float):
            raise ValueError(f"{data!r:.50} is not a number of its kind")
        if not self.least <= data <= self.most or (self.finite and not isfinite(data)):
            raise ValueError(f"{data!r:.50} is not a number that it may be")
        return data


class Flag:
    """True or False."""

    def dump(self, value: Any) -> Any:
        return self.load(None, value, Room(1))

    def load(self, fresh: Any, data: Any, room: Room) -> Any:
        if type(data) is not bool:
            raise ValueError(f"{data!r:.50} is neither true nor false")
        return data


@dataclass(frozen=True, slots=True)
class Numbers:
    """Numbers by key, into a mapping."""

    least: float = -inf

    def dump(self, value: Mapping[Any, Any]) -> Any:
        items = dict(value.items())
        return [keys_out(items), numbers_out(list(items.values()), self.least)]

    def load(self, fresh: Any, data: Any, room: Room) -> Any:
        keys, numbers = items_of(data, 2)
        return _fill(fresh, keys_in(keys, room), numbers_in(numbers, room, self.least))


@dataclass(frozen=True, slots=True)
class NumbersByTwo:
    """Numbers by two keys, into a mapping of mappings that makes its own members."""

    least: float = -inf

    def dump(self, value: Mapping[Any, Mapping[Any, Any]]) -> Any:
        inner = list(value.values())
        sizes = np.array([len(entries) for entries in inner], "<u4").tobytes()
        keys = keys_out(chain.from_iterable(inner))
        return [
            keys_out(value),
            sizes,
            keys,
            numbers_out([n for entries in inner for n in entries.values()], self.least),
        ]

    def load(self, fresh: Any, data: Any, room: Room) -> Any:
        outer, sizes, inner, numbers = items_of(data, 4)
        names, keys = distinct(keys_in(outer, room)), keys_in(inner, room)
        values, ends = numbers_in(numbers, room, self.least), ends_of(sizes)
        if len(ends) != len(names) + 1 or ends[-1] != len(keys) or len(keys) != len(values):
            raise ValueError("its keys and numbers are not equally many")
        for name, (start, end) in zip(names, pairwise(ends), strict=True):
            _fill(fresh[name], keys[start:end], values[start:end])
        return fresh


@dataclass(frozen=True, slots=True)
class Members:
    """Objects by key. `make`: how one is made where the mapping does not do it by itself."""

    kind: Kind
    make: Callable[[], Any] | None = None

    def dump(self, value: Mapping[Any, Any]) -> Any:
        return [keys_out(value), [self.kind.dump(item) for item in value.values()]]

    def load(self, fresh: Any, data: Any, room: Room) -> Any:
        keys, states = items_of(data, 2)
        names = distinct(keys_in(keys, room))
        for name, state in zip(names, items_of(states, len(names)), strict=True):
            fresh[name] = self.kind.load(self.make() if self.make else fresh[name], state, room)
        return fresh


class Keys:
    """A set."""

    def dump(self, value: Iterable[Hashable]) -> Any:
        return keys_out(sorted(value, key=repr))

    def load(self, fresh: Any, data: Any, room: Room) -> Any:
        fresh |= set(keys_in(data, room))
        return fresh


class Moments:
    """What an optimizer keeps for each weight: nothing before it first steps, then a vector or a mapping."""

    def dump(self, value: Any) -> Any:
        return None if value is None else [isinstance(value, VectorDict), NUMBERS.dump(value)]

    def load(self, fresh: Any, data: Any, room: Room) -> Any:
        if data is None:
            return None
        is_vector, numbers = items_of(data, 2)
        return NUMBERS.load(VectorDict() if is_vector is True else defaultdict(float), numbers, room)


class Dice:
    """A generator of random numbers."""

    def dump(self, value: Random) -> Any:
        version, words, spare = value.getstate()
        if version != 3 or spare is not None:
            raise ValueError("this is another kind of random numbers")
        return np.array(words, "<u4").tobytes()

    def load(self, fresh: Any, data: Any, room: Room) -> Any:
        words = array_of(data, "<u4").tolist()
        # of nothing but zeros it gives zeros for ever, and who draws until two numbers differ never ends
        if len(words) != _TWISTER + 1 or words[-1] > _TWISTER or not any(words[1:-1]):
            raise ValueError("this is no state of a generator of random numbers")
        fresh.setstate((3, tuple(words), None))
        return fresh


class Steps:
    """The parts of a pipeline or a union, or the models of an ensemble, that the expression has made."""

    def dump(self, value: Any) -> Any:
        return [OBJECT.dump(part) for part in _ordered(value)]

    def load(self, fresh: Any, data: Any, room: Room) -> Any:
        made = _ordered(fresh)
        for part, state in zip(made, items_of(data, len(made)), strict=True):
            OBJECT.load(part, state, room)
        return fresh


class Ngrams:
    """The default learner: indices that have been learned, and their weights and gradients."""

    def dump(self, value: HashedNgrams) -> Any:
        weights, gradients = table(value.weights), table(value.gradients)
        known = np.flatnonzero(weights.any(axis=1) | gradients.any(axis=1)).astype("<u4")
        scalars = [value.losses, value.taught, value.proofs, VERSION]
        return [known.tobytes(), weights[known].tobytes(), gradients[known].tobytes(), *scalars]

    def load(self, fresh: Any, data: Any, room: Room) -> Any:
        known, *rows, losses, taught, proofs, version = items_of(data, 7)
        if version != VERSION:
            raise ValueError(f"it has learned from features of version {version!r:.20}, not {VERSION}")
        indices = array_of(known, "<u4")
        weights, gradients = (array_of(column, "<f4") for column in rows)
        if not len(weights) == len(gradients) == ARMS * len(indices) or (len(indices) and indices.max() >= INDICES):
            raise ValueError("it is of a learner of another size")
        if not (np.isfinite(weights).all() and np.isfinite(gradients).all() and (gradients >= 0).all()):
            raise ValueError("it has numbers that no learner has")
        table(fresh.weights)[indices] = weights.reshape(-1, ARMS)
        table(fresh.gradients)[indices] = gradients.reshape(-1, ARMS)
        fresh.losses = [POSITIVE.load(None, item, room) for item in items_of(losses, ARMS)]
        fresh.taught = [COUNT.load(None, item, room) for item in items_of(taught, 2)]
        fresh.proofs = COUNT.load(None, proofs, room)
        return fresh


@dataclass(frozen=True, slots=True)
class Attributes:
    """An object, attribute by attribute: those that it has, of these."""

    kinds: Mapping[str, Kind]

    def dump(self, value: Any) -> Any:
        return {name: kind.dump(getattr(value, name)) for name, kind in self.kinds.items() if hasattr(value, name)}

    def load(self, fresh: Any, data: Any, room: Room) -> Any:
        expected = {name: kind for name, kind in self.kinds.items() if hasattr(fresh, name)}
        if type(data) is not dict or data.keys() != expected.keys():
            raise ValueError(f"it is not what a {type(fresh).__name__} has learned")
        for name, kind in expected.items():
            setattr(fresh, name, kind.load(getattr(fresh, name), data[name], room))
        return fresh


class Object:
    """An object of a class that `STATE` knows."""

    def dump(self, value: Any) -> Any:
        return _kind_of(value).dump(value)

    def load(self, fresh: Any, data: Any, room: Room) -> Any:
        room.take(1)
        return _kind_of(fresh).load(fresh, data, room)


OBJECT, KEYS, NUMBERS = Object(), Keys(), Numbers()
COUNT, POSITIVE, FINITE = Number(0, 2**62, whole=True), Number(0), Number()
COUNTS = Numbers(0)


def _kind_of(value: Any) -> Kind:
    kind = STATE.get(type(value))
    if kind is None:
        raise ValueError(f"what a {type(value).__name__} has learned is not kept")
    return kind


def _ordered(value: Any) -> list[Any]:
    if isinstance(value, list):
        return value
    return list((value.steps if hasattr(value, "steps") else value.transformers).values())


def _fill(fresh: Any, keys: list[Any], values: list[Any]) -> Any:
    if len(keys) != len(values):
        raise ValueError("its keys and numbers are not equally many")
    for key, value in zip(distinct(keys), values, strict=True):
        fresh[key] = value
    return fresh
