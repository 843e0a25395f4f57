"""Whether scores are right in each slice."""

import random

import msgspec
import orjson
import pytest

from engine.learning.slices import FEWEST, MISSING, MOST_TOLD, MOST_VALUES, OTHER, WINDOW, SlicedLabels
from engine.rulebook.compiler import check_rulebook, load_rulebook
from engine.settings import Settings
from engine.stream.offline.arrivals import Arrival
from engine.stream.offline.engine import OfflineEngine

NAMES = ("country", "is_new")


def added(labels: SlicedLabels, many: int, country: str | None, score: float, share: float) -> SlicedLabels:
    rng = random.Random(f"{country}{many}")
    for _ in range(many):
        labels.add(score, rng.random() < share, NAMES, (country, "yes"))
    return labels


def test_a_slice_is_off_though_all_scores_together_are_right() -> None:
    labels = added(added(SlicedLabels(), 400, "de", 0.5, 0.8), 400, "br", 0.5, 0.2)
    found = {(one.name, one.value): one for one in labels.slices()}
    assert found["country", "de"].is_off
    assert found["country", "de"].gap > 0.2
    assert found["country", "br"].is_off
    assert found["country", "br"].gap < -0.2
    assert not found["is_new", "yes"].is_off
    assert found["is_new", "yes"].n == 800


def test_few_labels_and_small_gaps_say_nothing() -> None:
    assert added(SlicedLabels(), FEWEST - 1, "de", 0.1, 0.9).slices() == []
    labels = added(SlicedLabels(), 1_000, None, 0.5, 0.52)
    assert [(one.value, one.is_off) for one in labels.slices()] == [(MISSING, False), ("yes", False)]


def test_values_that_are_made_up_are_bounded_and_hide_no_real_one() -> None:
    labels = SlicedLabels()
    for at in range(5_000):
        labels.add(0.1, False, NAMES, (f"x{at}" * 50, None))
        if at % 10 == 0:
            labels.add(0.1, True, NAMES, ("de", None))
    told = {(one.name, one.value): one for one in labels.slices()}
    assert told["country", "de"].n > 150
    assert told["country", "de"].is_off
    assert len(labels.dump()) < 100_000
    assert len(set(labels._columns[0])) <= MOST_VALUES + 1
    assert labels._counts[0] == labels._counts[0].__class__(labels._columns[0])
    many = SlicedLabels()
    for at in range(WINDOW):
        many.add(0.1, False, NAMES, (f"c{at % 20}", None))
    assert sum(one.name == "country" for one in many.slices()) == MOST_TOLD


def test_what_is_dumped_goes_on_as_if_it_had_not_been() -> None:
    labels, rng = SlicedLabels(), random.Random(2)
    for at in range(3 * WINDOW):
        labels.add(rng.random(), rng.random() < 0.3, NAMES, (f"c{min(rng.randrange(90), rng.randrange(200))}", "no"))
        if at == WINDOW + 5:
            copy = SlicedLabels.load(labels.dump())
            copy_rng = random.Random()
            copy_rng.setstate(rng.getstate())
    for _ in range(WINDOW + 6, 3 * WINDOW):
        spam = copy_rng.random(), copy_rng.random() < 0.3
        copy.add(*spam, NAMES, (f"c{min(copy_rng.randrange(90), copy_rng.randrange(200))}", "no"))
    assert copy.dump() == labels.dump()
    assert OTHER in labels._columns[0]
    assert SlicedLabels.load(SlicedLabels().dump()).names == ()


def test_damage_is_refused_and_other_names_begin_anew() -> None:
    labels = added(SlicedLabels(), 60, "de", 0.5, 0.5)
    for damaged in (labels.dump()[:-1], labels.dump().replace(b"\xc4\x3c", b"\xc4\x3b", 1)):
        with pytest.raises((ValueError, msgspec.MsgspecError)):
            SlicedLabels.load(damaged)
    labels.add(0.5, True, ("country",), ("de",))
    assert (labels.names, len(labels._columns[0])) == (("country",), 1)


RULES = """
version: 1
fields: {account_age: {type: duration, unit: d}}
derived: {is_new: account_age < 7d}
counters: {posts: {count: post, by: user_id, over: 1h}}
models:
  spam: {texts: [text], slices: [event.country, is_new], min_labels: 5}
rules:
  r: {event: post, when: [score.spam > 2], then: {flag: x}}
"""


def test_an_event_is_sliced_by_what_its_model_does_not_read() -> None:
    assert load_rulebook({"r.yaml": RULES}).models["spam"].slices == ("event.country", "is_new")
    engine, arrivals = OfflineEngine(load_rulebook({"r.yaml": RULES}), Settings(review_share=0.0)), list[Arrival]()
    for at in range(160):
        ts_ms, spam = 1_760_000_000_000 + 60_000 * at, at % 2 == 0
        sent = {"event_id": f"e{at}", "type": "post", "user_id": "u", "ts": ts_ms, "text": f"word{at % 2}"}
        sent |= {"country": "de" if at % 4 < 2 else "br"} | ({"account_age": at % 10} if at > 20 else {})
        arrivals.append(Arrival("event", ts_ms, orjson.dumps(sent)))
        label = {"event_id": f"e{at}", "user_id": "u", "label": "spam" if spam else "ham", "ts": ts_ms + 1}
        arrivals.append(Arrival("label", ts_ms + 1, orjson.dumps(label)))
    events, labels = arrivals[::2], arrivals[1::2]
    for start in range(0, 160, 20):
        list(engine.run([*events[start : start + 20], *labels[start : start + 20]]))
    model = engine.learned()["spam"]
    assert {(one.name, one.value) for one in model.sliced.slices()} == {
        ("event.country", "de"), ("event.country", "br"), ("is_new", "yes"),
    }  # fmt: skip
    plain = OfflineEngine(load_rulebook({"r.yaml": RULES.replace("slices: [event.country, is_new],", "")}), Settings())
    for start in range(0, 160, 20):
        list(plain.run([*events[start : start + 20], *labels[start : start + 20]]))
    assert plain.learned()["spam"].ngrams.weights == model.ngrams.weights


@pytest.mark.parametrize(
    ("slices", "told"),
    [
        ("[posts]", "`posts` is a number, this needs a text"),
        ("[score.spam]", "`score.spam` is a number, this needs a text"),
        ("[many]", "`many` is counted or remembered: slices are by what the event says itself"),
        ("[event.a, event.b, event.c, event.d, event.e]", "there are at most 4 `slices`"),
    ],
)
def test_slices_are_by_what_the_event_says(slices: str, told: str) -> None:
    rules = RULES.replace("[event.country, is_new]", slices).replace("derived: {", "derived: {many: posts > 3, ")
    assert told in [one.message for one in check_rulebook({"r.yaml": rules})[1].errors]
