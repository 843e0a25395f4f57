"""Which parts of an event have made its score: for decisions that people want explained."""

from collections.abc import Iterator, Mapping
from itertools import groupby
from math import isfinite
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from engine.core.domain.decisions import Contribution
from engine.core.domain.units import number_text
from engine.learning.features import MOST_HINTED, Inputs, Names, featurizer
from engine.learning.kernel import gram_indices, index_of
from engine.learning.linear import (
    FACT,
    LONG_GRAM,
    SHORT_GRAM,
    bucket_hash,
    byte_grams,
    gram_share,
    scaled,
    table,
    text_bytes,
)
from engine.learning.ngrams import HashedNgrams

MOST = 5
_LEAST = 0.01
_MAX_CHARS = 60
_NONE: Mapping[str, str] = MappingProxyType({})


def contributions(
    learner: HashedNgrams | None, names: Names, inputs: Inputs, most: int = MOST, units: Mapping[str, str] = _NONE
) -> list[Contribution]:  # fmt: skip
    """The largest contributions to a score, the largest first. They add up to the logit, but for those left out.
    Without a learner: what the rulebook hints at. `units`: which numbers are durations or sizes."""
    parts = list(_of_hints(names, inputs, 1.0 if learner is None else learner.fading()))
    if learner is not None:
        mixed = _Mixed(learner)
        divisor = featurizer(names).divisor(inputs)
        texts = [(at, text) for at, text in enumerate(inputs.texts) if text]
        parts += [part for at, text in texts for part in _of_text(mixed, names, at, text, divisor)]
        parts += _of_facts(mixed, names, inputs, units, FACT / divisor)
    parts = [Contribution(part, round(logit, 3)) for part, logit in parts if abs(logit) >= _LEAST]
    return sorted(parts, key=lambda contribution: -abs(contribution.logit))[:most]


class _Mixed:
    """Weights as they count in the mixture."""

    def __init__(self, learner: HashedNgrams) -> None:
        self._rows, self._factors = table(learner.weights), np.array(learner.factors())

    def __call__(self, indices: object) -> NDArray[np.float64]:
        weights: NDArray[np.float64] = self._rows[np.asarray(indices, np.int64)].astype(np.float64) @ self._factors
        return weights


def _of_text(mixed: _Mixed, names: Names, at: int, text: str, divisor: float) -> Iterator[Contribution]:
    """The stretches of a text that speak for spam, and those that speak against it."""
    seed, data = featurizer(names).texts[at], text_bytes(text)
    known = gram_indices(text, seed)
    if not len(known):
        return
    left, pull = dict(zip(known.tolist(), mixed(known).tolist(), strict=True)), np.zeros(len(data))
    for length in (LONG_GRAM, SHORT_GRAM):
        for start, index in enumerate(byte_grams(data, length, seed).tolist()):
            pull[start : start + length] += left.pop(index, 0.0) / length  # each counts once, where it comes first
    pull *= gram_share(len(known)) / divisor
    for _, places in groupby(range(len(data)), key=lambda place: pull[place] > 0):
        stretch = list(places)
        excerpt = data[stretch[0] : stretch[-1] + 1].decode("utf-8", "replace").strip()[:_MAX_CHARS]
        yield Contribution(f"{names.texts[at]}: {excerpt!r}", float(pull[stretch].sum()))


def _of_hints(names: Names, inputs: Inputs, fading: float) -> Iterator[Contribution]:
    named_numbers = zip(names.numbers, inputs.numbers, strict=True)
    for (name, number), hint in zip(
        list(named_numbers)[len(names.numbers) - len(names.hints) :], names.hints, strict=True
    ):
        if number is not None and isfinite(number):
            logit = max(-MOST_HINTED, min(MOST_HINTED, hint * number))
            yield Contribution(f"hint: {name}", fading * logit)


def _of_facts(
    mixed: _Mixed, names: Names, inputs: Inputs, units: Mapping[str, str], share: float
) -> Iterator[Contribution]:
    reader = featurizer(names)
    crosses = reader.crosses(inputs.categories)
    for name, value in zip(names.categories, inputs.categories, strict=False):
        own = featurizer(Names((), (name,), ())).tokens((value,))[1:]  # without the constant
        part = f"{name} = {value}" if value is not None else f"{name} is missing"
        yield Contribution(part, share * float(mixed(own).sum()))
    if crosses:
        yield Contribution("pairs of categories", share * float(mixed(crosses).sum()))
    for name, seed, number in zip(names.numbers, reader.numbers, inputs.numbers, strict=True):
        if number is None or not isfinite(number):
            yield Contribution(f"{name} is missing", share * float(mixed([index_of(seed - 1)])[0]))
            continue
        amount = scaled(number)
        step, slope = mixed([index_of(bucket_hash(seed, amount)), index_of(seed)])
        yield Contribution(f"{name} = {number_text(number, units.get(name, ''))}", share * float(step + slope * amount))
