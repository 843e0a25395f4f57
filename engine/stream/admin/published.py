"""What commands read from the output topics: documents of the engine's own shape. Whatever else somebody has written
there is passed over, and how often that was is told once."""

from collections.abc import Iterator
from typing import Annotated, Any, Generic, NotRequired, TypedDict, TypeVar

import msgspec
import orjson
import structlog

from engine.core.domain.events import LATEST_MS
from engine.settings import Settings
from engine.stream.kafka.publishers import Publishers, is_a_workers_or
from engine.stream.kafka.records import read_all
from engine.stream.kafka.sealing import Seals

_log = structlog.stdlib.get_logger("floodgate")

_Id = Annotated[str, msgspec.Meta(max_length=4_096)]
_Time = Annotated[int, msgspec.Meta(ge=0, le=LATEST_MS)]


class Target(TypedDict):
    """Whom or what an action is about."""

    type: _Id
    id: _Id


class PublishedAction(TypedDict):
    """An action; one of the kind `revoke` takes back another one."""

    action_id: _Id
    ts: _Time
    kind: _Id
    target: Target
    event_id: _Id
    user_id: _Id
    rule: _Id
    reason: str
    explanation: str
    rulebook: _Id
    scope: NotRequired[_Id]
    for_ms: NotRequired[_Time]
    not_before_ms: NotRequired[_Time]
    revokes: NotRequired[_Id]
    author: NotRequired[str]


class PublishedClause(TypedDict):
    """A clause of a hit."""

    text: str
    value: Any
    result: bool | None


class PublishedHit(TypedDict):
    """A rule that held."""

    rule: _Id
    mode: _Id
    effect: _Id
    clauses: list[PublishedClause]
    counterfactual: NotRequired[str]


class PublishedDecision(TypedDict):
    """The answer for one event."""

    event_id: _Id
    user_id: _Id
    ts: _Time
    type: _Id
    outcome: _Id
    hits: list[PublishedHit]
    scores: dict[str, float]
    rulebook: _Id
    models: dict[str, str]
    contributions: NotRequired[dict[str, list[tuple[str, float]]]]


class PublishedReview(TypedDict):
    """An event worth a label."""

    event_id: _Id
    user_id: _Id
    ts: _Time
    type: NotRequired[_Id]
    model: _Id
    score: float | None
    why: str
    propensity: float
    inputs: dict[str, Any]


T = TypeVar("T")


class Shape(Generic[T]):
    """One kind of document. `read` gives it whole, with the fields that only newer versions know."""

    def __init__(self, kind: type[T]) -> None:
        self._decoder = msgspec.json.Decoder(kind)

    def read(self, value: bytes | None) -> T | None:
        """The document in a message, or None for anything else."""
        try:
            self._decoder.decode(value or b"")
            document: T = orjson.loads(value or b"")
        except (msgspec.MsgspecError, ValueError, RecursionError):  # the second: a text that is not UTF-8
            return None
        return document


ACTION = Shape(PublishedAction)
DECISION = Shape(PublishedDecision)
REVIEW = Shape(PublishedReview)


def read_documents(
    settings: Settings, topic: str, shape: Shape[T], containing: bytes = b""
) -> Iterator[tuple[bytes, T]]:
    """All documents of one shape on a topic, as bytes and decoded; as of `read_recorded`. Raises TopicError."""
    for record, document in read_recorded(settings, topic, shape, containing):
        yield record.value, document


def read_recorded(
    settings: Settings, topic: str, shape: Shape[T], containing: bytes = b"", since_ms: int | None = None
) -> Iterator[tuple[Any, T]]:
    """All documents of one shape on a topic, with their records. `containing`: only messages that have these bytes;
    `since_ms`: that have arrived there since. Raises TopicError."""
    foreign, seals, publishers = 0, Seals(settings), Publishers(settings)
    for record in read_all(settings, topic, since_ms):
        value = record.value or b""
        if containing not in value:
            continue
        is_ours = topic not in seals.topics or seals.fits(record)
        if not is_ours and topic == settings.topics.actions:  # what takes actions back is signed by who does it
            is_ours = is_a_workers_or(record, "revoke", seals, publishers)
        document = shape.read(value) if is_ours else None
        if document is None:
            foreign += 1
        else:
            yield record, document
    if foreign:
        _log.warning("messages that are not the engine's own are passed over", topic=topic, messages=foreign)
