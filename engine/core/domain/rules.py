"""A compiled rulebook, as the evaluator sees it. `engine.rulebook` makes these out of YAML."""

from collections.abc import Container, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from engine.core.domain.actions import ActionTemplate, Ladder
from engine.core.domain.counters import Counter
from engine.core.domain.decisions import Mode
from engine.core.domain.events import Event
from engine.core.domain.follow_ups import is_follow_up
from engine.core.domain.outcomes import OutcomeSpec
from engine.core.domain.programs import NO_FOLLOW_UPS, Absence, AskModel, FollowUps, Program, Readings, Rest, Watch
from engine.core.domain.reference import Lookup, Row
from engine.core.domain.tells import Tell
from engine.core.series.entity_series import EntitySeries
from engine.core.values.banks import Bank
from engine.core.values.lists import LiveList

MemoryKind = Literal["last", "first", "age of last", "age of first", "new"]

DEFAULT_CAP = 32
MAX_CAP = 1_000
DEFAULT_MAX_KEYS = 1_000_000
"""Also of the kinds that only clusters share."""

ANY_EVENT = "any"
USER = "user_id"
TARGET = "target_id"
"""The field of whom or what an event is aimed at; often a user."""


@dataclass(frozen=True, slots=True)
class Memory:
    """What an entity remembers of its earlier events: the last or the first value of a `field`, how long ago the last
    or the first was, or whether this one is new. An entity that has been silent for `keep_ms` remembers nothing.

    `key`: of the register, which those share that differ in nothing but what they ask of it; `register`: its kind;
    `type`: of the answer; `warm_ms`: for how long
    entities have to be watched before one is taken for new.
    """

    name: str
    kind: MemoryKind
    field: str | None
    of: tuple[str, ...]
    by: str
    keep_ms: int
    where: str | None
    key: int
    register: int
    type: str
    warm_ms: int = 0

    @property
    def watched(self) -> str:
        """The name of the time for which it has been watched."""
        return f"{self.name} watched"


@dataclass(frozen=True, slots=True)
class Budget:
    """On which share of the active users a rule may act within `per_ms`. `compares`: unless the rule's version before
    the last change holds for them too; `key`: of the series in a partition's ledger, and the one after it."""

    share: float
    per_ms: int
    compares: bool
    key: int


@dataclass(frozen=True, slots=True)
class Arm:
    """A part of an experiment. All entities lie on one line from 0 to 1; the arm has those from `begin` to `end`."""

    name: str
    begin: float
    end: float


@dataclass(frozen=True, slots=True)
class Stage:
    """A part of a rollout: from this event time on a rule has this mode."""

    from_ms: int
    mode: Mode
    share: float = 1.0


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `key` stands for it in stored cooldowns; `share`: on how many entities a canary acts; `expires_ms`:
    from this event time on it is in shadow; `plan`: stages in the order of their times, before and without which it has
    its `mode`; `gate`: the precision that it has to prove before it acts; `told`: what its actions say beside, and
    `tell` to users; `fingerprint`: stands for its clauses and all that they read; `rests`: the kind of entity at which
    it has its cooldown; `further`: what it does beside `then`, on the same hit; `holdout`: the share of entities on
    which it never acts, the same ones for all rules; `arm`: in which alone it acts; `spares`: the share of entities
    that it leaves alone; `delays_ms`: the least and the most that whoever enforces waits."""

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
    ladder: Ladder | None = None
    budget: Budget | None = None
    plan: tuple[Stage, ...] = ()
    told: Mapping[str, str] = field(default_factory=dict)
    gate: float | None = None
    fingerprint: int = 0
    rests: str = USER
    further: tuple[ActionTemplate, ...] = ()
    holdout: float = 0.0
    arm: Arm | None = None
    spares: float = 0.0
    delays_ms: tuple[int, int] = (0, 0)
    tell: Tell | None = None

    def deeds(self) -> tuple[ActionTemplate, ...]:
        """All that it may do: its actions, or on a ladder those of the steps."""
        return tuple(then for _, then in self.ladder.steps) if self.ladder is not None else (self.then, *self.further)


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """What a model reads and how it learns. `numbers`: field and counter names; `texts`, `categories`: fields;
    `learns`: whether labels change it: if not, nothing is kept for them; `policy`: which labels do: those given under
    this policy, or those without one; `precision`: what `threshold` of its name is chosen for; `river`: a pipeline of
    River's, instead of the default learner; `hints`: what the last numbers add to the logit while labels are few;
    `presume`: the share of events that it takes for ham until a label says otherwise, `awaits`: only when a label would
    have come; `units`: of some numbers; `of`:
    which events it scores though no rule asks; `outcome`: what it learns in place of labels; `answer_model`: the model
    of who answers, by which answers are weighed; `challenger`: the model that is asked wherever this one is, and learns
    the same; `promotes`: whether the better of the two stands without anybody saying so; `slices`: by what it is
    looked at whether its scores are right, of which it reads nothing; `seed`: what open streams have taught about its
    texts, as a file has it."""

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
    awaits: bool = False
    units: Mapping[str, str] = field(default_factory=dict, hash=False)
    of: tuple[str, ...] = ()
    outcome: str | None = None
    answer_model: str | None = None
    challenger: str | None = None
    promotes: bool = False
    slices: tuple[str, ...] = ()
    seed: str | None = field(default=None, repr=False)

    @property
    def read(self) -> tuple[str, ...]:
        """All that it is told of an event."""
        return (*self.numbers, *self.texts, *self.categories, *self.slices)


def rivals(models: Mapping[str, ModelSpec]) -> dict[str, str]:
    """The challenger of each model that has one."""
    return {name: spec.challenger for name, spec in models.items() if spec.challenger is not None}


def challengers(models: Mapping[str, ModelSpec]) -> dict[str, str]:
    """Whom each model's challenger challenges, by the challenger's name."""
    return {challenger: name for name, challenger in rivals(models).items()}


def threshold_of(model: str) -> str:
    """The name under which generated functions ask for a model's threshold."""
    return f"{model} threshold"


