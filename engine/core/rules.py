"""A compiled rulebook, as the evaluator sees it. `engine.rulebook` makes these out of YAML."""

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol

from engine.core.clusters import ClusterSpec
from engine.core.decisions import ClauseTrace, Contribution, Mode, Value
from engine.core.events import Event, lookup
from engine.core.kernel import hash64
from engine.core.series import EntitySeries

CounterKind = Literal["count", "distinct", "sum"]
Fields = dict[str, Any]
Scores = Mapping[str, float | None]

DEFAULT_CAP = 32
MAX_CAP = 1_000
DEFAULT_MAX_KEYS = 1_000_000
"""Also of the kinds that only clusters share."""

_HASHES = 1 << 64
ANY_EVENT = "any"
USER = "user_id"
TARGET = "target_id"
"""The field of whom or what an event is aimed at; often a user."""


@dataclass(frozen=True, slots=True)
class Counter:
    """A question over a time window. Counters that differ in `over_ms` alone share one series.

    `by`: the kind of entity that it hangs on, "user_id" or for example "url_domain" or "user_id+target_id".
    """

    name: str
    kind: CounterKind
    field: str | None
    of: tuple[str, ...]
    by: str
    over_ms: int
    where: str | None
    series_key: int
    cap: int
    approx: bool = False
    max_keys: int | None = None


@dataclass(frozen=True, slots=True)
class ActionTemplate:
    """The `then:` of a rule. `target`: "user", "event", or the field that names it, found at `path`.

    `lookback_ms`: also act on those who were there so long before the threshold was crossed.
    """

    kind: str
    scope: str | None
    for_ms: int | None
    target: str
    path: str
    lookback_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `key` stands for it in stored cooldowns; `share`: on how many entities a canary acts; `expires_ms`:
    from this event time on it is in shadow."""

    name: str
    key: int
    events: tuple[str, ...]
    clauses: tuple[str, ...]
    then: ActionTemplate
    cooldown_ms: int
    mode: Mode
    reason: str
    meta: Mapping[str, Any]
    share: float = 1.0
    expires_ms: int | None = None


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """What a model reads and how it learns. `numbers`: field and counter names; `texts`, `categories`: fields;
    `learns`: whether labels change it: if not, nothing is kept for them; `policy`: which labels do: those given under
    this policy, or those without one; `precision`: what `threshold` of its name is chosen for; `river`: a pipeline of
    River's, instead of the default learner; `hints`: what the last numbers add to the logit while labels are few;
    `presume`: the share of events that it takes for ham until a label says otherwise."""

    name: str
    numbers: tuple[str, ...]
    texts: tuple[str, ...]
    categories: tuple[str, ...]
    min_labels: int
    learns: bool = True
    policy: str | None = None
    precision: float | None = None
    river: str | None = None
    hints: tuple[float, ...] = ()
    presume: float = 0.0


def target_of(event: Event, rule: Rule) -> str | None:
    """Whom or what a rule's action is about; None when the event does not say."""
    if rule.then.target == "user":
        return event.user_id
    if rule.then.target == "event":
        return event.event_id
    found = lookup(event.fields, rule.then.path)
    return found if type(found) is str and found else None


def is_in_force(rule: Rule, event: Event, target_id: str) -> bool:
    """Whether a rule that holds acts: not after its last day, unless it is to protect. A canary acts on a share of its
    targets, always the same ones: a larger share has those of a smaller one in it. Where the target is an event, its
    user counts."""
    if rule.expires_ms is not None and event.ts_ms >= rule.expires_ms and rule.then.kind != "allow":
        return False
    if rule.mode != "canary":
        return rule.mode == "enforce"
    entity = event.user_id if rule.then.target == "event" else target_id
    chosen: int = hash64(f"canary\x00{rule.name}\x00{entity}")
    return chosen < rule.share * _HASHES


def allows(rule: Rule, event: Event) -> bool:
    """Whether an allow rule that holds keeps the others from acting."""
    return is_in_force(rule, event, target_of(event, rule) or event.user_id)


def threshold_of(model: str) -> str:
    """The name under which generated functions ask for a model's threshold."""
    return f"{model} threshold"


ModelTexts = tuple[tuple[str | None, ...], tuple[str | None, ...]]
"""What a model reads of an event: its texts and its categories, in the order of its spec; None = missing."""

ReadTexts = Callable[[Fields], ModelTexts]

ModelNumbers = tuple[float | None, ...]
"""What a model reads of an event's numbers, in the order of its spec; None = missing."""

