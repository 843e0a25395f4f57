"""The smallest hashes of a text's runs of bytes (min-hash; Broder, "On the resemblance and containment of documents",
1997). `_kernel.pyx` has the same function for a compiler; where that has not been built, this one serves."""

from array import array

import numpy as np

RUN = 12
"""Bytes in a run: 12 letters of an alphabet, with the vowel signs of Indian ones, 6 kana or Korean
syllables, 4 Chinese characters. Shorter runs survive more edits and match more strangers."""

FACTORS = 4

_HALF = 8
_SHIFT = np.uint64(29)


def smallest_hashes(data: bytes, factors: "array[int]") -> tuple[int, int]:
    """The smallest first and the smallest second hash of all runs of RUN bytes, of which there must be one. `factors`:
    FACTORS odd numbers of 64 bits, which draw the hash functions."""
    one, two, three, four = (np.uint64(factor) for factor in factors)
    words = np.ndarray((len(data) - _HALF + 1,), dtype="<u8", buffer=data, strides=(1,))
    runs = len(data) - RUN + 1
    first = (words[:runs] * one) ^ (words[RUN - _HALF : RUN - _HALF + runs] * two)
    first = (first ^ (first >> _SHIFT)) * three
    second = (first ^ (first >> _SHIFT)) * four
    second = second ^ (second >> _SHIFT)
    return int(first.min()), int(second.min())
