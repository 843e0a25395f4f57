"""The messages of which a model on its topic consists: heads, rows, parts of pipelines."""

import struct
from dataclasses import dataclass
from typing import Annotated

import msgspec
import numpy as np

from engine.learning.linear import ARMS, INDICES, Floats, Indices
from engine.learning.moderator_trust import ModeratorTrust
from engine.learning.sources import MOST_WINDOWS, WINDOW

ROUNDS = 64
PART_ROWS = 20_000
"""Rows of one message: 720 kB."""
PART_BYTES = 700_000
RANGE = INDICES // ROUNDS
"""So many indices are told anew with each publication."""
MAX_NAMED = 10_000
"""Moderators and partitions that a head names at most."""

_LENGTH = struct.Struct("<I")
_Count = Annotated[int, msgspec.Meta(ge=0, lt=1 << 62)]
_Number = Annotated[int, msgspec.Meta(ge=0, lt=1 << 53)]
_Window = Annotated[bytes, msgspec.Meta(max_length=WINDOW // 8)]
_Loss = Annotated[float, msgspec.Meta(ge=0, le=1e9)]
Publication = tuple[_Number, _Count]
"""Which one: its number, and the first example that it has not learned from."""


class RowsHeader(msgspec.Struct, frozen=True):
    """What a message with rows says about itself."""

    publication: Publication
    count: Annotated[int, msgspec.Meta(ge=0, le=RANGE + PART_ROWS)]


_STORED_NAMES = {"command_offset": "ruled", "command_sequence": "ruled_sequence", "moderator_trust": "teachers"}
"""As snapshots on the models topic have had them from the first."""


class Head(msgspec.Struct, frozen=True, rename=_STORED_NAMES):
    """A model but for its rows. `publications`: the last ones, whose rows it consists of; `river`: its pipeline, if it
    has one of its own; `features`: the version of those that the rows are of; `label_offsets`: of each source, the last
    offset that is learned, and `recent`: which of those before; `compared`: with this challenger, of so many labels;
    `waits_ms`: what is waited for is not over by then, and `waits_from`: the first of those examples, if there are
    any."""

    model: str
    labels: _Count
    spam: _Count
    next_offset: _Count
    label_offsets: Annotated[dict[int, int], msgspec.Meta(max_length=MAX_NAMED)]
    quarantined: Annotated[list[str], msgspec.Meta(max_length=MAX_NAMED)]
    command_offset: Annotated[int, msgspec.Meta(ge=-1, lt=1 << 62)]
    begins: _Count
    seeded: bool
    pinned: bool
    losses: Annotated[list[_Loss], msgspec.Meta(min_length=ARMS, max_length=ARMS)]
    taught: tuple[_Count, _Count]
    judged: bytes
    moderator_trust: ModeratorTrust
    publications: Annotated[list[Publication], msgspec.Meta(min_length=1, max_length=ROUNDS)]
    river: str | None = None
    proofs: _Count = 0
    command_sequence: _Count = 0
    features: _Count = 1
    recent: Annotated[dict[int, _Window], msgspec.Meta(max_length=MOST_WINDOWS)] = {}
    challenger: str | None = None
    promoted: bool = False
    compared: bytes = b""
    compared_labels: _Count = 0
    sliced: bytes = b""
    delays: bytes = b""
    waits_ms: _Count = 0
    waits_from: _Count | None = None


@dataclass(slots=True)
class Rows:
    """Weights and squared gradients of some indices."""

    publication: Publication
    indices: Indices
    weights: Floats
    gradients: Floats

    @property
    def size_bytes(self) -> int:
        """About the length of its message."""
        return self.indices.nbytes + self.weights.nbytes + self.gradients.nbytes

    def encode(self) -> bytes:
        """As a message."""
        head = msgspec.json.encode(RowsHeader(self.publication, len(self.indices)))
        return b"".join(
            (_LENGTH.pack(len(head)), head, self.indices.tobytes(), self.weights.tobytes(), self.gradients.tobytes())
        )


class RiverPart(msgspec.Struct, frozen=True):
    """A part of what a pipeline of River's has learned."""

    publication: Publication
    part: Annotated[int, msgspec.Meta(ge=0, lt=100)]
    data: Annotated[bytes, msgspec.Meta(max_length=PART_BYTES)]

    @property
    def size_bytes(self) -> int:
        """About the length of its message."""
        return len(self.data)


def read_rows(data: bytes) -> Rows:
    """What `Rows.encode` wrote. Raises ValueError."""
    (length,) = _LENGTH.unpack_from(data)
    at = _LENGTH.size + length
    head = msgspec.json.decode(data[_LENGTH.size : at], type=RowsHeader)
    if len(data) - at != (4 + 8 * ARMS) * head.count:
        raise ValueError(f"it should hold {head.count} rows")
    indices = np.frombuffer(data, "<u4", head.count, at)
    if head.count and indices.max() >= INDICES:
        raise ValueError("it has indices of a larger model")
    weights = np.frombuffer(data, "<f4", ARMS * head.count, at + 4 * head.count)
    gradients = np.frombuffer(data, "<f4", ARMS * head.count, at + (4 + 4 * ARMS) * head.count)
    if not (np.isfinite(weights).all() and np.isfinite(gradients).all() and (gradients >= 0).all()):
        raise ValueError("it has numbers that no learner has")
    return Rows(head.publication, indices, weights.reshape(-1, ARMS), gradients.reshape(-1, ARMS))
