"""A model on a compacted topic: what has changed since the last time, and in turn a part of all.

Each publication has three kinds of messages. Rows hold weights and squared gradients of some indices; they are those
that have changed since the last publication, and one of `ROUNDS` ranges of all indices. After as many publications
each range has been told anew, so a message that old is not needed any more, and its key serves again: the topic does
not grow with the labels. The head comes last, tells which publications make up the model, and makes this one count: of
one that a crash has cut short, nothing is used.

    name            head: JSON
    name/new/17/0   rows that have changed, first part; 17: the publication's number modulo ROUNDS + 1
    name/all/17     rows of the range whose turn it is
    name/river/1/0  part of what a pipeline of River's has learned, which is published whole; 1: the number modulo 2
    rows            header_length u32 | header, JSON | count x u32 | count x ARMS x f32 | count x ARMS x f32
"""

import re
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import msgspec
import numpy as np

from engine.errors import PipelineError, SnapshotError
from engine.learning.comparison import Comparison
from engine.learning.delays import Delays
from engine.learning.estimators import RiverLearner
from engine.learning.features import VERSION
from engine.learning.linear import ARMS, Indices, table
from engine.learning.models import LearnedModel
from engine.learning.moderator_trust import ModeratorTrust
from engine.learning.ngrams import HashedNgrams
from engine.learning.slices import SlicedLabels
from engine.learning.snapshot_messages import (
    PART_BYTES,
    PART_ROWS,
    RANGE,
    ROUNDS,
    Head,
    Publication,
    RiverPart,
    Rows,
    read_rows,
)
from engine.learning.sources import LearnedSources
from engine.learning.thresholds import Thresholds
from engine.learning.waiting import Waiting

_PART_KEY = re.compile(r"new/[0-9]{1,2}/[0-9]{1,2}|all/[0-9]{1,2}|river/[01]/[0-9]{1,2}")
_SLOTS = ROUNDS + 1
"""One more than a model consists of: a publication that is cut short must not have taken anything's place."""

MAX_WAITING_BYTES = 256 << 20
"""Of one model's messages before its head: several times what a whole model has."""
_SEED = "@seed"

_FIRST_NUMBERS = 1 << 32
_LEAP = 1_000_000
"""A model's publications are counted. So many are never missing, and none begins beyond the first numbers: what is made
up leaves room for all that come. Those of seeds are times."""


class SnapshotWriter:
    """Turns a model into messages, publication by publication. `publications`: those that it consists of so far."""

    def __init__(self, publications: Sequence[Publication] = (), number: int = 0) -> None:
        self._publications = list(publications)
        self._number = publications[-1][0] + 1 if publications else number

    def anew(self) -> "SnapshotWriter":
        """The writer of a model that takes this one's place."""
        return SnapshotWriter(number=self._number)

    def publish(self, model: LearnedModel) -> Iterator[tuple[str, bytes]]:
        """Keys and values of the next publication; all of them have to be published, in this order."""
        publication, learner = (self._number, model.next_offset), model.learner
        self._number += 1
        self._publications = [*self._publications[1 - ROUNDS :], publication]
        losses, taught, proofs, river = [0.0] * ARMS, (0, 0), 0, None
        if isinstance(learner, HashedNgrams):
            yield from _row_messages(model.name, learner, publication)
            losses, taught, proofs = learner.losses, (learner.taught[0], learner.taught[1]), learner.proofs
        else:
            yield from _river_messages(model.name, learner, publication)
            river = learner.expression
        head = Head(
            model=model.name,
            labels=model.labels,
            spam=model.spam,
            next_offset=model.next_offset,
            label_offsets=dict(sorted(model.sources.newest.items())),
            recent=model.sources.dump(),
            challenger=model.compared.challenger,
            promoted=model.compared.promoted,
            compared=model.compared.dump(),
            compared_labels=model.compared.labels,
            sliced=model.sliced.dump(),
            delays=model.delays.dump(),
            waits_ms=model.waiting.now_ms,
            waits_from=model.waiting.begins,
            quarantined=sorted(model.quarantined),
            command_offset=model.command_offset,
            begins=model.begins,
            seeded=model.seeded,
            pinned=model.pinned,
            losses=losses,
            taught=taught,
            judged=model.judged.dump(),
            moderator_trust=model.moderator_trust,
            publications=self._publications,
            river=river,
            proofs=proofs,
            command_sequence=model.command_sequence,
            features=VERSION,
        )
        yield model.name, msgspec.json.encode(head)


