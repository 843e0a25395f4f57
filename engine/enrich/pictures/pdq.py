"""PDQ, a hash of 256 bits that copies of a picture nearly share (Facebook's published algorithm), with numpy.

Brightness is blurred, reduced to 64 by 64, and turned into frequencies; each of the lowest 16 by 16 gives a bit, which
says whether it is above the median. Scaled, compressed and brightened copies differ in few bits: 31 or fewer is a
match. The bits equal those of the reference implementation for the same pixels.
"""

from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray[Any, np.dtype[np.float64]]

LEAST_QUALITY = 50
"""What has less says nothing: one colour, a gradient, a blank page."""

_SIDE, _KEPT = 64, 16
_COSINES = np.sqrt(2 / _SIDE) * np.cos(
    np.pi / (2 * _SIDE) * np.outer(np.arange(1, _KEPT + 1), 2 * np.arange(_SIDE) + 1)
)
_LUMA = np.array((0.299, 0.587, 0.114))


class Frequencies(NamedTuple):
    """The frequencies that a hash is made of, and the quality of what they were made of (0 to 100)."""

    found: Array
    quality: int


def brightness(rgb: Any) -> Array:
    """How bright a picture is (height, width, 3 colours, as bytes), not blurred yet. One of more than 512 by 512 should
    be scaled down first."""
    return np.asarray(rgb.astype(np.float64) @ _LUMA)


def blurred(grey: Array) -> Array:
    """As its frequencies are made of it."""
    for _ in range(2):
        grey = _blurred(_blurred(grey, 1), 0)
    return grey


def centred(soft: Array) -> Array:
    """A blurred picture where it would be if windows of an even width were as long behind as ahead: mirrored pictures
    are blurred alike then."""
    for axis in (0, 1):
        length = soft.shape[axis]
        if _window(length) % 2 == 0:  # half a place ahead, twice
            soft = np.take(soft, np.maximum(np.arange(length) - 1, 0), axis)
    return soft


def frequencies(grey: Array) -> Frequencies:
    """Those of a blurred picture, or of a part of one."""
    small = _small(grey)
    steps = [np.trunc(np.abs(np.diff(small, axis=axis)) * 100 / 255).sum() for axis in (0, 1)]
    return Frequencies(_COSINES @ small @ _COSINES.T, min(100, int(sum(steps) / 90)))


def hash_of(found: Array) -> bytes:
    """The hash of these frequencies: 32 bytes, as the reference implementation writes them."""
    median = np.partition(found.ravel(), found.size // 2 - 1)[found.size // 2 - 1]
    return np.packbits((found > median).ravel()[::-1]).tobytes()


def distance(one: bytes, other: bytes) -> int:
    """In how many bits two hashes differ."""
    return (int.from_bytes(one) ^ int.from_bytes(other)).bit_count()


def _small(grey: Array) -> Array:
    rows, columns = (((np.arange(_SIDE) + 0.5) * length / _SIDE).astype(int) for length in grey.shape)
    return np.asarray(grey[rows][:, columns])


def _window(length: int) -> int:
    return (length + 2 * _SIDE - 1) // (2 * _SIDE)


def _blurred(grey: Array, axis: int) -> Array:
    """Means of windows along an axis, which are shorter at the edges."""
    length = grey.shape[axis]
    window = _window(length)
    if window == 1:
        return grey
    ahead = (window + 2) // 2
    sums = np.insert(np.cumsum(grey, axis=axis), 0, 0, axis=axis)
    places = np.arange(length)
    ends, starts = np.minimum(length, places + ahead), np.maximum(0, places - (window - ahead))
    counts = (ends - starts).reshape([-1, 1] if axis == 0 else [1, -1])
    return np.asarray((np.take(sums, ends, axis) - np.take(sums, starts, axis)) / counts)