@dataclass(frozen=True, slots=True)
class Rulebook:
    """One checked and compiled version. `id` is a hash of its sources. `watches` and `max_keys`: by kind of entity;
    `budget_windows`: the different windows of budgets; `rests`: by kind, the rules that rest there; `live`: the lists
    that change while it is in use, banks among them; `banks`: of pictures, those too that do not change; `outcomes`:
    what may come of events; `follow_ups`: which
    follow-ups of events it asks about; `lookups`: what it reads of reference data, which events have at `looked_up`;
    `tables`: the rows of those that it has itself, by key; `topics`: on which the rows of the others come;
    `absences`: what is waited for, by the type of the follow-up; `keeps_ledger`: whether partitions keep a ledger, of
    budgets, and of how long something has been watched."""

    id: str
    counters: Mapping[str, Counter]
    rules: tuple[Rule, ...]
    models: Mapping[str, ModelSpec]
    programs: Mapping[str, Program]
    watches: Mapping[str, tuple[Watch, ...]]
    max_keys: Mapping[str, int]
    lateness_ms: int
    sources: Mapping[str, str] = field(repr=False)
    budget_windows: tuple[int, ...] = ()
    live: Mapping[str, LiveList] = field(default_factory=dict)
    banks: Mapping[str, Bank] = field(default_factory=dict, repr=False)
    rests: Mapping[str, tuple[Rest, ...]] = field(default_factory=dict)
    follow_ups: FollowUps = NO_FOLLOW_UPS
    lookups: tuple[Lookup, ...] = ()
    looked_up: tuple[str, ...] = ()
    tables: Mapping[str, Mapping[str, Row]] = field(default_factory=dict, repr=False)
    topics: Mapping[str, str] = field(default_factory=dict)
    memories: Mapping[str, Memory] = field(default_factory=dict)
    absences: Mapping[str, Absence] = field(default_factory=dict)
    outcomes: Mapping[str, OutcomeSpec] = field(default_factory=dict)

    keeps_ledger: bool = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "keeps_ledger", bool(self.budget_windows) or _are_watched(self.memories))

    def program(self, event_type: str) -> Program | None:
        """What to do with an event of this type; None when no counter and no rule asks about it."""
        if event_type in self.programs:
            return self.programs[event_type]
        return None if is_follow_up(event_type) else self.programs.get(ANY_EVENT)

    def kinds(self) -> frozenset[str]:
        """The kinds of entities that events visit, clusters among them."""
        routings = [program.routing for program in self.programs.values() if program.routing is not None]
        return frozenset(kind for routing in routings for kind in (*routing.entities, *routing.clusters))

    def pausing(self, names: Container[str]) -> "Rulebook":
        """The same, with these rules in shadow: they are decided and told, and do nothing."""
        paused = (replace(rule, mode="shadow", plan=()) if rule.name in names else rule for rule in self.rules)
        return replace(self, rules=tuple(paused))

    def holding(self, stages: Mapping[str, int]) -> "Rulebook":
        """The same, with each of these rules at most at this stage of its plan."""
        held = (replace(r, plan=r.plan[: stages[r.name] + 1]) if r.name in stages else r for r in self.rules)
        return replace(self, rules=tuple(held))

    def would_hold(self, name: str, event: Event, readings: Readings, now: int, ask: AskModel) -> bool:
        """Whether the rule of this name holds for an event, as far as this rulebook can tell from what was read."""
        program = self.program(event.type)
        index = next((index for index, rule in enumerate(self.rules) if rule.name == name), None)
        if program is None or index is None:
            return False
        deciders = [program.decider, *([program.routing.decider] if program.routing is not None else [])]
        known = [decider for decider in deciders if isinstance(readings, EntitySeries) == (decider is program.decider)]
        return any(index in decider.decide(event.fields, readings, now, ask) for decider in known)


def _are_watched(memories: Mapping[str, Memory]) -> bool:
    return any(memory.warm_ms for memory in memories.values())


def changed_rules(old: Rulebook, new: Rulebook, before: Mapping[str, Rulebook]) -> dict[str, Rulebook]:
    """By rule of a new rulebook, the one in which it was different last. `before`: the same for the old one."""
    known = {rule.name: rule for rule in old.rules}
    changed = {}
    for rule in new.rules:
        if rule.name in known and known[rule.name].fingerprint != rule.fingerprint:
            changed[rule.name] = old
        elif rule.name in before:
            changed[rule.name] = before[rule.name]
    return changed
