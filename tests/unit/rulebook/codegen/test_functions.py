"""What the generated functions of a rulebook have in common: series, ratios, and what models are given to read."""

from collections.abc import Sequence

import pytest

from engine.core.domain.events import Event
from engine.core.domain.programs import ModelNumbers, ModelTexts
from engine.rulebook.codegen.functions import Vocabulary
from engine.rulebook.compiler import load_rulebook
from engine.rulebook.inline_tests.stage import ExampleStage, FixedScorer
from engine.rulebook.language.diagnostics import Diagnostics
from engine.rulebook.sections.reading import read_declarations

RULES = """
version: 1
fields: {amount: number, note: text}
counters:
  posts: {count: post, by: user_id, over: 1h}
  odd: {count: post, where: event.odd, by: user_id, over: 1h}
  later: {count: post, by: user_id, over: 2h}
  short: {count: post, where: event.n == 1, by: user_id, over: 1m}
  targets: {distinct: target_id, of: post, by: user_id, over: 1h}
  spent: {sum: amount, of: post, by: user_id, over: 1h}
  roughly: {count: post, by: user_id, over: 1h, approx: true}
  long: {count: post, where: event.n == 2, by: user_id, over: 3d}
  devices: {count: post, by: device_id, over: 1h}
  many: {count: post, by: device_id, over: 1h, approx: true}
derived:
  exact: {ratio: [odd, posts]}
  mixed: {ratio: [targets, posts]}
  windows: {ratio: [odd, later]}
  entities: {ratio: [posts, devices]}
  rough: {ratio: [roughly, posts]}
  sums: {ratio: [spent, posts]}
  shares: {ratio: [amount, posts]}
  fields: {ratio: [amount, event.n]}
models:
  spam:
    texts: [text, event.said]
    categories: [note]
    numbers: [posts, targets, spent, roughly, odd, amount, event.n]
rules:
  r: {event: post, when: [score.spam > 0.2], then: {flag: x}}
"""


@pytest.fixture(scope="module", name="words")
def _words() -> Vocabulary:
    sources = {"rules.yaml": RULES}
    book = load_rulebook(sources)
    return Vocabulary(read_declarations(sources, Diagnostics(sources)), book.counters, book.models, book.memories)


@pytest.mark.parametrize("name", ["windows", "entities", "rough", "sums", "shares", "fields"])
def test_what_cannot_be_counted_side_by_side_is_no_share(words: Vocabulary, name: str) -> None:
    assert words.share(name) is None


@pytest.mark.parametrize(("name", "parts"), [("exact", ("odd", "posts")), ("mixed", ("targets", "posts"))])
def test_two_exact_counts_of_one_entity_and_window_are_a_share(
    words: Vocabulary, name: str, parts: tuple[str, str]
) -> None:
    share = words.share(name)
    assert share is not None
    assert (share.numerator.name, share.denominator.name) == parts


def test_a_share_is_there_where_both_of_its_counts_are(words: Vocabulary) -> None:
    asked = [words.counters[name] for name in ("odd", "posts", "targets")]
    assert [one.name for one in words.shares(asked[:2])] == ["exact"]
    assert [one.name for one in words.shares(asked)] == ["exact", "mixed"]
    assert words.shares(asked[:1]) == ()


@pytest.mark.parametrize(
    ("name", "minutes"),
    [
        ("posts", 120 + 120),  # with `later`, of the same series
        ("short", 1 + 20),
        ("targets", 60 + 60),
        ("long", 3 * 24 * 60 + 24 * 60),
        ("devices", 60 + 24 * 60),
        ("many", 60 + 60),
        ("roughly", 60 + 60),
    ],
)
def test_a_series_keeps_its_window_and_as_much_as_events_may_be_late(
    words: Vocabulary, name: str, minutes: int
) -> None:
    assert words.retention_ms(words.counters[name].series_key) == minutes * 60_000


def test_what_the_engine_has_found_itself_is_not_invalid(words: Vocabulary) -> None:
    invalid = words.invalid()
    assert invalid({"clock_skew": "odd", "conflicting_ids": "odd"}) == []
    assert invalid({"amount": "odd", "note": 5}) == ["amount", "note"]


class Reader(FixedScorer):
    """Notes what it is given to read."""

    def __init__(self) -> None:
        super().__init__(0.5)
        self.texts: list[ModelTexts | None] = []
        self.numbers: list[ModelNumbers] = []

    def prepare(self, batch: Sequence[ModelTexts | None]) -> None:
        self.texts += batch

    def read_late(self, place: int, texts: ModelTexts) -> None:
        self.texts.append(texts)

    def score(self, place: int, key: int, numbers: ModelNumbers) -> float | None:
        self.numbers.append(numbers)
        return super().score(place, key, numbers)


def read_by_the_model(*documents: dict[str, object]) -> Reader:
    reader = Reader()
    stage = ExampleStage(load_rulebook({"rules.yaml": RULES}), {"spam": reader})
    for place, document in enumerate(documents):
        stage.send(Event(f"e{place}", "post", "u", 1_760_000_000_000 + place, {"user_id": "u", **document}))
    return reader


def test_a_model_reads_each_number_from_its_own_series() -> None:
    reader = read_by_the_model(
        {"target_id": "a", "amount": 2.5, "n": 1, "odd": True}, {"target_id": "a", "amount": 4.5, "n": 2},
        {"target_id": "b", "n": "3"},
    )  # fmt: skip
    assert reader.numbers == [(1, 1, 2.5, 1, 1, 2.5, 1), (2, 1, 7.0, 2, 1, 4.5, 2), (3, 2, 7.0, 3, 1, None, None)]


def test_a_model_reads_nothing_but_texts_as_texts() -> None:
    reader = read_by_the_model({"text": "a", "said": "b", "note": "c"}, {"text": "a", "said": 5, "note": 5})
    assert reader.texts == [(("a", "b"), ("c",)), (("a", None), (None,))]


def test_people_write_ids_where_events_have_pseudonyms() -> None:
    rule = "version: 1\nrules:\n  r: {event: post, when: ['user_id CLAUSE'], then: {flag: x}}\n"
    event = Event("e", "post", "hidden ann", 1_760_000_000_000, {"user_id": "hidden ann"})
    for clause, expected in (('== "ann"', True), ('!= "ann"', False), ('in ["ann"]', True), ('== "bob"', False)):
        sources = {"rules.yaml": rule.replace("CLAUSE", clause)}
        book = load_rulebook(sources, conceal=lambda name: f"hidden {name}")
        assert bool(ExampleStage(book, {}).send(event)) is expected
        assert bool(ExampleStage(load_rulebook(sources), {}).send(event)) is (clause == '!= "ann"')
