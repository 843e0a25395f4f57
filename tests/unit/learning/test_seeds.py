"""Seeds as files, and as hints of models that have few labels."""

import binascii
import zlib
from dataclasses import replace
from math import sqrt

import msgspec
import numpy as np
import pytest

from engine.core.domain.decisions import Contribution
from engine.errors import SeedError
from engine.learning.features import VERSION, Inputs, names_of
from engine.learning.kernel import gram_indices
from engine.learning.linear import INDICES, sigmoid
from engine.learning.models import LearnedModel
from engine.learning.ngrams import FADING
from engine.learning.scored import ScoredModel, read_scored
from engine.learning.scorers import ModelScorer, scorer
from engine.learning.seed_making import make_seed
from engine.learning.seeds import (
    MOST_BYTES,
    MOST_LOGIT,
    START,
    SeedHead,
    Source,
    hinting,
    read_seed,
    shipped_seed,
    shipped_seeds,
    write_seed,
)
from engine.learning.snapshots import read_whole, whole
from engine.learning.trainer import Trainer
from tests.unit.learning.inputs import SPEC, example, same
from tests.unit.learning.lessons import stream

HEAD = SeedHead("few", VERSION, 0.1, 5, (Source("made up", "Apache-2.0", 200, 100),))
SEED = make_seed("posts", [stream()]).text
SEEDED = replace(SPEC, seed=SEED)
ADVERT, LUNCH = "cheap followers! sign up today 12", "the soup tasted really good today"


def seen(text: str | None, model: LearnedModel | None = None, batch: int = 1) -> ScoredModel:
    """What a seeded model sees of an event, in a batch of so many, and says about it."""
    asked = scorer(SEEDED, model)
    asked.prepare([((text,), (None,))] * batch)
    for place in range(batch):
        asked.score(place, place + 1, (1.0, None))
    rows = asked.take()
    assert rows is not None
    return [found for _, found in read_scored(rows.encode(), range(1, batch + 1))][-1]


def test_a_file_gives_back_what_was_written() -> None:
    indices = np.array([0, 7, 100_000, INDICES - 1], np.uint32)
    weights = np.array([1, -127, 127, 5], np.int8)
    seed = read_seed(write_seed(HEAD, indices, weights))
    assert seed.head == HEAD
    assert seed.weights[indices].tolist() == weights.tolist()
    assert np.count_nonzero(seed.weights) == 4
    assert seed.title.startswith("seed few@")


def test_a_logit_is_that_of_the_texts_n_grams() -> None:
    grams = gram_indices("free money", START)
    seed = read_seed(write_seed(HEAD, np.sort(grams), np.full(len(grams), 10, np.int8)))
    expected = 0.1 * 10 * len(grams) / sqrt(sqrt(len(grams))) / sqrt(sqrt(len(grams)))
    assert seed.logit(("free money",)) == pytest.approx(min(MOST_LOGIT, expected))
    assert seed.logit(("FREE MONEY", None, "")) == seed.logit(("free money",))
    assert seed.logit(("ab", None)) is None
    assert seed.logit(()) is None
    assert seed.logit(("quiet lunch",)) == 0.0
    loud = msgspec.structs.replace(HEAD, scale=1e3)
    sure = read_seed(write_seed(loud, np.sort(grams), np.full(len(grams), -9, np.int8)))
    assert sure.logit(("free money",)) == -MOST_LOGIT  # a seed never is


def packed(content: bytes, head: SeedHead = HEAD) -> str:
    return f"{msgspec.json.encode(head).decode()}\n{binascii.b2a_base64(zlib.compress(content)).decode()}"


@pytest.mark.parametrize(
    "text",
    [
        "", "{}\n", "no JSON\nAAAA", SEED.partition("\n")[0], SEED[:-100], SEED.replace('"authors":5', '"authors":0'),
        packed(bytes(7)), packed(bytes(5 * 60_001)), packed(b"\xff" * 10), packed(b"\xff\xff\xff\x7f" * 8 + bytes(8)),
        SEED.replace("made-up posts", "x" * 501), SEED.replace('"posts"', '"../posts"'), "[" * 5_000 + "\n",
    ],
)  # fmt: skip
def test_what_is_no_seed_is_refused(text: str) -> None:
    with pytest.raises(SeedError, match="was not written by `floodgate learn seed`"):
        read_seed(text)


def test_a_seed_has_its_bounds_and_its_version() -> None:
    with pytest.raises(SeedError, match="at most 300 kB, this has 301"):
        read_seed(SEED + " " * (MOST_BYTES + 1_000 - len(SEED)))
    other = SEED.replace(f'"features":{VERSION}', f'"features":{VERSION - 1}')
    with pytest.raises(SeedError, match=f"of version {VERSION - 1}, and this version of Floodgate has {VERSION}: make"):
        read_seed(other)


@pytest.mark.parametrize("name", shipped_seeds())
def test_what_ships_can_be_read_and_tells_where_it_is_from(name: str) -> None:
    """Where this fails after `VERSION` of the features has grown: `python -m benchmarks.seeds --ship`."""
    seed = read_seed(shipped_seed(name))
    assert seed.head.seed == name
    assert seed.head.authors >= 5
    assert all(source.licence for source in seed.head.sources)
    assert np.count_nonzero(seed.weights) > 5_000