def _row_messages(name: str, learner: HashedNgrams, publication: Publication) -> Iterator[tuple[str, bytes]]:
    slot, range_ = publication[0] % _SLOTS, publication[0] % ROUNDS
    changed = learner.touched()
    for part, start in enumerate(range(0, len(changed), PART_ROWS)):
        rows = _rows(learner, publication, changed[start : start + PART_ROWS])
        yield f"{name}/new/{slot}/{part}", rows.encode()
    within = np.arange(range_ * RANGE, (range_ + 1) * RANGE, dtype=np.uint32)
    known = within[table(learner.gradients)[within].any(axis=1)]
    yield f"{name}/all/{slot}", _rows(learner, publication, known).encode()


def _river_messages(name: str, learner: RiverLearner, publication: Publication) -> Iterator[tuple[str, bytes]]:
    data = learner.dump()
    for part, start in enumerate(range(0, len(data), PART_BYTES)):
        chunk = RiverPart(publication, part, data[start : start + PART_BYTES])
        yield f"{name}/river/{publication[0] % 2}/{part}", msgspec.msgpack.encode(chunk)


@dataclass(slots=True)
class SnapshotReader:
    """Puts one model together from its messages, in the order of the topic. `outdated`: the number of the last
    publication that another version of Floodgate has learned, and this one cannot read."""

    head: Head | None = None
    outdated: int | None = None
    learner: HashedNgrams | RiverLearner | None = None  # made for the first head: it takes its room at once
    _waiting: dict[str, Rows | RiverPart] = field(default_factory=dict)
    _waiting_bytes: int = 0

    def receive(self, key: str, value: bytes) -> bool:
        """One message; True when the model has changed. Raises SnapshotError."""
        try:
            if "/" in key:
                self._wait(key, value)
                return False
            head = msgspec.json.decode(value, type=Head)
            if head.spam > head.labels:
                raise ValueError(f"{head.spam} of its {head.labels} labels are spam")
            Thresholds.load(head.judged)
            _compared(head)
            SlicedLabels.load(head.sliced)
            Delays.load(head.delays)
            number, known = head.publications[-1][0], self.head.publications[-1][0] if self.head is not None else None
            if known is not None and number < known:
                raise ValueError("it was published before the one in use")
            if head.river is None and head.features != VERSION:
                self.outdated, self._waiting, self._waiting_bytes = number, {}, 0
                raise ValueError(
                    f"it was learned from features of version {head.features}, and this version of Floodgate has "
                    f"{VERSION}; a model on the topic is learned anew from the examples there"
                )
            if not is_seed(key) and number > (_FIRST_NUMBERS if known is None else known + _LEAP):
                raise ValueError(f"there are not so many publications that this is number {number}")
            self._apply(head)
        except (PipelineError, struct.error, ValueError, RecursionError, msgspec.MsgspecError) as error:
            raise SnapshotError(f"a message of {len(value)} bytes about a model cannot be read: {error}") from error
        return True

    def model(self) -> LearnedModel:
        """The model, to score with: its learner is this one's own, and changes with the next message."""
        head = self.head
        assert head is not None
        assert self.learner is not None
        return LearnedModel(
            name=head.model,
            labels=head.labels,
            spam=head.spam,
            next_offset=head.next_offset,
            sources=LearnedSources.load(head.label_offsets, head.recent),
            quarantined=set(head.quarantined),
            command_offset=head.command_offset,
            command_sequence=head.command_sequence,
            begins=head.begins,
            seeded=head.seeded,
            pinned=head.pinned,
            moderator_trust=head.moderator_trust,
            judged=Thresholds.load(head.judged),
            compared=_compared(head),
            sliced=SlicedLabels.load(head.sliced),
            delays=Delays.load(head.delays),
            waiting=Waiting(head.waits_ms),
            learner=self.learner,
        )

    def copy(self) -> "tuple[LearnedModel, SnapshotWriter]":
        """The model and what publishes it, to learn on."""
        model = self.model()
        model.moderator_trust = msgspec.json.decode(msgspec.json.encode(model.moderator_trust), type=ModeratorTrust)
        model.learner = copied(model.learner)
        assert self.head is not None
        return model, SnapshotWriter(self.head.publications)

    def _wait(self, key: str, value: bytes) -> None:
        """Keep a part until its head comes."""
        if not _PART_KEY.fullmatch(key.partition("/")[2]):
            raise ValueError(f"{key[:100]!r} is the key of no part of a model")
        part = msgspec.msgpack.decode(value, type=RiverPart) if "/river/" in key else read_rows(value)
        known = self._waiting.get(key)
        waiting = self._waiting_bytes + part.size_bytes - (known.size_bytes if known is not None else 0)
        if waiting > MAX_WAITING_BYTES:
            raise ValueError(f"more than {MAX_WAITING_BYTES >> 20} MB wait for the head of this model")
        self._waiting[key], self._waiting_bytes = part, waiting

    def _apply(self, head: Head) -> None:
        waiting = sorted(self._waiting.values(), key=lambda part: part.publication)
        self._waiting.clear()
        self._waiting_bytes = 0
        if head.river is not None:
            parts = [
                part for part in waiting if isinstance(part, RiverPart) and part.publication == head.publications[-1]
            ]
            data = b"".join(part.data for part in sorted(parts, key=lambda part: part.part))
            self.learner = RiverLearner.load(head.river, data)
            self.head = head
            return
        learner = self.learner
        if not isinstance(learner, HashedNgrams) or (
            self.head is not None and not set(self.head.publications) & set(head.publications)
        ):
            learner = self.learner = HashedNgrams()  # another model under the same name
        valid = set(head.publications)
        for rows in waiting:
            if isinstance(rows, Rows) and rows.publication in valid:
                table(learner.weights)[rows.indices] = rows.weights
                table(learner.gradients)[rows.indices] = rows.gradients
        learner.losses, learner.taught, learner.proofs = list(head.losses), list(head.taught), head.proofs
        self.head = head


