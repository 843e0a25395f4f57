"""What a label does to a model, and how much it counts."""

from dataclasses import replace
from math import log
from random import Random

import pytest

from engine.learning.features import Inputs, Names
from engine.learning.labels import Awaited, Example
from engine.learning.models import MAX_CORRECTION, TRUSTED, LearnedModel
from engine.learning.moderator_trust import PATIENCE, ModeratorTrust
from engine.learning.ngrams import MEMORY, HashedNgrams
from engine.learning.verdicts import Verdict
from tests.unit.learning.inputs import HAM, NAMES, SPAM, example, examples, seen


def logits(model: LearnedModel, inputs: Inputs = SPAM) -> float:
    score = seen(inputs, model).score
    assert score is not None
    return score


def test_it_learns_and_counts() -> None:
    model = LearnedModel("spam")
    for one in examples(20):
        model.learn(one)
    assert (model.labels, model.spam, model.version) == (20, 10, "spam-20")
    assert logits(model) > 0.8
    assert logits(model, HAM) < 0.2
    model.learn(example(SPAM, "ham", 20, before="spam"))
    assert (model.labels, model.spam) == (20, 9)
    model.learn(example(SPAM, "retracted", 21, before="ham", score=0.5))
    assert (model.labels, model.spam) == (19, 9)


def test_a_label_that_was_unlikely_counts_more() -> None:
    usual, rare = LearnedModel("spam"), LearnedModel("spam")
    for model, propensity in ((usual, 1.0), (rare, 0.05)):
        for one in examples(6):
            model.learn(one)
        model.learn(example(SPAM, "ham", 7, propensity=propensity))
    assert logits(rare) < logits(usual)


def presumed(inputs: Inputs, verdict: Verdict, share: float, *, before: Verdict | None = None) -> Example:
    return replace(
        example(inputs, verdict, before=before, score=0.4, propensity=1.0 if before else share), presumed=share
    )


def test_an_answer_counts_for_those_it_stands_for_where_the_arms_are_compared() -> None:
    losses = []
    for surveys, propensity in ((False, 1.0), (False, 0.5), (True, 1.0), (True, 0.5), (True, 2.0)):
        model = LearnedModel("spam", surveys=surveys)
        for one in (example(SPAM, "spam", 0), example(SPAM, "ham", 1, propensity=propensity)):
            model.learn(one)
        losses.append(list(model.ngrams.losses))
    label, _, answer, rare, frequent = losses
    assert losses[1] == label == answer
    first, half = log(2) * MEMORY, log(2) * (1 + MEMORY) / 2  # what counts half lets half as much be forgotten
    for arm, loss in enumerate(answer):
        assert rare[arm] - first == pytest.approx(2 * (loss - first))
        assert frequent[arm] - half == pytest.approx((loss - first) / 2)


def test_what_is_presumed_teaches_and_tells_nothing_of_precision() -> None:
    model = LearnedModel("spam")
    model.learn(presumed(HAM, "ham", 1.0))
    assert (model.labels, model.spam, model.ngrams.taught) == (1, 0, [1, 0])
    assert model.judged.dump() == LearnedModel("spam").judged.dump()


def test_a_label_that_says_what_was_presumed_tells_of_precision_and_teaches_nothing() -> None:
    model, other = LearnedModel("spam"), LearnedModel("spam")
    for one in (model, other):
        one.learn(presumed(HAM, "ham", 1.0))
    model.learn(presumed(HAM, "ham", 1.0, before="ham"))
    assert (model.labels, model.ngrams.weights) == (1, other.ngrams.weights)
    assert model.judged.dump() != other.judged.dump()


def test_a_confirmation_that_is_taken_back_or_quarantined_leaves_what_was_presumed() -> None:
    model = LearnedModel("spam", quarantined={"eve"})
    model.learn(presumed(HAM, "ham", 1.0))
    weights = model.ngrams.weights[:]
    model.learn(presumed(HAM, "retracted", 1.0, before="ham"))
    assert (model.labels, model.ngrams.weights) == (1, weights)
    model.learn(replace(presumed(HAM, "spam", 1.0, before="ham"), before_by="eve"))
    assert (model.labels, model.spam) == (1, 1)


def test_what_nobody_has_said_costs_no_moderator_his_trust_and_proves_nothing() -> None:
    model = LearnedModel("spam")
    for at in range(3_000):
        spam = at % 30 == 0
        model.learn(presumed(SPAM if spam else HAM, "ham", 1.0))
        if at % 10 == 0:
            said: Verdict = "spam" if spam else "ham"
            model.learn(replace(presumed(SPAM if spam else HAM, said, 1.0, before="ham"), moderator=f"m{at // 30 % 3}"))
    assert all(model.moderator_trust.trust(name) > 0.9 for name in model.moderator_trust.moderators)
    assert model.ngrams.proofs == 100  # labels of spam; those of ham teach nothing


