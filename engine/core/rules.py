"""A compiled rulebook, as the evaluator sees it. `engine.rulebook` makes these out of YAML."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, Protocol

from engine.core.decisions import ClauseTrace, Mode
from engine.core.windows import SeriesByKey

CounterKind = Literal["count", "distinct", "sum"]
Fields = dict[str, Any]
Scores = Mapping[str, float | None]

DEFAULT_CAP = 32
MAX_CAP = 1_000
ANY_EVENT = "any"
USER = "user_id"


@dataclass(frozen=True, slots=True)
class Counter:
    """A question over a time window. Counters that differ in `over_ms` alone share one series."""

    name: str
    kind: CounterKind
    field: str | None
    of: tuple[str, ...]
    by: str
    over_ms: int
    where: str | None
    series_key: int
    cap: int


@dataclass(frozen=True, slots=True)
class ActionTemplate:
    """The `then:` of a rule. `target`: "user", "event", or the field that names it, found at `path`."""

    kind: str
    scope: str | None
    for_ms: int | None
    target: str
    path: str


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `key` stands for it in stored cooldowns."""

    name: str
    key: int
    events: tuple[str, ...]
    clauses: tuple[str, ...]
    then: ActionTemplate
    cooldown_ms: int
    mode: Mode
    reason: str
    meta: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """What a model reads and how it learns. `numbers`: field and counter names; `texts`, `categories`: fields."""

    name: str
    numbers: tuple[str, ...]
    texts: tuple[str, ...]
    categories: tuple[str, ...]
    min_labels: int
    learning_rate: float


class ModelInputs(NamedTuple):
    """One event's raw inputs to a model, in the order of its spec; None = missing."""

    numbers: tuple[float | None, ...]
    texts: tuple[str | None, ...]
    categories: tuple[str | None, ...]


AskModel = Callable[[str, ModelInputs], float | None]
"""Gives a model's score for its inputs; None = unknown."""

Observe = Callable[[Fields, SeriesByKey, int], None]
Decide = Callable[[Fields, SeriesByKey | None, int, AskModel], list[int]]
ExplainRule = Callable[[int, Fields, SeriesByKey | None, int, Scores], tuple[tuple[ClauseTrace, ...], str | None]]


@dataclass(frozen=True, slots=True)
class Program:
    """Everything that happens for one event type, generated from the rulebook.

    `observe` enters the event into its series; `decide` asks the models that its rules name and returns
    the indices of the rules that hold; `explain` traces one rule's clauses, and is run on hits only.
    """

    observe: Observe
    decide: Decide
    explain: ExplainRule
    models: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rulebook:
    """One checked and compiled version. `id` is a hash of its sources."""

    id: str
    counters: Mapping[str, Counter]
    rules: tuple[Rule, ...]
    models: Mapping[str, ModelSpec]
    programs: Mapping[str, Program]
    lateness_ms: int
    sources: Mapping[str, str] = field(repr=False)

    def program(self, event_type: str) -> Program | None:
        """What to do with an event of this type; None when no counter and no rule asks about it."""
        return self.programs.get(event_type) or self.programs.get(ANY_EVENT)


class Features(Protocol):
    """A model's inputs made ready for it, as they are kept for the label that may come later."""

    def encode(self) -> bytes:
        """A compact form for the state."""


class Scorer(Protocol):
    """A model as the evaluator sees it. It is only ever given features that it made itself."""

    version: str

    def features(self, inputs: ModelInputs) -> Features:
        """The model's view of one event."""

    def score(self, features: Any) -> float | None:
        """A probability, or None while too few labels are behind it."""

    def describe(self, features: Any) -> dict[str, float]:
        """Names and values, for the decision's audit trail."""
