"""What the evaluator runs: functions that were generated from a rulebook, and models."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from engine.core.domain.decisions import ClauseTrace, Contribution, Value
from engine.core.domain.follow_ups import is_of_decision, is_of_label
from engine.core.domain.outcomes import OutcomeStep
from engine.core.domain.reference import Lookup
from engine.core.series.entity_series import EntitySeries
from engine.core.state.clusters import ClusterSpec
from engine.core.values.bounds import AtLeast

Fields = dict[str, Any]
Scores = Mapping[str, float | None]

ModelTexts = tuple[tuple[str | None, ...], tuple[str | None, ...]]
"""What a model reads of an event: its texts and its categories, in the order of its spec; None = missing."""

Invalid = Callable[[Fields], list[str]]
"""Tells which fields of an event are not what they should be."""

ReadTexts = Callable[[Fields], ModelTexts]

ModelNumbers = tuple[float | None, ...]
"""What a model reads of an event's numbers, in the order of its spec; None = missing."""

AskModel = Callable[[str, ModelNumbers], float | None]
"""Gives a model's score for its numbers, and for the texts that it has read before; None = unknown."""

JUDGEMENT = "where "
"""How the names begin under which an event carries what was said of it. No field has a blank in its path."""

Values = Mapping[str, Value]
"""Counters and scores that were read before, by name; None = unknown."""

Readings = EntitySeries | Values
"""What a generated function reads counters from: an entity's series, or what a routed event has gathered."""


def entity_name(kind: str) -> str:
    """The name under which readings have the key of the entity that they are about, where a rule asks for it."""
    return f"entity {kind}"


Observe = Callable[[Fields, EntitySeries, int], None]
Recall = Callable[[EntitySeries, int, int], dict[str, Value]]
"""Reads, before an event is entered, what its entity remembers at a time, of what lies up to another one, and counters
that leave it out: values by name."""
Decide = Callable[[Fields, Readings, int, AskModel], list[int]]
TellRule = Callable[[int, Fields, Readings, int, Scores], Values]
ExplainRule = Callable[[int, Fields, Readings, int, Scores], tuple[tuple[ClauseTrace, ...], str | None]]


class Warming(NamedTuple):
    """Something that has to be watched for `warm_ms` before anything is taken for new. `name`: of the time for which it
    has been watched; `key`: of its register in a partition's ledger; `enters`: whether an event of this type counts."""

    name: str
    key: int
    warm_ms: int
    enters: bool


class Absence(NamedTuple):
    """An event of these types is waited upon: whether within `within_ms` of it something comes of its user that would
    be entered into the series `none_key`. `type`: of the follow-up where nothing does; `paths`: what of the event that
    takes along; `after_key`: the series of the events waited upon; `invalid`: as of follow-ups."""

    type: str
    within_ms: int
    after_key: int
    none_key: int
    paths: tuple[str, ...]
    invalid: Invalid | None = None


@dataclass(frozen=True, slots=True)
class Decider:
    """`decide` asks the models that its rules name and returns the indices of the rules that hold;
    `explain` traces one rule's clauses, and is run on hits only; `tell` gives the values that a rule tells users.
    `models`: those, with what reads their texts."""

    decide: Decide
    explain: ExplainRule
    tell: TellRule
    models: Mapping[str, ReadTexts]


@dataclass(frozen=True, slots=True)
class EntityProgram:
    """What an event of one type does at the entities of one kind.

    `keys`: which entities the event's fields name, of which it visits `most`; `observe` enters the event into the
    series of one of them (the last argument is its key); `read` gives the values there, by name, of which `recall` has
    read what is remembered before; `withdraw`: takes a follow-up out of them again.
    """

    keys: Callable[[Fields], tuple[str, ...]]
    observe: Callable[[Fields, EntitySeries, int, str], None]
    read: Callable[[EntitySeries, int, str], dict[str, Value]]
    most: int
    withdraw: Callable[[Fields, EntitySeries, int, str], None] | None = None
    recall: Recall | None = None


