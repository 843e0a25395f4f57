"""The trainer: when it publishes, what a model_command keeps waiting, which labels surprise a model."""

import asyncio
from dataclasses import replace
from functools import cache
from typing import Any

import msgspec
import pytest
from structlog.testing import capture_logs

from engine.core.domain.rules import Rulebook
from engine.learning.labels import Example
from engine.learning.verdicts import Verdict
from engine.rulebook.compiler import load_rulebook
from engine.settings import Settings
from engine.stream.handlers.batches import Outcome
from engine.stream.handlers.followed_models import FollowedModels
from engine.stream.handlers.label_messages import MODEL_COMMAND, ModelCommand, Pin, Quarantine, Restore, encode_example
from engine.stream.handlers.messages import Message
from engine.stream.handlers.metrics import Metrics
from engine.stream.handlers.training import MOST_TOLD, TrainerWorker
from engine.stream.offline.engine import Record
from tests.unit.learning.inputs import HAM, SPAM, example, examples

RULES = """
version: 1
models: {NAME: {texts: [text]}}
rules: {r: {event: post, when: [score.NAME > 2], then: {flag: x}}}
"""


def rulebook(name: str = "spam") -> Rulebook:
    return load_rulebook({"rules.yaml": RULES.replace("NAME", name)})


class School:
    """A trainer on its own, and a clock."""

    def __init__(self, models: FollowedModels | None = None, name: str | None = "spam") -> None:
        self.now_s, self.metrics, self.models = 100.0, Metrics(), models or FollowedModels()
        settings = Settings(snapshot_interval_ms=1_000)
        self.trainer = TrainerWorker(settings, self.models, self.metrics, clock=lambda: self.now_s)
        if name is not None:
            self.trainer.use(rulebook(name))

    def begin(self) -> int | None:
        return asyncio.run(self.trainer.on_assigned(0))

    def teach(self, *told: Example | ModelCommand, offset: int = 0) -> Outcome:
        """One batch, from an offset on."""
        return self.trainer.process(0, [record(one, offset + place) for place, one in enumerate(told)])

    def labels(self, model: str = "spam") -> int:
        return self.trainer.learned()[model].labels

    def alarms(self) -> float:
        labels = {"model": "spam", "of": "loss"}
        return self.metrics.registry.get_sample_value("floodgate_model_drift_total", labels) or 0.0


def record(told: Example | ModelCommand, offset: int) -> Record:
    if isinstance(told, Example):
        return Record("examples", 0, offset, b"spam", encode_example(told))
    return Record("examples", 0, offset, MODEL_COMMAND, msgspec.json.encode(told))


@cache
def messages() -> tuple[Message, ...]:
    """A model that has learned five examples, as it is published."""
    school = School()
    school.begin()
    school.teach(*examples(5))
    school.now_s += 1.0
    return tuple(school.trainer.due_snapshots())


def followed(*names: str) -> FollowedModels:
    """This model under these names."""
    models = FollowedModels()
    for name in names:
        for message in messages():
            models.receive((message.key or b"").decode().replace("spam", name, 1), message.value)
    return models


def test_only_who_owns_the_examples_publishes() -> None:
    school = School()
    school.teach(*examples(2))
    school.now_s += 5.0
    assert school.trainer.due_snapshots() == []
    school.begin()
    school.teach(*examples(2))
    school.trainer.on_revoked(0)
    assert school.trainer.due_snapshots() == []
    school.begin()
    school.teach(*examples(2))
    assert school.trainer.due_snapshots() != []


@pytest.mark.parametrize(("now_s", "is_due"), [(0.999, False), (1.0, True)])
def test_it_publishes_once_in_an_interval(now_s: float, is_due: bool) -> None:
    school = School()
    school.begin()
    school.teach(*examples(2))
    school.now_s += now_s
    assert bool(school.trainer.due_snapshots()) == is_due
    school.teach(example(SPAM, "spam", 2), offset=2)
    school.now_s += 0.5
    assert bool(school.trainer.due_snapshots()) != is_due  # counted from the last time


def test_what_has_learned_nothing_is_not_published_again() -> None:
    school = School()
    school.begin()
    school.teach(*examples(2))
    school.now_s += 1.0
    assert school.trainer.due_snapshots()
    school.now_s += 9.0
    assert school.trainer.due_snapshots() == []


@pytest.mark.parametrize(("name", "learned"), [("spam", ["spam"]), ("fraud", []), (None, ["spam"])], ids=str)
def test_it_goes_on_with_the_models_of_its_rulebook_or_with_all_but_seeds(name: str | None, learned: list[str]) -> None:
    school = School(followed("spam", "spam@seed"), name)
    assert school.begin() == (5 if learned else 0)
    assert list(school.trainer.learned()) == learned


def test_what_follows_a_ruling_is_learned_and_what_follows_one_that_waits_is_not() -> None:
    school = School()
    school.begin()
    school.teach(*examples(2))
    outcome = school.teach(Pin("spam", pinned=False), example(SPAM, "spam", 2), offset=2)
    assert (outcome.read_from, school.labels()) == (None, 3)
    outcome = school.teach(Restore("spam", 1 << 50), example(SPAM, "spam", 3), offset=4)
    assert (outcome.read_from, school.labels()) == (4, 3)


