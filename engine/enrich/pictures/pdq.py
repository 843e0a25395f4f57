"""PDQ, a hash of 256 bits that copies of a picture nearly share (Facebook's published algorithm), with numpy.

Brightness is blurred, reduced to 64 by 64, and turned into frequencies; each of the lowest 16 by 16 gives a bit, which
says whether it is above the median. Scaled, compressed and brightened copies differ in few bits: 31 or fewer is a
match. The bits equal those of the reference implementation for the same pixels.
"""

from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[np.float64]]

MOST_DISTANT = 31
"""Hashes that differ in more bits are no match."""

LEAST_QUALITY = 50
"""What has less says nothing: one colour, a gradient, a blank page."""

_SIDE, _KEPT = 64, 16
_COSINES = np.sqrt(2 / _SIDE) * np.cos(
    np.pi / (2 * _SIDE) * np.outer(np.arange(1, _KEPT + 1), 2 * np.arange(_SIDE) + 1)
)
_LUMA = np.array((0.299, 0.587, 0.114))
_SIGNS = 1 - 2 * (np.arange(_KEPT) % 2 == 0)


def frequencies(rgb: Any) -> tuple[Array, int]:
    """The frequencies of a picture (height, width, 3 colours, as bytes) that its hash is made of, and its quality
    (0 to 100). One of more than 512 by 512 should be scaled down first."""
    grey = rgb.astype(np.float64) @ _LUMA
    for _ in range(2):
        grey = _blurred(_blurred(grey, 1), 0)
    small = _small(grey)
    steps = [np.trunc(np.abs(np.diff(small, axis=axis)) * 100 / 255).sum() for axis in (0, 1)]
    return _COSINES @ small @ _COSINES.T, min(100, int(sum(steps) / 90))


def hash_of(found: Array) -> bytes:
    """The hash of these frequencies: 32 bytes, as the reference implementation writes them."""
    median = np.partition(found.ravel(), found.size // 2 - 1)[found.size // 2 - 1]
    return np.packbits((found > median).ravel()[::-1]).tobytes()


def turned(found: Array) -> list[Array]:
    """The frequencies of the picture as it is, turned and mirrored: eight."""
    rows, columns = _SIGNS[:, None], _SIGNS[None, :]
    upright = [found, found * rows, found * columns, found * rows * columns]
    return [*upright, *(one.T for one in upright)]


def distance(one: bytes, other: bytes) -> int:
    """In how many bits two hashes differ."""
    return (int.from_bytes(one) ^ int.from_bytes(other)).bit_count()


def _small(grey: Array) -> Array:
    rows, columns = (((np.arange(_SIDE) + 0.5) * length / _SIDE).astype(int) for length in grey.shape)
    return np.asarray(grey[rows][:, columns])


def _blurred(grey: Array, axis: int) -> Array:
    """Means of windows along an axis, which are shorter at the edges."""
    length = grey.shape[axis]
    window = (length + 2 * _SIDE - 1) // (2 * _SIDE)
    if window == 1:
        return grey
    ahead = (window + 2) // 2
    sums = np.insert(np.cumsum(grey, axis=axis), 0, 0, axis=axis)
    places = np.arange(length)
    ends, starts = np.minimum(length, places + ahead), np.maximum(0, places - (window - ahead))
    counts = (ends - starts).reshape([-1, 1] if axis == 0 else [1, -1])
    return np.asarray((np.take(sums, ends, axis) - np.take(sums, starts, axis)) / counts)