@pytest.mark.parametrize("share", [0.1, 0.5, 1.0])
def test_spam_that_was_presumed_to_be_ham_ends_as_spam_however_few_stand_for_all(share: float) -> None:
    model, draws = LearnedModel("spam"), Random(1)
    for _ in range(400):
        is_presumed = draws.random() < share
        if is_presumed:
            model.learn(presumed(SPAM, "ham", share))
        model.learn(presumed(SPAM, "spam", share, before="ham") if is_presumed else example(SPAM, "spam", score=0.4))
    assert model.ngrams.probability(NAMES, SPAM) > 0.75  # once ham, twice spam would be two thirds


def test_who_repeats_himself_counts_less() -> None:
    moderator_trust = ModeratorTrust()
    assert moderator_trust.weight("mia", 7) == 1.0
    for _ in range(3):
        moderator_trust.note("mia", 7, 0.1)
    usual = moderator_trust.weight("mia", 8)
    assert moderator_trust.weight("mia", 7) == pytest.approx(usual / 4)
    assert usual > 0.85
    assert moderator_trust.weight(None, 7) == 1.0


def of_a_liar(trust: float) -> float:
    """The score of a new text, which the model had taken for spam, after one label of ham."""
    model = LearnedModel("spam")
    for at in range(30):
        model.learn(example(Inputs((f"buy {at} now at example.com",), (), ()), "spam", 2 * at))
        model.learn(example(Inputs((f"see you at {at} then",), (), ()), "ham", 2 * at + 1))
    new = Inputs(("buy 77 new pills at example.com",), (), ())
    model.ngrams.teach(NAMES, new, False, trust)
    return model.ngrams.probability(NAMES, new)


def test_a_label_of_somebody_who_is_not_trusted_hardly_moves_what_has_not_been_seen() -> None:
    untaught, distrusted, trusted = of_a_liar(0.0), of_a_liar(0.01), of_a_liar(1.0)
    assert untaught > 0.7
    assert untaught - distrusted < 0.03 * (untaught - trusted)


def test_the_arms_are_not_compared_by_labels_of_somebody_who_is_not_trusted() -> None:
    liar, silent = LearnedModel("spam"), LearnedModel("spam")
    for model in (liar, silent):
        for one in examples(20):
            model.learn(one)
        for name in ("eve", *"abcdefgh"):
            for _ in range(40):
                model.moderator_trust.note(name, None, 0.9 if name == "eve" else 0.02)
    for at in range(10):  # they would add some forty
        liar.learn(example(SPAM, "ham", 1_000 + at, moderator="eve"))
    assert liar.ngrams.losses == pytest.approx(silent.ngrams.losses, abs=2)


def test_who_taught_first_is_not_blamed_for_what_nobody_could_know() -> None:
    moderator_trust = ModeratorTrust()
    for _ in range(100):
        moderator_trust.note("first", None, 0.4)
    for at in range(3_000):
        moderator_trust.note(f"later {at % 7}", None, 0.02)
    assert moderator_trust.trust("first") == 1.0


def test_who_alone_disagrees_loses_trust_and_in_company_nobody_does() -> None:
    moderator_trust = ModeratorTrust()
    for at in range(1_000):
        moderator_trust.note(f"honest {at % 9}", None, 0.05)
        if at % 10 == 0:
            moderator_trust.note("hostile", None, 0.95)
    assert moderator_trust.trust("hostile") < 0.2
    assert moderator_trust.trust("honest 3") == 1.0
    for at in range(int(3 * PATIENCE)):  # a new campaign: everybody disagrees with a model that does not know it
        moderator_trust.note(f"honest {at % 9}", None, 0.95)
    assert moderator_trust.trust("honest 3") > 0.9


def test_a_new_model_begins_from_nothing_and_goes_on() -> None:
    model = LearnedModel("spam")
    assert (model.seeded, model.pinned, model.version) == (False, False, "spam-0")


@pytest.mark.parametrize(
    ("labels", "spam", "wanted", "knows"),
    [
        (4, 2, 4, True), (4, 2, 5, False), (4, 0, 4, False), (4, 1, 4, True), (4, 3, 4, True), (4, 4, 4, False),
        (2, 1, 0, True), (0, 0, 0, False),
    ],
)  # fmt: skip
def test_a_model_knows_with_enough_labels_and_some_of_each_kind(
    labels: int, spam: int, wanted: int, knows: bool
) -> None:
    assert LearnedModel("spam", labels, spam).knows(wanted) is knows