def test_comments_and_mail_ship() -> None:
    assert shipped_seeds() == ("comments", "mail")
    comments, mail = (read_seed(shipped_seed(name)) for name in shipped_seeds())
    advert, thanks = comments.logit(("please subscribe to my channel",)), comments.logit(("i love this song so much",))
    assert advert is not None
    assert thanks is not None
    assert advert > 1
    assert thanks < -1
    offer, patch = mail.logit(("click here to unsubscribe, 100% free money back guarantee",)), mail.logit(
        ("on thursday he wrote:\n> i think the patch does not apply to the kernel",)
    )  # fmt: skip
    assert offer is not None
    assert patch is not None
    assert offer > 0.3
    assert patch < -0.3


def test_a_seeded_model_knows_before_any_label() -> None:
    advert, lunch = seen(ADVERT).score, seen(LUNCH).score
    assert advert is not None
    assert lunch is not None
    assert advert > 0.6
    assert lunch < 0.4
    assert seen(None).score is None
    plain = ModelScorer(SPEC, None)
    plain.prepare([((ADVERT,), (None,))])
    assert plain.score(0, 1, (1.0, None)) is None


def test_what_the_seed_says_is_kept_and_told_with_what_the_model_read() -> None:
    seed = read_seed(SEED)
    read = seen(ADVERT)
    assert read.names == hinting(names_of(SPEC), seed)
    assert read.inputs.numbers == (1.0, None, seed.logit((ADVERT,)))
    asked = scorer(SEEDED, None)
    asked.prepare([((ADVERT,), (None,)), None])
    asked.read_late(1, ((LUNCH,), (None,)))
    assert asked.describe(0, (1.0, None)) == {"text": len(ADVERT), "age": 1.0, "n": None,
                                              seed.title: seed.logit((ADVERT,))}  # fmt: skip
    (told,) = asked.contributions(0, (1.0, None))
    assert told.part == f"hint: {seed.title}"
    assert told.logit == pytest.approx(seed.logit((ADVERT,)), abs=0.001)
    assert asked.score(1, 2, (1.0, None)) == sigmoid(seed.logit((LUNCH,)) or 0.0)


def taught(turns: int, wrong: bool = False) -> LearnedModel:
    """A seeded model with so many labels of each kind: right, or against what the seed says."""
    model, names = LearnedModel("spam"), hinting(names_of(SPEC), read_seed(SEED))
    for at in range(2 * turns):
        scored = seen(ADVERT if at % 2 else LUNCH, model)
        spam = bool(at % 2) is not wrong
        label = example(Inputs(*scored.inputs), "spam" if spam else "ham", at, score=scored.score)
        model.learn(replace(label, names=names))
    return model


def test_scores_are_those_of_the_learner_in_any_batch() -> None:
    model = taught(10)
    for text in (ADVERT, LUNCH, "something else", None):
        one = seen(text, model)
        assert one.score == seen(text, model, batch=5).score
        assert one.score == pytest.approx(model.learner.probability(one.names, one.inputs), rel=1e-5)


def test_it_fades_as_labels_come() -> None:
    told = [hint.logit for model in (taught(5), taught(30), taught(300)) for hint in hints(model)]
    seed = read_seed(SEED).logit((ADVERT,)) or 0.0
    assert told == pytest.approx([seed * FADING / (FADING + labels) for labels in (5, 30, 300)], abs=0.002)


def hints(model: LearnedModel) -> list[Contribution]:
    asked = scorer(SEEDED, model)
    asked.prepare([((ADVERT,), (None,))])
    return [part for part in asked.contributions(0, (1.0, None)) if part.part.startswith("hint: seed posts")]


def test_it_is_exported_and_restored_with_what_was_learned_of_it() -> None:
    model = taught(30)
    restored = read_whole(whole(model))
    assert seen(ADVERT, restored).score == seen(ADVERT, model).score
    assert hints(restored) == hints(model)


def test_what_somebody_taught_a_seeded_model_is_undone_exactly() -> None:
    labels = []
    for at in range(40):
        scored = seen(ADVERT if at % 2 else LUNCH)
        moderator = "eve" if at % 3 == 0 else "mia"
        label = example(
            Inputs(*scored.inputs), "spam" if at % 5 else "ham", at, score=scored.score, moderator=moderator
        )
        labels.append(replace(label, names=scored.names))
    clean, undone = Trainer(), Trainer()
    for offset, label in enumerate(labels):
        undone.learn(label, offset)
        if label.moderator != "eve":
            clean.learn(label, offset)
    assert undone.quarantine("eve", True, 40) == 0
    for offset, label in enumerate(labels):
        undone.learn(label, offset)
    assert same(undone.models["spam"], clean.models["spam"])
    assert hints(undone.models["spam"]) == hints(clean.models["spam"]) != []


def test_a_seed_that_is_wrong_here_is_overruled_by_labels() -> None:
    before, after = seen(ADVERT).score, seen(ADVERT, taught(15, wrong=True)).score
    assert before is not None
    assert after is not None
    assert before > 0.6
    assert after < 0.4