@dataclass(frozen=True, slots=True)
class ClusterProgram:
    """A cluster that events of one type belong to, and the counters over it that their rules read, with
    their windows."""

    spec: ClusterSpec
    counters: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class RoutingProgram:
    """What an event of one type does away from its user: the entities it visits, in this order, and the
    rules that are decided when it is back.

    `carried`: the paths of the event that are needed on the way; `gather`: the user's counters and the scores
    that those rules name; `eligible`: the rules that look back, or rest, at an entity and all of whose clauses hold
    that can be told before; `invalid`: tells which fields are not what they should be, where that is needed on the
    way; `judge`: what is said at the user of whether an entity counts the event.
    """

    entities: Mapping[str, EntityProgram]
    clusters: Mapping[str, ClusterProgram]
    carried: tuple[str, ...]
    gather: Callable[[Fields, EntitySeries, int, Scores], dict[str, Value]]
    eligible: Callable[[Fields, EntitySeries, int, Scores], list[int]]
    decider: Decider
    invalid: Invalid | None = None
    judge: Callable[[Fields, EntitySeries, int], dict[str, bool]] | None = None


@dataclass(frozen=True, slots=True)
class Program:
    """Everything that happens for one event type, generated from the rulebook.

    `observe` enters the event into its user's series; `decider` has the rules that need nothing but the
    user, `routing` the others; `withdraw`: takes a follow-up out of its user's series again; `lookups`: what either
    reads of reference data, in their order; `recall`: what the user remembers, and what counters are without the event,
    where that is asked for, and `warming`, for how long something has been watched; `absences`: what is waited for from
    such an event on; `outcomes`: what may come of it, or comes with it.
    """

    observe: Observe
    decider: Decider
    routing: RoutingProgram | None
    withdraw: Observe | None = None
    lookups: tuple[Lookup, ...] = ()
    recall: Recall | None = None
    warming: tuple[Warming, ...] = ()
    absences: tuple[Absence, ...] = ()
    outcomes: tuple[OutcomeStep, ...] = ()


@dataclass(frozen=True, slots=True)
class FollowUps:
    """Which follow-ups of events something asks about. `types`: with the paths of an event that each takes along;
    `entities`: where they go, by kind; `of_labelled`: where those of labels go; `labels_at_users`: whether these are
    asked for at users too; `invalid`: tells which fields of an event are not what they should be."""

    types: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    entities: Mapping[str, EntityProgram] = field(default_factory=dict)
    of_labelled: Mapping[str, EntityProgram] = field(default_factory=dict)
    labels_at_users: bool = False
    invalid: Invalid | None = None

    @property
    def of_decisions(self) -> bool:
        """Whether decisions have follow-ups."""
        return any(map(is_of_decision, self.types))

    @property
    def of_labels(self) -> bool:
        """Whether labels have: then events are kept until they are labelled."""
        return any(map(is_of_label, self.types))


NO_FOLLOW_UPS = FollowUps()


@dataclass(frozen=True, slots=True)
class Watch:
    """A rule that also acts on those who came before the threshold: what is watched at its entities.

    `crossings`: at which of some times, in ascending order, the rule's clauses about the entity hold; `reachable`:
    whether they could at a time, or at a later one whose windows have it, by how much there is, as most entities are
    far from it; `count`: the value of `counter`, which tells the positions ("14th of 23"), and `series_key` and
    `over_ms` are its own; `within_ms`: the longest window of the clauses' counters.
    """

    rule: int
    crossings: Callable[[EntitySeries, list[int], str], list[int]]
    reachable: Callable[[EntitySeries, int], bool]
    count: Callable[[EntitySeries, int, str], int | AtLeast | None]
    counter: str
    series_key: int
    over_ms: int
    lookback_ms: int
    within_ms: int


@dataclass(frozen=True, slots=True)
class Rest:
    """A rule that rests at its entities. `holds`: whether its clauses about the entity, or about all entities so far,
    hold at a time."""

    rule: int
    holds: Callable[[Fields, Readings, int, str], bool]


class Scorer(Protocol):
    """A model as the evaluator sees it. It reads the texts of a batch of events at once, before they are decided.
    `threshold`: from which score on its precision is as wanted; None while that is not known; `answered_by`: the
    challenger whose score stands in place of its own."""

    version: str
    threshold: float | None
    answered_by: str | None

    def prepare(self, batch: Sequence[ModelTexts | None]) -> None:
        """Read the texts of the events of a batch; None where the model is not asked."""

    def read_late(self, place: int, texts: ModelTexts) -> None:
        """The model is asked about the event at a place after all."""

    def score(self, place: int, key: int, numbers: ModelNumbers) -> float | None:
        """A probability for the event at a place of the batch, None while too few labels are behind it. `key` is the
        hash of the event's id."""

    def describe(self, place: int, numbers: ModelNumbers) -> dict[str, float | None]:
        """Names and values, for the decision's audit trail."""

    def contributions(self, place: int, numbers: ModelNumbers) -> list[Contribution]:
        """Which parts of the event have made its score, the largest first; empty where nobody can tell."""