def test_only_what_a_quarantined_moderator_had_said_was_not_learned() -> None:
    for quarantined, labels in (("eve", 2), ("somebody", 1)):
        model = LearnedModel("spam", quarantined={quarantined})
        model.learn(example(SPAM, "ham"))
        model.learn(replace(example(SPAM, "spam", before="ham"), before_by="eve"))
        assert (model.labels, model.spam) == (labels, 1)


def test_a_confirmation_teaches_nothing_unless_the_first_one_does_not_count() -> None:
    for quarantined, labels in (("eve", 1), ("somebody", 1)):
        model = LearnedModel("spam", quarantined={quarantined})
        if quarantined != "eve":
            model.learn(example(SPAM, "spam", moderator="eve", score=0.5))
        weights, judged = model.ngrams.weights[:], model.judged.dump()
        model.learn(replace(example(SPAM, "spam", before="spam", moderator="mia", score=0.5), before_by="eve"))
        assert (model.labels, model.spam) == (labels, 1)
        assert (model.ngrams.weights != weights, model.judged.dump() != judged) == ((quarantined == "eve"),) * 2


def test_a_moderator_who_is_wrong_29_times_of_29_is_hardly_trusted() -> None:
    model, draws = LearnedModel("spam"), Random(3)
    wrong = set(draws.sample(range(100, 300), 29))
    for at in range(300):
        spam = draws.random() < 0.4
        words = "free crypto win bonus casino pills prize" if spam else "lunch meeting thanks park weekend book train"
        inputs = Inputs((" ".join(draws.choices(words.split(), k=6)),), (None,), (1.0, None))
        score = seen(inputs, model).score if at > 20 else None
        by = "eve" if at in wrong else f"m{at % 3}"
        model.learn(example(inputs, "spam" if spam != (at in wrong) else "ham", at, moderator=by, score=score))
    assert model.moderator_trust.trust("eve") < 0.05
    assert min(model.moderator_trust.trust(f"m{number}") for number in range(3)) > 0.9


class Weighing(ModeratorTrust):
    """Gives all labels the same weight."""

    given: float = 1.0

    def weight(self, moderator: str | None, campaign: int | None) -> float:
        return self.given


@pytest.mark.parametrize(("weight", "tells"), [(TRUSTED, True), (TRUSTED - 0.001, False)])
def test_labels_that_hardly_count_tell_nothing_of_precision(weight: float, tells: bool) -> None:
    model = LearnedModel("spam", moderator_trust=Weighing(given=weight))
    model.learn(example(SPAM, "spam", score=0.75))
    assert bool(model.judged.dump()) is tells


class Pushed(HashedNgrams):
    """Notes how much each label counts."""

    def __init__(self) -> None:
        super().__init__()
        self.pushes: list[float] = []
        self.undone: list[float] = []
        self.again: list[float] = []

    def teach(
        self,
        names: Names,
        inputs: Inputs,
        spam: bool,
        push: float,
        score: float | None = None,
        undone: float = 0.0,
        stands_for: float = 1.0,
        again: float = 0.0,
    ) -> float:
        self.pushes.append(push)
        self.undone.append(undone)
        self.again.append(again)
        return super().teach(names, inputs, spam, push, score, undone, stands_for, again)


@pytest.mark.parametrize(
    ("before", "presumed", "propensity", "push"),
    [
        (None, 0.0, 1.0, 1),
        (None, 0.0, 0.5, 2),
        (None, 0.0, 0.001, MAX_CORRECTION),
        ("ham", 0.0, 1.0, 2),  # once against what was learned, once for what is right
        ("ham", 0.0, 0.5, 4),
        ("ham", 0.5, 1.0, 3),  # what stood for two is taken back
        ("ham", 0.001, 1.0, 1 + MAX_CORRECTION),
    ],
)
def test_a_correction_also_takes_back_what_was_learned_before(
    before: Verdict | None, presumed: float, propensity: float, push: float
) -> None:
    learner = Pushed()
    one = replace(example(SPAM, "spam", before=before, propensity=propensity), presumed=presumed)
    LearnedModel("spam", learner=learner).learn(one)
    assert learner.pushes[0] * (1 + learner.again[0]) == pytest.approx(push)


