"""What copies of a picture have in common that are more than compressed or scaled: turned, mirrored, cut at their
edges, or with a border of one colour round them.

A hash is of the whole picture: 3 % cut off each edge change a fifth of its bits. So there are views of a picture beside
the whole: its inner part, which is the whole of a copy that has been cut; and what a border of one colour surrounds.
All are made of one blurred picture. Each is turned the one way that it is turned whichever way a copy lies, and is as
it is or as its negative: whose frequencies have the other sign.
"""

from typing import NamedTuple

import numpy as np

from engine.enrich.pictures.pdq import LEAST_QUALITY, Array, blurred, brightness, centred, frequencies, hash_of

View = tuple[slice, slice]

_EVERYTHING: View = slice(None), slice(None)
_INNER_NUMBER, _INNER = 1, 0.94
"""The share of width and height that is the inner part."""

_MOST_UNLIKE = 6.0
"""A line belongs to a border if it differs from the outermost line by no more, of 255, on average."""

_LEAST_BORDER, _MOST_BORDER = 0.008, 0.6
"""Of width or height: less is found anyway, of more too little is left."""

_KEPT = 16
_SIGNS = 1 - 2 * (np.arange(_KEPT) % 2 == 0)
_NUMBERS = np.arange(1, _KEPT + 1)
_LEANING = np.where(_NUMBERS[:, None] < _NUMBERS, 1.0, 0.5) / (_NUMBERS[:, None] + _NUMBERS)
"""The way is chosen, of eight and their negatives, in which most lies here: low frequencies, which change least, and
not alike in both directions."""


class Hashes(NamedTuple):
    """Of one picture. `upright`: by quality, of the whole and of what is within a border; `turned`: of each view, the
    same for all copies whichever way they lie."""

    upright: dict[str, int]
    turned: list[str]


def hashes_of(rgb: object) -> Hashes:
    """The hashes of a picture (height, width, 3 colours, as bytes) of at most 512 by 512; none of what says nothing."""
    grey, made = brightness(rgb), Hashes({}, [])
    soft = blurred(grey)
    even, within = centred(soft), _within_border(grey)
    views = [_EVERYTHING, _inner(grey.shape), *([within] if within is not None else ())]
    for number, view in enumerate(views):
        found, quality = frequencies(soft[view])
        if quality < LEAST_QUALITY:
            continue
        if number != _INNER_NUMBER:
            made.upright.setdefault(hash_of(found).hex(), quality)
        ways = turned(frequencies(even[view]).found)
        settled = hash_of(max((*ways, *(-way for way in ways)), key=_leaning)).hex()
        if settled not in made.turned:
            made.turned.append(settled)
    return made


def turned(found: Array) -> list[Array]:
    """The frequencies of the picture as it is, turned and mirrored: eight."""
    rows, columns = _SIGNS[:, None], _SIGNS[None, :]
    upright = [found, found * rows, found * columns, found * rows * columns]
    return [*upright, *(one.T for one in upright)]


def _leaning(found: Array) -> float:
    return float((found * _LEANING).sum())


def _inner(shape: tuple[int, ...]) -> View:
    down, across = (round(length * (1 - _INNER) / 2) for length in shape)
    return slice(down, shape[0] - down), slice(across, shape[1] - across)


def _within_border(grey: Array) -> View | None:
    height, width = grey.shape
    above, below = _lines_alike(grey), _lines_alike(grey[::-1])
    left, right = _lines_alike(grey.T), _lines_alike(grey.T[::-1])
    if above + below > _MOST_BORDER * height or left + right > _MOST_BORDER * width:
        return None
    if max(above, below) < _LEAST_BORDER * height and max(left, right) < _LEAST_BORDER * width:
        return None
    return slice(above, height - below), slice(left, width - right)


def _lines_alike(grey: Array) -> int:
    """How many lines from the first on are of one colour, which is the same for all."""
    differs = np.abs(grey - grey[0].mean()).mean(axis=1) > _MOST_UNLIKE
    return int(np.argmax(differs)) if differs.any() else len(grey)
