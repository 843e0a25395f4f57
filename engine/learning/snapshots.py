"""A model on a compacted topic: what has changed since the last time, and in turn a part of all.

Each publication has three kinds of messages. Rows hold weights and squared gradients of some indices; they are those
that have changed since the last publication, and one of `ROUNDS` ranges of all indices. After as many publications
each range has been told anew, so a message that old is not needed any more, and its key serves again: the topic does
not grow with the labels. The head comes last, tells which publications make up the model, and makes this one count: of
one that a crash has cut short, nothing is used.

    name            head: JSON
    name/new/17/0   rows that have changed, first part; 17: the publication's number modulo ROUNDS + 1
    name/all/17     rows of the range whose turn it is
    rows            header_length u32 | header, JSON | count x u32 | count x ARMS x f32 | count x ARMS x f32
"""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import msgspec
import numpy as np

from engine.errors import SnapshotError
from engine.learning.linear import ARMS, INDICES, Floats, Indices, table
from engine.learning.models import LearnedModel
from engine.learning.ngrams import HashedNgrams
from engine.learning.teachers import Teachers
from engine.learning.thresholds import Thresholds

ROUNDS = 64
PART_ROWS = 20_000
"""Rows of one message: 720 kB."""

_LENGTH = struct.Struct("<I")
_RANGE = INDICES // ROUNDS
_SLOTS = ROUNDS + 1
"""One more than a model consists of: a publication that is cut short must not have taken anything's place."""

Publication = tuple[int, int]
"""Which one: its number, and the first example that it has not learned from."""


class RowsHeader(msgspec.Struct, frozen=True):
    """What a message with rows says about itself."""

    publication: Publication
    count: int


class Head(msgspec.Struct, frozen=True):
    """A model but for its rows. `publications`: the last ones, whose rows it consists of."""

    model: str
    labels: int
    spam: int
    next_offset: int
    label_offsets: dict[int, int]
    quarantined: list[str]
    ruled: int
    begins: int
    seeded: bool
    pinned: bool
    losses: list[float]
    judged: bytes
    teachers: Teachers
    publications: list[Publication]


@dataclass(slots=True)
class Rows:
    """Weights and squared gradients of some indices."""

    publication: Publication
    indices: Indices
    weights: Floats
    gradients: Floats

    def encode(self) -> bytes:
        """As a message."""
        head = msgspec.json.encode(RowsHeader(self.publication, len(self.indices)))
        return b"".join(
            (_LENGTH.pack(len(head)), head, self.indices.tobytes(), self.weights.tobytes(), self.gradients.tobytes())
        )


class Publisher:
    """Turns a model into messages, publication by publication. `publications`: those that it consists of so far."""

    def __init__(self, publications: Sequence[Publication] = (), number: int = 0) -> None:
        self._publications = list(publications)
        self._number = publications[-1][0] + 1 if publications else number

    def anew(self) -> "Publisher":
        """The publisher of a model that takes this one's place."""
        return Publisher(number=self._number)

    def publish(self, model: LearnedModel) -> Iterator[tuple[str, bytes]]:
        """Keys and values of the next publication; all of them have to be published, in this order."""
        publication, slot = (self._number, model.next_offset), self._number % _SLOTS
        range_ = self._number % ROUNDS
        self._number += 1
        self._publications = [*self._publications[1 - ROUNDS :], publication]
        changed = model.touched()
        for part, start in enumerate(range(0, len(changed), PART_ROWS)):
            rows = _rows(model, publication, changed[start : start + PART_ROWS])
            yield f"{model.name}/new/{slot}/{part}", rows.encode()
        within = np.arange(range_ * _RANGE, (range_ + 1) * _RANGE, dtype=np.uint32)
        known = within[table(model.learner.gradients)[within].any(axis=1)]
        yield f"{model.name}/all/{slot}", _rows(model, publication, known).encode()
        head = Head(
            model.name, model.labels, model.spam, model.next_offset, dict(sorted(model.label_offsets.items())),
            sorted(model.quarantined), model.ruled, model.begins, model.seeded, model.pinned,
            model.learner.losses, model.judged.dump(), model.teachers, self._publications,
        )  # fmt: skip
        yield model.name, msgspec.json.encode(head)


@dataclass(slots=True)
class Follower:
    """Puts one model together from its messages, in the order of the topic."""

    head: Head | None = None
    learner: HashedNgrams = field(default_factory=HashedNgrams)
    _waiting: dict[str, Rows] = field(default_factory=dict)

    def receive(self, key: str, value: bytes) -> bool:
        """One message; True when the model has changed. Raises SnapshotError."""
        try:
            if "/" in key:
                self._waiting.pop(key, None)
                self._waiting[key] = read_rows(value)
                return False
            head = msgspec.json.decode(value, type=Head)
            if len(head.losses) != ARMS:
                raise ValueError(f"it has {len(head.losses)} arms instead of {ARMS}")
            Thresholds.load(head.judged)
        except (struct.error, ValueError, msgspec.MsgspecError) as error:
            raise SnapshotError(f"a message of {len(value)} bytes about a model cannot be read: {error}") from error
        self._apply(head)
        return True

    def model(self) -> LearnedModel:
        """The model, to score with: its learner is this one's own, and changes with the next message."""
        head = self.head
        assert head is not None
        return LearnedModel(
            head.model, head.labels, head.spam, head.next_offset, dict(head.label_offsets), set(head.quarantined),
            head.ruled, head.begins, head.seeded, head.pinned, head.teachers,
            Thresholds.load(head.judged), self.learner,
        )  # fmt: skip

    def copy(self) -> "tuple[LearnedModel, Publisher]":
        """The model and what publishes it, to learn on."""
        model = self.model()
        model.teachers = msgspec.json.decode(msgspec.json.encode(model.teachers), type=Teachers)
        model.learner = HashedNgrams()
        model.learner.weights, model.learner.gradients = self.learner.weights[:], self.learner.gradients[:]
        model.learner.losses = list(self.learner.losses)
        assert self.head is not None
        return model, Publisher(self.head.publications)

    def _apply(self, head: Head) -> None:
        if self.head is not None and not set(self.head.publications) & set(head.publications):
            self.learner = HashedNgrams()  # another model under the same name
        valid = set(head.publications)
        for rows in sorted(self._waiting.values(), key=lambda rows: rows.publication):
            if rows.publication in valid:
                table(self.learner.weights)[rows.indices] = rows.weights
                table(self.learner.gradients)[rows.indices] = rows.gradients
        self._waiting.clear()
        self.learner.losses = list(head.losses)
        self.head = head


def whole(model: LearnedModel, number: int = 0) -> list[tuple[str, bytes]]:
    """A model as the messages of one publication: for a file, or for a topic. `number`: the publication's, another
    one than of any model that was published under this name."""
    model.touch(np.flatnonzero(table(model.learner.gradients).any(axis=1)).astype(np.uint32))
    return list(Publisher(number=number).publish(model))


def read_whole(messages: Sequence[tuple[str, bytes]]) -> LearnedModel:
    """What `whole` gave. Raises SnapshotError."""
    follower = Follower()
    for key, value in messages:
        follower.receive(key, value)
    if follower.head is None:
        raise SnapshotError("this is not a whole model: its head is missing")
    return follower.copy()[0]


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


def _rows(model: LearnedModel, publication: Publication, indices: Indices) -> Rows:
    learner = model.learner
    return Rows(publication, indices, table(learner.weights)[indices], table(learner.gradients)[indices])