def test_what_was_presumed_is_taken_back_exactly_where_labels_are_waited_for() -> None:
    """So scores are as high as spam is frequent; what counts twice makes them too high where it is rare."""
    means = {}
    for awaited in (True, False):
        model, draws, scores = LearnedModel("spam"), Random(1), []
        for at in range(3_000):
            known = Awaited(at, at) if awaited else None
            model.learn(replace(example(HAM, "ham", at), presumed=1.0, awaited=known))
            if draws.random() < 0.1:
                model.learn(replace(example(HAM, "spam", at, before="ham"), presumed=1.0, awaited=known))
            scores.append(model.learner.probability(NAMES, HAM))
        means[awaited] = sum(scores[1_000:]) / 2_000
    assert means[True] == pytest.approx(0.1, abs=0.03)
    assert means[False] > 0.15


@pytest.mark.parametrize("share", [0.6, 0.8])
def test_what_was_presumed_at_once_is_taken_back_where_spam_is_frequent(share: float) -> None:
    """A label that counted twice and no more would leave scores at .55 and .62."""
    model, draws, scores = LearnedModel("spam"), Random(1), []
    for at in range(3_000):
        model.learn(presumed(HAM, "ham", 1.0))
        if draws.random() < share:
            model.learn(presumed(HAM, "spam", 1.0, before="ham"))
        if at >= 1_000:
            scores.append(model.learner.probability(NAMES, HAM))
    assert sum(scores) / len(scores) == pytest.approx(share, abs=0.03)


@pytest.mark.parametrize(
    ("presumed_at", "push", "undone"), [(1.0, 1, 1), (0.5, 1, 2), (0.1, 1, 10), (0.01, 1, MAX_CORRECTION)]
)
def test_a_label_takes_back_for_as_many_as_the_event_stood(presumed_at: float, push: float, undone: float) -> None:
    learner = Pushed()
    one = replace(example(SPAM, "spam", before="ham"), presumed=presumed_at, awaited=Awaited(1, 0))
    LearnedModel("spam", learner=learner).learn(one)
    assert [*learner.pushes, *learner.undone] == pytest.approx([push, undone])


def test_how_long_labels_take_is_told_by_the_first_of_spam_by_the_clock_of_events() -> None:
    model = LearnedModel("spam")
    model.learn(replace(example(HAM, "ham", 0), presumed=1.0, awaited=Awaited(1, 9_000)))
    told = model.delays.dump()
    label = replace(example(HAM, "spam", 1, before="ham"), presumed=1.0, ts_ms=1 << 60, awaited=Awaited(1, 1_000))
    for silent in (replace(label, verdict="ham"), replace(label, awaited=None), replace(label, before_by="mia")):
        model.learn(silent)
        assert model.delays.dump() == told == b""
    model.learn(label)  # it says that it comes from the far future
    assert model.delays.come_by(10_000) == 1.0
    assert model.delays.come_by(6_000) == 0.0
    told = model.delays.dump()
    model.learn(replace(label, verdict="retracted", before="spam", presumed=0.0))
    assert model.delays.dump() == told


def test_who_disagrees_with_the_model_is_noted_and_what_nobody_has_said_is_not() -> None:
    model = LearnedModel("spam")
    model.learn(presumed(HAM, "ham", 1.0))
    assert model.moderator_trust == ModeratorTrust()
    fresh = LearnedModel("spam")
    fresh.learn(example(SPAM, "spam", moderator="mia"))
    assert fresh.moderator_trust.moderators["mia"].disagreement == pytest.approx(0.5)  # it knows nothing yet
    knowing = {verdict: LearnedModel("spam") for verdict in ("spam", "ham")}
    for model in knowing.values():
        for one in examples(20):
            model.learn(one)
    knowing["spam"].learn(example(SPAM, "spam", 20, moderator="mia"))
    knowing["ham"].learn(example(SPAM, "ham", 20, moderator="mia"))
    assert 0 < knowing["spam"].moderator_trust.moderators["mia"].disagreement < 0.3
    assert 0.7 < knowing["ham"].moderator_trust.moderators["mia"].disagreement < 1


def test_repeats_are_counted_for_moderators_and_texts_and_nothing_else() -> None:
    model = LearnedModel("spam")
    model.learn(example(SPAM, "spam"))
    model.learn(example(SPAM._replace(texts=(None,)), "spam", 1, moderator="mia"))
    assert model.moderator_trust.repeats == {}
    for at in range(2):
        model.learn(example(SPAM, "spam", 2 + at, moderator="mia"))
    assert list(model.moderator_trust.repeats.values()) == [2]