def test_a_quarantine_begins_anew_and_tells_so() -> None:
    school = School()
    school.begin()
    school.teach(*(replace(one, moderator="eve") for one in examples(3)))
    with capture_logs() as told:
        assert school.teach(Quarantine("eve", quarantined=True), offset=3).read_from == 0
    assert [one["event"] for one in told] == ["learning anew"]
    school.now_s += 5.0
    assert school.trainer.due_snapshots() == []  # until it is where it was
    school.teach(*(replace(one, moderator="eve") for one in examples(3)))
    with capture_logs() as told:
        assert school.teach(Quarantine("eve", quarantined=True), offset=3).read_from is None
    assert told == []
    assert school.trainer.due_snapshots() != []
    assert school.labels() == 0


def test_a_seed_is_waited_for_ten_seconds_and_for_the_next_one_anew() -> None:
    school = School()
    school.begin()
    first, second = Restore("spam", 1 << 50), Restore("spam", 1 << 51)
    assert school.teach(first).read_from == 0
    school.now_s += 10.0
    assert school.teach(first).read_from == 0
    school.now_s += 10.5
    given_up = school.teach(first)
    assert given_up.read_from is None
    assert [dict(one.headers or ())["reason"] for one in given_up.messages] == [b"no_seed"]
    assert school.teach(second, offset=1).read_from == 1


def test_a_restore_needs_a_rulebook_with_the_model() -> None:
    school = School(name="fraud")
    school.begin()
    (letter,) = school.teach(Restore("spam", 1)).messages
    assert dict(letter.headers or ())["reason"] == b"no_such_model"


def test_a_seed_that_is_there_is_gone_on_from_at_once() -> None:
    models = followed("spam@seed")
    seed = models.followers["spam@seed"].head
    assert seed is not None
    school = School(models)
    school.begin()
    outcome = school.teach(Restore("spam", seed.publications[-1][0]), example(HAM, "ham", 9), offset=5)
    assert (outcome.read_from, outcome.messages) == (None, [])
    assert school.labels() == 6


@pytest.mark.parametrize(
    ("verdict", "presumed", "scores", "alarms"),
    [
        ("ham", 0.0, (0.0, 1.0), 1),
        ("spam", 0.0, (1.0, 0.0), 1),
        ("ham", 0.0, (0.0, 0.3), 0),  # a little less sure, but right
        ("spam", 0.0, (1.0, 0.7), 0),
        ("ham", 1.0, (0.0, 1.0), 0),  # nobody has said that it is ham
        ("retracted", 0.0, (0.0, 1.0), 0),
    ],
)
def test_labels_that_surprise_a_model_raise_an_alarm(
    verdict: Verdict, presumed: float, scores: tuple[float, float], alarms: int
) -> None:
    school, told = School(), list[Any]()
    for at in range(128):
        one = example(SPAM, verdict, at, before="ham" if verdict == "retracted" else None, score=scores[at // 64])
        told.append(replace(one, presumed=presumed))
    school.teach(*told)
    assert min(1, school.alarms()) == alarms


def test_a_model_that_is_judged_has_its_quality_told() -> None:
    school = School()
    school.begin()
    school.teach(*(replace(one, score=0.9 if one.verdict == "spam" else 0.1) for one in examples(40)))
    school.now_s += 1.0
    school.trainer.due_snapshots()
    assert school.metrics.registry.get_sample_value("floodgate_model_auc", {"model": "spam"}) == 1.0


def told(school: School, metric: str) -> dict[str, float]:
    """What a metric says of each moderator."""
    found = next(one for one in school.metrics.registry.collect() if one.name == metric)
    return {" ".join(sample.labels.values()): sample.value for sample in found.samples}


def test_metrics_name_the_moderators_who_are_trusted_least_and_not_more_than_so_many() -> None:
    school = School()
    school.begin()
    names = [f"m{number:02}" for number in range(MOST_TOLD + 5)]
    given = [
        replace(one, moderator=names[at % len(names)], score=0.9 if one.verdict == "spam" else 0.1)
        for at, one in enumerate(examples(12 * len(names)))
    ]
    wrong = [replace(one, moderator="eve", score=0.1 if one.verdict == "spam" else 0.9) for one in examples(20)]
    few = [replace(examples(1)[0], moderator="new")]
    offsets = [replace(one, source=(0, at)) for at, one in enumerate([*given, *wrong, *few])]
    school.teach(*offsets)
    school.now_s += 5.0
    assert school.trainer.due_snapshots()
    trust, disagreement = told(school, "floodgate_moderator_trust"), told(school, "floodgate_moderator_disagreement")
    assert list(trust) == ["eve", *names[: MOST_TOLD - 1]]
    assert trust["eve"] < 0.1
    assert trust["m00"] == 1.0
    assert disagreement["eve model"] == pytest.approx(0.9)
    assert disagreement["eve colleagues"] > disagreement["m00 colleagues"]
    assert len(disagreement) == 2 * MOST_TOLD
    school.trainer.on_revoked(0)
    assert told(school, "floodgate_moderator_trust") == {}
