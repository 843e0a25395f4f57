"""The default learner is a classifier of River's, and survives wrong labels."""

from collections.abc import Callable, Iterator, Sequence
from math import log
from pathlib import Path
from random import Random

import pytest
from river import checks

from engine.learning.features import Inputs, Names, featurizer
from engine.learning.linear import sigmoid
from engine.learning.metrics import roc_auc
from engine.learning.ngrams import HashedNgrams


@pytest.mark.parametrize("check", list(checks.yield_checks(HashedNgrams())), ids=lambda check: check.__name__)
def test_river_accepts_it(check: Callable[[HashedNgrams], None]) -> None:
    check(HashedNgrams())


def test_rates_are_as_many_as_arms() -> None:
    with pytest.raises(ValueError, match="4 learning rates, not 1"):
        HashedNgrams(rates=(0.1,))


def messages(count: int, seed: int) -> Iterator[tuple[dict[str, object], bool]]:
    random = Random(seed)
    ham = ["lunch", "meeting", "report", "thanks", "tomorrow", "weather"]
    spam = ["casino", "crypto", "winner", "pills", "offer", "bonus"]
    for _ in range(count):
        is_spam = random.random() < 0.3
        words = [random.choice(spam if is_spam and random.random() < 0.5 else ham) for _ in range(8)]
        yield {"text": " ".join(words), "age": random.expovariate(0.1 if is_spam else 0.01)}, is_spam


@pytest.mark.parametrize(("flipped", "wanted"), [(0.0, 0.99), (0.2, 0.97)])
def test_it_learns_from_few_and_from_wrong_labels(flipped: float, wanted: float) -> None:
    model, random = HashedNgrams(), Random(3)
    scores, truth = [], []
    for x, spam in messages(1_500, 1):
        scores.append(model.predict_proba_one(x)[True])
        truth.append(spam)
        model.learn_one(x, spam != (random.random() < flipped))
    found = roc_auc(scores[500:], truth[500:])
    assert found is not None
    assert found > wanted
    assert (model.shares().index(max(model.shares())) >= 1) == (flipped > 0)


def test_what_was_learned_by_mistake_is_taken_back() -> None:
    model = HashedNgrams()
    for x, spam in messages(300, 1):
        model.learn_one(x, spam)
    vector = model.vector({"text": "a note about the winner of the match", "age": 400.0})
    before = model.predict_proba_one({"text": "a note about the winner of the match", "age": 400.0})[True]
    model.learn(vector, spam=True)
    wrong = model.logit(vector)
    model.restore(vector, before)
    assert model.logit(vector) < wrong


def certainty(labels: Sequence[bool], *, proves: bool) -> float:
    learner = HashedNgrams()
    for spam in labels:
        learner.learn(learner.vector({"text": "some text"}), spam, proves=proves)
    return sum(learner.factors())


def test_few_labels_of_a_kind_say_less() -> None:
    alone = [certainty([True] * count, proves=False) for count in (0, 1, 100)]
    assert alone == pytest.approx([0.05] * 3)
    both = [certainty([True] * 100 + [False] * count, proves=False) for count in (1, 10, 90)]
    assert both == pytest.approx([2 / 21, 11 / 30, 91 / 110])


def test_labels_of_one_kind_say_more_when_they_are_of_events_that_were_scored_with_what_was_learned() -> None:
    grown = [certainty([True] * count, proves=True) for count in (0, 10, 1_000)]
    assert grown == pytest.approx([0.05, 0.425, 0.8], abs=0.01)


NAMES, HINTED = Names(("text",), (), ("link",)), Names(("text",), (), ("link",), (2.0,))
LINK, NO_LINK = Inputs(("see here",), (), (1.0,)), Inputs(("see here",), (), (0.0,))


def test_hints_are_all_there_is_before_any_label() -> None:
    learner = HashedNgrams()
    assert learner.probability(HINTED, LINK) == pytest.approx(sigmoid(2))
    assert learner.probability(HINTED, NO_LINK) == learner.probability(NAMES, LINK) == 0.5
    assert learner.probability(HINTED, Inputs(("see here",), (), (None,))) == 0.5


def test_hints_fade_as_labels_of_both_kinds_come() -> None:
    hinted, plain = HashedNgrams(), HashedNgrams()
    gaps = []
    for _ in range(40):
        for learner, names in ((hinted, HINTED), (plain, NAMES)):
            learner.teach(names, LINK, True, 1.0)
            learner.teach(names, NO_LINK, False, 1.0)
        said = [log(one / (1 - one)) for one in (hinted.probability(HINTED, LINK), plain.probability(NAMES, LINK))]
        gaps.append(said[0] - said[1])
    assert gaps == pytest.approx([2 * 30 / (30 + labels) for labels in range(1, 41)])


def test_a_label_proves_nothing_of_an_event_that_was_scored_by_hints_alone() -> None:
    learner = HashedNgrams()
    for given in (None, sigmoid(2.0), 0.6):
        learner.teach(HINTED, LINK, True, 1.0, given)
    assert learner.proofs == 1


@pytest.mark.parametrize(
    ("given", "proofs"), [(None, 0), (sigmoid(2.0), 0), (sigmoid(2.0) + 1e-10, 0), (sigmoid(2.0) + 1e-8, 1), (0.6, 1)]
)
def test_a_label_proves_something_where_the_score_was_not_that_of_hints(given: float | None, proofs: int) -> None:
    learner = HashedNgrams()
    learner.teach(HINTED, LINK, True, 1.0, given)
    assert learner.proofs == proofs


def test_the_rows_of_a_frame_are_learned_in_turn_and_scored_alone() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"text": ["free crypto", "see you at lunch"], "age": [1.0, 300.0]})
    several, single = HashedNgrams(), HashedNgrams()
    several.learn_many(frame, pandas.Series([True, False]))
    rows: list[dict[str, object]] = [{"text": "free crypto", "age": 1.0}, {"text": "see you at lunch", "age": 300.0}]
    for x, spam in zip(rows, (True, False), strict=True):
        single.learn_one(x, spam)
    assert several.weights == single.weights
    found = several.predict_proba_many(frame)
    for kind in (False, True):
        assert found[kind].tolist() == [single.predict_proba_one(x)[kind] for x in rows]


def test_what_was_said_before_a_label_has_the_hints_in_it() -> None:
    assert HashedNgrams().teach(HINTED, LINK, True, 1.0) == pytest.approx(sigmoid(2.0))


def test_what_labels_change_is_told_once() -> None:
    learner = HashedNgrams()
    changed = sorted(set(featurizer(NAMES).vector(LINK).indices.tolist()))
    learner.teach(NAMES, LINK, True, 1.0)
    assert learner.touched().tolist() == changed
    assert learner.touched().tolist() == []
    learner.take_back(NAMES, LINK, 0.5, 1.0)
    assert learner.touched().tolist() == changed
    learner.touch_all()
    assert learner.touched().tolist() == changed


def test_a_label_by_itself_is_of_an_event_that_was_scored() -> None:
    learner = HashedNgrams()
    learner.learn(learner.vector({"text": "some text"}), True)
    assert (learner.taught, learner.proofs) == ([0, 1], 1)


def test_the_lines_on_the_page_say_what_they_print(capsys: pytest.CaptureFixture[str]) -> None:
    page = (Path(__file__).parents[3] / "docs/learning.md").read_text("utf-8")
    lines = page.split("## The learner alone, in River")[1].split("```python\n")[1].split("```")[0]
    exec(compile(lines, "docs/learning.md", "exec"), {})  # noqa: S102  # our own page
    said = capsys.readouterr().out.strip()
    assert f"That prints `{said}`" in page
