"""Words of many texts as hashed indices, a batch at a time, with numpy.

A word is a run of letters, digits and underscores of ASCII, and of whatever is not ASCII, in lower case.
Its hash is a polynomial over its bytes modulo 2^64. Prefix sums over the whole batch give all of them at
once: a word's hash is the difference of two sums, divided by the power at which the word begins.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

INDEX_BITS = 18
MAX_CHARS = 4_096
"""Of a longer text, only so much is read."""

Indices = NDArray[np.uint64]

_WORD_BYTES = b"0123456789abcdefghijklmnopqrstuvwxyz_" + bytes(range(128, 256))
_SEPARATOR = "\x00"
_MAX_BYTES = 1 << 18
_FACTOR = 0x9E3779B97F4A7C15
_MODULUS = 1 << 64
_MIX = np.uint64(0xD6E8FEB86659FD93)
_HALF = np.uint64(32)
_SHIFT = np.uint64(64 - INDEX_BITS)
_BITS = np.uint64(INDEX_BITS)


def _powers(base: int) -> Indices:
    """base^0, base^1, … modulo 2^64."""
    found = np.ones(_MAX_BYTES, np.uint64)
    known, step = 1, base
    while known < _MAX_BYTES:  # doubling: the second half is the first one times base^known
        found[known : 2 * known] = found[:known] * np.uint64(step)
        known, step = 2 * known, step * step % _MODULUS
    return found


_POWERS = _powers(_FACTOR)
_INVERSES = _powers(pow(_FACTOR, -1, _MODULUS))
_WEIGHTS = np.zeros(256, np.uint64)
_WEIGHTS[list(_WORD_BYTES)] = np.array([(1 + byte) * _FACTOR % _MODULUS for byte in _WORD_BYTES], np.uint64)
_IN_WORDS = _WEIGHTS != 0


def hash_words(texts: Sequence[str | None], seed: int) -> Indices:
    """For each word of each text: the text's place << 18 | the word's index. `seed` tells fields apart.

    Not sorted, and with repetitions: whoever joins several fields does that once.
    """
    if not texts:
        return np.zeros(0, np.uint64)
    joined = _SEPARATOR.join([text[:MAX_CHARS] if text else "" for text in texts]).lower()
    if joined.count(_SEPARATOR) != len(texts) - 1:
        return hash_words([text.replace(_SEPARATOR, " ") if text else None for text in texts], seed)
    data = joined.encode("utf-8", "surrogatepass")
    if len(data) + 2 > _MAX_BYTES:
        half = len(texts) // 2
        second = hash_words(texts[half:], seed) + (np.uint64(half) << _BITS)
        return np.concatenate([hash_words(texts[:half], seed), second])
    return _hash(np.frombuffer(b"\x00%b\x00" % data, np.uint8), np.uint64(seed))


def _hash(data: NDArray[np.uint8], seed: np.uint64) -> Indices:
    """The same for texts in one array, with a separator before, between and after them."""
    in_word = _IN_WORDS[data]
    edges = np.flatnonzero(in_word[1:] != in_word[:-1])
    before, last = edges[::2], edges[1::2]
    sums = _WEIGHTS[data]
    sums *= _POWERS[: len(data)]
    np.cumsum(sums, out=sums)
    hashes = (sums[last] - sums[before]) * _INVERSES[before]
    hashes ^= seed
    hashes ^= hashes >> _HALF
    hashes *= _MIX
    hashes >>= _SHIFT
    places = np.searchsorted(np.flatnonzero(data == 0)[1:], before, side="right").astype(np.uint64)
    hashes |= places << _BITS
    return hashes


def distinct(indices: Indices) -> Indices:
    """Sorted, each once. (`np.unique` hashes, which takes ten times as long here.)"""
    found = np.sort(indices)
    if len(found) > 1:
        found = found[np.concatenate(([True], found[1:] != found[:-1]))]
    return found
