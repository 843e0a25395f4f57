"""A seed is made from labelled streams: what it tells, and what is not in it."""

from dataclasses import replace

import numpy as np
import pytest

from engine.errors import SeedError
from engine.learning.features import VERSION
from engine.learning.kernel import gram_indices
from engine.learning.seed_making import FEWEST, Lesson, Stream, make_seed
from engine.learning.seeds import START, Source, read_seed
from tests.unit.learning.lessons import HIDDEN, lessons, stream

MADE = make_seed("posts", [stream()])


def test_it_speaks_for_what_the_streams_called_spam() -> None:
    seed = read_seed(MADE.text)
    spam, ham = seed.logit(("cheap followers! sign up today 12",)), seed.logit(("the soup tasted really good today",))
    assert spam is not None
    assert ham is not None
    assert spam > 0.5
    assert ham < -0.5
    assert MADE.unseen_auc is not None
    assert MADE.unseen_auc > 0.95


def test_the_same_streams_make_the_same_bytes() -> None:
    assert make_seed("posts", [stream()]) == MADE


def test_it_names_its_sources_and_has_no_text() -> None:
    head = read_seed(MADE.text).head
    assert (head.seed, head.features, head.authors) == ("posts", VERSION, 5)
    assert head.sources == (Source("made-up posts", "Apache-2.0", 440, 240),)
    assert "crypto" not in MADE.text


def test_what_few_people_have_written_is_left_out() -> None:
    seed = read_seed(MADE.text)
    others = [gram_indices(lesson.texts[0], START) for lesson in lessons() if lesson.author != "alone"]
    own = np.setdiff1d(gram_indices(HIDDEN, START), np.concatenate(others))
    assert len(own) > 40
    assert not seed.weights[own].any()
    told = read_seed(make_seed("posts", [stream()], authors=1).text)
    assert told.weights[own].all()


def test_it_keeps_the_weights_that_matter_most() -> None:
    few = read_seed(make_seed("posts", [stream()], most=50).text)
    assert 40 <= np.count_nonzero(few.weights) <= 50
    spam = few.logit(("cheap followers! sign up today 12",))
    assert spam is not None
    assert spam > 0


@pytest.mark.parametrize(
    ("made_of", "told"),
    [
        (stream(2 * FEWEST - 2), "needs 100 events of each kind with a label and a text; there are 139 of spam and 99"),
        (Stream("x" * 501, "", lessons()), "a seed cannot say this of itself"),
        (Stream("one person", "", [replace(lesson, author="one") for lesson in lessons()]), "by 5 people or more"),
        (Stream("no pattern", "", [Lesson(f"{at}", ("the same text",), bool(at % 2), at) for at in range(400)]),
         "tells nothing about the other half"),
    ],
)  # fmt: skip
def test_what_teaches_nothing_makes_no_seed(made_of: Stream, told: str) -> None:
    with pytest.raises(SeedError, match=told):
        make_seed("posts", [made_of])


def test_a_name_is_a_word() -> None:
    with pytest.raises(SeedError, match="a seed cannot say this of itself"):
        make_seed("No Name", [stream()])