AskModel = Callable[[str, ModelNumbers], float | None]
"""Gives a model's score for its numbers, and for the texts that it has read before; None = unknown."""

Values = Mapping[str, Value]
"""Counters and scores that were read before, by name; None = unknown."""

Readings = EntitySeries | Values
"""What a generated function reads counters from: an entity's series, or what a journey has gathered."""

Observe = Callable[[Fields, EntitySeries, int], None]
Decide = Callable[[Fields, Readings, int, AskModel], list[int]]
ExplainRule = Callable[[int, Fields, Readings, int, Scores], tuple[tuple[ClauseTrace, ...], str | None]]


@dataclass(frozen=True, slots=True)
class Decider:
    """`decide` asks the models that its rules name and returns the indices of the rules that hold;
    `explain` traces one rule's clauses, and is run on hits only. `models`: those, with what reads their texts."""

    decide: Decide
    explain: ExplainRule
    models: Mapping[str, ReadTexts]


@dataclass(frozen=True, slots=True)
class EntityProgram:
    """What an event of one type does at the entities of one kind.

    `keys`: which entities the event's fields name; `observe` enters the event into the series of one of
    them (the last argument is its key); `read` gives the counters' values there, by name.
    """

    keys: Callable[[Fields], tuple[str, ...]]
    observe: Callable[[Fields, EntitySeries, int, str], None]
    read: Callable[[EntitySeries, int, str], dict[str, Value]]


@dataclass(frozen=True, slots=True)
class ClusterProgram:
    """A cluster that events of one type belong to, and the counters over it that their rules read, with
    their windows."""

    spec: ClusterSpec
    counters: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class JourneyProgram:
    """What an event of one type does away from its user: the entities it visits, in this order, and the
    rules that are decided when it is back.

    `carried`: the paths of the event that are needed on the way; `gather`: the user's counters and the scores
    that those rules name; `eligible`: the rules with a lookback all of whose other clauses hold.
    """

    entities: Mapping[str, EntityProgram]
    clusters: Mapping[str, ClusterProgram]
    carried: tuple[str, ...]
    gather: Callable[[Fields, EntitySeries, int, Scores], dict[str, Value]]
    eligible: Callable[[Fields, EntitySeries, int, Scores], list[int]]
    decider: Decider


@dataclass(frozen=True, slots=True)
class Program:
    """Everything that happens for one event type, generated from the rulebook.

    `observe` enters the event into its user's series; `decider` has the rules that need nothing but the
    user, `journey` the others.
    """

    observe: Observe
    decider: Decider
    journey: JourneyProgram | None


@dataclass(frozen=True, slots=True)
class Watch:
    """A rule that also acts on those who came before the threshold: what is watched at its entities.

    `crossed`: whether the rule's clauses about the entity hold at a time; `count`: the value of `counter`,
    which tells the positions ("14th of 23"), and `series_key` and `over_ms` are its own; `within_ms`: the
    longest window of the clauses' counters.
    """

    rule: int
    crossed: Callable[[EntitySeries, int, str], bool]
    count: Callable[[EntitySeries, int, str], int | None]
    counter: str
    series_key: int
    over_ms: int
    lookback_ms: int
    within_ms: int


@dataclass(frozen=True, slots=True)
class Rulebook:
    """One checked and compiled version. `id` is a hash of its sources. `watches` and `max_keys`: by kind of entity."""

    id: str
    counters: Mapping[str, Counter]
    rules: tuple[Rule, ...]
    models: Mapping[str, ModelSpec]
    programs: Mapping[str, Program]
    watches: Mapping[str, tuple[Watch, ...]]
    max_keys: Mapping[str, int]
    lateness_ms: int
    sources: Mapping[str, str] = field(repr=False)

    def program(self, event_type: str) -> Program | None:
        """What to do with an event of this type; None when no counter and no rule asks about it."""
        return self.programs.get(event_type) or self.programs.get(ANY_EVENT)

    def pausing(self, names: Container[str]) -> "Rulebook":
        """The same, with these rules in shadow: they are decided and told, and do nothing."""
        return replace(self, rules=tuple(replace(r, mode="shadow") if r.name in names else r for r in self.rules))


class Scorer(Protocol):
    """A model as the evaluator sees it. It reads the texts of a batch of events at once, before they are decided.
    `threshold`: from which score on its precision is as wanted; None while that is not known."""

    version: str
    threshold: float | None

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
