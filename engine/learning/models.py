"""The default model: River's logistic regression with AdaGrad on sparse hashed features.

A snapshot holds all that scoring and further learning need, as numbers, not as pickled objects: what
comes from a topic is never executed.
"""

import struct
from array import array
from collections import defaultdict
from dataclasses import dataclass, field

import msgspec
from river import linear_model, optim
from river.utils import VectorDict

from engine.errors import SnapshotError
from engine.learning.features import SparseFeatures

_MAGIC = b"FGM1"
_HEADER_LENGTH = struct.Struct("<4sI")


class SnapshotHeader(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a snapshot says about itself. `next_offset`: the first example it has not learned from;
    `label_offsets`: per labels partition, the last label it has learned from."""

    model: str
    labels: int
    spam: int
    learning_rate: float
    intercept: float
    weights: int
    next_offset: int
    label_offsets: dict[int, int] = {}


@dataclass(slots=True)
class LearnedModel:
    """A River model that learns, with the count of what it has learned from."""

    name: str
    learning_rate: float
    labels: int = 0
    spam: int = 0
    next_offset: int = 0
    label_offsets: dict[int, int] = field(default_factory=dict)
    river: linear_model.LogisticRegression = field(init=False)

    def __post_init__(self) -> None:
        self.river = linear_model.LogisticRegression(optimizer=optim.AdaGrad(self.learning_rate))

    @property
    def version(self) -> str:
        """Names what has been learned: the same labels give the same version."""
        return f"{self.name}-{self.labels}"

    def learn(self, features: SparseFeatures, spam: bool) -> None:
        """One label."""
        self.river.learn_one(features.vector(), spam)
        self.labels += 1
        self.spam += spam

    def predict(self, features: SparseFeatures) -> float:
        """The probability of spam."""
        return float(self.river.predict_proba_one(features.vector())[True])

    def snapshot(self) -> bytes:
        """Everything, as bytes; the same history gives the same bytes."""
        weights = self.river._weights.to_dict()
        gradients = self.river.optimizer.g2
        indices = sorted(weights)
        header = SnapshotHeader(
            self.name, self.labels, self.spam, self.learning_rate, self.river.intercept, len(indices),
            self.next_offset, dict(sorted(self.label_offsets.items())),
        )  # fmt: skip
        head = msgspec.json.encode(header)
        return b"".join(
            (
                _HEADER_LENGTH.pack(_MAGIC, len(head)),
                head,
                array("I", indices).tobytes(),
                array("d", (weights[index] for index in indices)).tobytes(),
                array("d", (gradients.get(index, 0.0) for index in indices)).tobytes(),
            )
        )


def restore_model(data: bytes) -> LearnedModel:
    """The model in a snapshot, ready to score and to learn on. Raises SnapshotError."""
    try:
        magic, length = _HEADER_LENGTH.unpack_from(data)
        if magic != _MAGIC:
            raise ValueError("it does not begin like a snapshot")
        at = _HEADER_LENGTH.size + length
        header = msgspec.json.decode(data[_HEADER_LENGTH.size : at], type=SnapshotHeader)
        if len(data) - at != 20 * header.weights:
            raise ValueError(f"it should hold {header.weights} weights")
    except (struct.error, ValueError, msgspec.MsgspecError) as error:
        raise SnapshotError(f"a model snapshot of {len(data)} bytes cannot be read: {error}") from error
    indices, weights, gradients = array("I"), array("d"), array("d")
    indices.frombytes(data[at : at + 4 * header.weights])
    weights.frombytes(data[at + 4 * header.weights : at + 12 * header.weights])
    gradients.frombytes(data[at + 12 * header.weights :])
    model = LearnedModel(
        header.model, header.learning_rate, header.labels, header.spam, header.next_offset, dict(header.label_offsets)
    )
    model.river.intercept = header.intercept
    model.river._weights = VectorDict(dict(zip(indices, weights, strict=True)))
    model.river.optimizer.g2 = defaultdict(float, zip(indices, gradients, strict=True))
    model.river.optimizer.n_iterations = header.labels
    return model
