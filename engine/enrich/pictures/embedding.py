"""What a model sees in a picture before it says what that is, as a few numbers: two pictures of one kind have similar
ones, whatever the model's own labels are. So a model of events can learn from a few labels what the image model was
never asked.

Any tensor within a model can be declared. It is reduced by random signs, which the model's hash draws: distances stay
nearly as they were (Johnson and Lindenstrauss).
"""

from hashlib import shake_256
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[np.float32]]

MOST_SEEN = 65_536
"""So many numbers may a tensor have."""

_GRAPH, _OUTPUT, _FLOAT = 7, 12, 1


class Reduction:
    """From a tensor to `dimensions` numbers of about one, or as many as it has where these are fewer. `drawn_by`: what
    is always the same for a model."""

    def __init__(self, dimensions: int, drawn_by: str) -> None:
        self._dimensions, self._drawn_by = dimensions, drawn_by.encode()
        self._signs: Array | None = None

    def reduced(self, tensor: Any) -> Array:
        """Raises ValueError where a tensor has too many numbers, or others than those before."""
        seen: Array = np.asarray(tensor, np.float32).ravel()
        if not 0 < seen.size <= MOST_SEEN:
            raise ValueError(f"the embedding has {seen.size} numbers, it may have from 1 to {MOST_SEEN}")
        if not np.isfinite(seen).all():
            return np.full(min(seen.size, self._dimensions), np.nan, np.float32)
        found = self._project(_evened(seen)) if seen.size > self._dimensions else seen
        return _evened(found)

    def _project(self, seen: Array) -> Array:
        if self._signs is None:
            bits = np.frombuffer(shake_256(self._drawn_by).digest(-(-self._dimensions * seen.size // 8)), np.uint8)
            drawn = np.unpackbits(bits)[: self._dimensions * seen.size].reshape(self._dimensions, seen.size)
            self._signs = drawn.astype(np.float32) * 2 - 1
        return np.asarray(self._signs @ seen, np.float32)


def with_output(model: bytes, tensor: str) -> bytes:
    """A model whose graph gives a tensor out, too. In a file of protocol buffers what is appended is taken for more of
    the same message."""
    kind = _field(1, _varint(1 << 3) + _varint(_FLOAT))
    output = _field(_OUTPUT, _field(1, tensor.encode()) + _field(2, kind))
    return model + _field(_GRAPH, output)


def pooled(several: list[dict[str, float]]) -> dict[str, float]:
    """Of several pictures, in each place the number that is farthest from 0: none dilutes what another shows."""
    return {name: max((one[name] for one in several), key=abs) for name in several[0]} if several else {}


def _evened(numbers: Array) -> Array:
    """Around 0, and about 1 from it."""
    spread = float(numbers.std())
    return np.asarray((numbers - numbers.mean()) / (spread or 1.0), np.float32)


def _field(number: int, value: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    head = bytes([value & 0x7F | (0x80 if value > 0x7F else 0)])
    return head + _varint(value >> 7) if value > 0x7F else head
