"""What a model may be told: which numbers, which hints, and of whom it learns."""

import pytest

from engine.core.domain.rules import ModelSpec
from engine.rulebook.compiler import check_rulebook, load_rulebook
from engine.rulebook.language.diagnostics import Diagnostics
from engine.rulebook.sections.models import read_model
from engine.rulebook.sections.reading import read_declarations

RULES = """
version: 1
fields: {age: {type: duration, unit: s}, size: {type: size, unit: KB}, flag: bool, amount: number}
counters:
  posts: {count: post, by: user_id, over: 1h}
derived:
  shouts: 'text matches "!!"'
  share: {ratio: [posts, amount]}
  RISKY
models:
  other: {texts: [text]}
  spam: MODEL
"""


def written(model: str, risky: str = "") -> str:
    return RULES.replace("MODEL", model).replace("RISKY", risky)


def messages(model: str) -> list[str]:
    return [one.message for one in check_rulebook({"rules.yaml": written(model)})[1].errors]


def spec(model: str) -> ModelSpec:
    return load_rulebook({"rules.yaml": written(model)}).models["spam"]


def test_numbers_that_stand_side_by_side_are_read_by_their_range() -> None:
    made = spec("{numbers: [event.media.embedding.look.0..2, amount]}")
    assert made.numbers == (*(f"event.media.embedding.look.{number}" for number in range(3)), "amount")


@pytest.mark.parametrize("wrong", ["event.x.5..4", "event.x.0..256"])
def test_ranges_that_are_none_or_too_long(wrong: str) -> None:
    assert f"`{wrong}` is one number to 256, the first one first" in messages(f"{{numbers: [{wrong}, amount]}}")


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        ("precision: 0.5", "precision: 0.499", "`precision` is a number from 0.5 to 0.999"),
        ("precision: 0.999", "precision: 0.9991", "`precision` is a number from 0.5 to 0.999"),
        ("precision: 0.9", "precision: high", "`precision` is a number from 0.5 to 0.999"),
        ("presume: 0.1", "presume: 0.09", "`presume` is a number from 0.1 to 1: a share of the events"),
        ("presume: 1", "presume: 1.01", "`presume` is a number from 0.1 to 1: a share of the events"),
        ("presume: 0.5", "presume: 0", "`presume` is a number from 0.1 to 1: a share of the events"),
        ("presume: 1.0", "presume: much", "`presume` is a number from 0.1 to 1: a share of the events"),
        ("presume: 1, presume_after: learned", "presume_after: learned",
         "`presume_after` goes with `presume`: when events are taken for ham"),
        ("presume: 1, presume_after: learned", "presume: 1, presume_after: 2h",
         "`presume_after` is `learned`: as long as labels of spam take"),
        ("min_labels: 0", "min_labels: -1", "`min_labels` is a whole number, 0 or more"),
        ("min_labels: 5", "min_labels: 5.5", "`min_labels` is a whole number, 0 or more"),
        ("learn: false", "learn: never", "`learn` is true or false"),
        ("labels: own", "labels: ''", "`labels` is the name of a policy"),
        ("hints: {shouts: 5}", "hints: {shouts: 5.1}",
         "how much `shouts` hints at spam is a number from -5 to 5 and not 0"),
        ("hints: {shouts: -5}", "hints: {shouts: -5.1}",
         "how much `shouts` hints at spam is a number from -5 to 5 and not 0"),
        ("hints: {shouts: 0.1}", "hints: {shouts: 0}",
         "how much `shouts` hints at spam is a number from -5 to 5 and not 0"),
        ("hints: {amount: 1}", "hints: {shouts: much}",
         "how much `shouts` hints at spam is a number from -5 to 5 and not 0"),
        ("numbers: [amount, age, size, posts, share, event.n]", "numbers: [flag]",
         "`flag` is a bool, this needs a number"),
        ("categories: [user_id, event.n]", "categories: [amount]", "`amount` is a number, this needs a text"),
        ("numbers: [posts]", "numbers: [score.other]", "a model cannot read a score"),
    ],
)  # fmt: skip
def test_what_is_just_right_is_accepted_and_no_more(right: str, wrong: str, told: str) -> None:
    assert messages(f"{{texts: [text], {right}}}") == []
    assert messages(f"{{texts: [text], {wrong}}}") == [told]


@pytest.mark.parametrize("reads", ["numbers: [posts]", "texts: [text]", "categories: [ip]", "hints: {shouts: 1}"])
def test_a_model_reads_something(reads: str) -> None:
    assert messages(f"{{{reads}}}") == []
    assert messages("{learn: false}") == ["model `spam` needs numbers, texts, categories or hints"]


def test_a_model_is_as_it_is_declared() -> None:
    plain = spec("{texts: [text]}")
    assert (plain.learns, plain.min_labels, plain.policy, plain.precision) == (True, 50, None, None)
    assert (plain.hints, plain.presume, plain.awaits, plain.numbers) == ((), 0.0, False, ())
    full = spec("{texts: [text], numbers: [posts], hints: {shouts: -2}, learn: false, min_labels: 3, labels: own, "
                "precision: 0.9, presume: 0.2, presume_after: learned}")  # fmt: skip
    assert (full.learns, full.min_labels, full.policy, full.precision) == (False, 3, "own", 0.9)
    assert (full.hints, full.presume, full.awaits, full.numbers) == ((-2.0,), 0.2, True, ("posts", "shouts"))


@pytest.mark.parametrize(
    "risky",
    [
        "risky: score.other",
        "risky: score.other * 2",
        "near: score.other * 2\n  risky: near + 1",
        "risky: {ratio: [score.other, posts]}",
        "risky: {ratio: [posts, score.other]}",
    ],
)
def test_a_model_cannot_read_a_score_behind_another_name(risky: str) -> None:
    text = written("{numbers: [amount]}", risky)
    assert check_rulebook({"rules.yaml": text})[1].errors == []
    later = text.replace("numbers: [amount]", "numbers: [amount, risky]")
    assert [one.message for one in check_rulebook({"rules.yaml": later})[1].errors] == ["a model cannot read a score"]


@pytest.mark.parametrize(
    ("pipeline", "accepted"),
    [("linear_model.LogisticRegression()", True), ("linear_model.LinearRegression()", False), ("nonsense(", False)],
)
def test_a_pipeline_is_a_classifier(pipeline: str, accepted: bool) -> None:
    sources = {"rules.yaml": written(f"{{texts: [text], river: '{pipeline}'}}")}
    declared = read_declarations(sources, Diagnostics(sources))
    found = read_model(declared, "spam", declared.models["spam"])
    assert (found.river if found is not None else None) == (pipeline if accepted else None)
    assert bool(declared.diagnostics.errors) is not accepted


def test_a_model_knows_which_of_its_numbers_are_durations_and_sizes() -> None:
    text = """
version: 1
fields: {account_age: {type: duration, unit: ms}, bytes: {type: size, unit: B}, links: number}
models: {spam: {numbers: [account_age, bytes, links], hints: {links: 1.0}}}
rules: {r: {event: post, when: [score.spam > 0.9], then: {flag: x}}}
"""
    assert load_rulebook({"rules.yaml": text}).models["spam"].units == {"account_age": "duration", "bytes": "size"}