def _compared(head: Head) -> Comparison:
    return Comparison.load(head.challenger, head.promoted, head.compared_labels, head.compared)


def seed_of(name: str) -> str:
    """The name under which a model's seed is published."""
    return f"{name}{_SEED}"


def is_seed(name: str) -> bool:
    """Whether this is the name of a seed, or of a part of one."""
    return name.partition("/")[0].endswith(_SEED)


def copied(learner: HashedNgrams | RiverLearner) -> HashedNgrams | RiverLearner:
    """Another one that has learned the same."""
    if isinstance(learner, RiverLearner):
        return RiverLearner.load(learner.expression, learner.dump())
    copy = HashedNgrams()
    copy.weights[:], copy.gradients[:] = learner.weights, learner.gradients  # where they are: in large pages
    copy.losses, copy.taught, copy.proofs = list(learner.losses), list(learner.taught), learner.proofs
    return copy


def whole(model: LearnedModel, number: int = 0) -> list[tuple[str, bytes]]:
    """A model as the messages of one publication: for a file, or for a topic. `number`: the publication's, another
    one than of any model that was published under this name."""
    if isinstance(model.learner, HashedNgrams):
        model.learner.touch_all()
    return list(SnapshotWriter(number=number).publish(model))


def read_whole(messages: Sequence[tuple[str, bytes]]) -> LearnedModel:
    """What `whole` gave. Raises SnapshotError."""
    follower = SnapshotReader()
    for key, value in messages:
        follower.receive(key, value)
    if follower.head is None:
        raise SnapshotError("this is not a whole model: its head is missing")
    return follower.copy()[0]


def _rows(learner: HashedNgrams, publication: Publication, indices: Indices) -> Rows:
    return Rows(publication, indices, table(learner.weights)[indices], table(learner.gradients)[indices])
