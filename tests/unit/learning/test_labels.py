"""A label meets what was scored."""

from dataclasses import replace

from engine.learning.labels import Example, Known, Label, decode_known, encode_known, join, subject_of
from engine.learning.verdicts import VERDICTS
from tests.unit.learning.inputs import NAMES, SPAM, seen


def test_each_kind_of_label_has_its_outcome() -> None:
    scored = [seen(SPAM)]
    outcome, examples = join(Label("e", "spam", 5, "mia", 0.5), scored, None, (2, 9))
    assert outcome == "matched"
    assert examples == [Example("spam", "e", "spam", None, None, NAMES, SPAM, (2, 9), 5, "mia", 0.5)]
    assert join(Label("e", "spam", 6), scored, Known("spam", "eve"), (2, 10)) == ("duplicate", [])
    assert join(Label("e", "spam", 6, "eve"), scored, Known("spam", "eve"), (2, 10)) == ("duplicate", [])
    assert join(Label("e", "spam", 6, "mia"), scored, Known("spam", None), (2, 10)) == ("duplicate", [])
    confirmed, examples = join(Label("e", "spam", 6, "mia"), scored, Known("spam", "eve"), (2, 10))
    assert (confirmed, [(one.before, one.before_by, one.confirms) for one in examples]) == (
        "confirmed",
        [("spam", "eve", True)],
    )
    assert join(Label("e", "retracted", 6, "mia"), scored, Known("retracted", "eve"), (2, 10)) == ("duplicate", [])
    changed, examples = join(Label("e", "ham", 7), scored, Known("spam", "eve"), (2, 11))
    assert (changed, [(one.verdict, one.before, one.before_by) for one in examples]) == (
        "changed",
        [("ham", "spam", "eve")],
    )
    taken_back, examples = join(Label("e", "retracted", 8), scored, Known("ham", None), (2, 12))
    assert (taken_back, [(one.verdict, one.before) for one in examples]) == ("retracted", [("retracted", "ham")])
    again, examples = join(Label("e", "spam", 9), scored, Known("retracted", "mia"), (2, 13))
    assert (again, [(one.verdict, one.before) for one in examples]) == ("matched", [("spam", None)])
    assert join(Label("e", "retracted", 8), scored, None, (2, 14)) == ("duplicate", [])
    assert join(Label("e", "spam", 5), [], None, (2, 9)) == ("unmatched", [])


def test_a_verdict_about_one_policy_is_for_the_models_of_that_policy() -> None:
    spam = seen(SPAM)
    fraud = replace(spam, name="fraud", policy="fraud")
    label = Label("e", "spam", 5, policy="fraud")
    outcome, examples = join(label, [spam, fraud], None, (0, 0))
    assert (outcome, [one.model for one in examples]) == ("matched", ["fraud"])
    outcome, examples = join(Label("e", "ham", 5), [spam, fraud], None, (0, 0))
    assert (outcome, [one.model for one in examples]) == ("matched", ["spam"])
    assert join(label, [spam], None, (0, 0)) == ("unmatched", [])
    assert subject_of(7, "fraud") != subject_of(7, None) == 7


def test_a_label_takes_the_place_of_what_was_presumed() -> None:
    scored = [replace(seen(SPAM), presume=1.0), replace(seen(SPAM), name="other")]
    told = {}
    for known in (None, Known("spam", "mia")):
        _, examples = join(Label("e", "ham", 5), scored, known, (0, 1))
        told[known] = [(one.before, one.presumed) for one in examples]
    assert told == {None: [("ham", 1.0), (None, 0.0)], Known("spam", "mia"): [("spam", 0.0), ("spam", 0.0)]}
    _, examples = join(
        Label("e", "spam", 5), scored, Known("ham", "mia"), (0, 1)
    )  # who confirmed it has learned nothing
    assert [(one.before, one.presumed) for one in examples] == [("ham", 1.0), ("ham", 0.0)]


def test_whose_verdict_is_known_is_kept() -> None:
    for moderator in (None, "mia", "two words"):
        label = Label("e", "spam", 5, moderator)
        assert decode_known(encode_known(label)) == Known("spam", moderator)


def test_a_label_that_was_signed_before_the_known_verdict_changes_nothing() -> None:
    scored, known = [seen(SPAM)], Known("ham", "mia", 200)
    for sequence in (100, 200):  # somebody has published it once more
        for verdict in VERDICTS:
            assert join(Label("e", verdict, 5, sequence=sequence), scored, known, (0, 1)) == ("duplicate", [])
    assert join(Label("e", "spam", 5, sequence=201), scored, known, (0, 1))[0] == "changed"
    assert join(Label("e", "ham", 5, "eve", sequence=200), scored, known, (0, 1)) == ("duplicate", [])
    assert join(Label("e", "ham", 5, "eve", sequence=201), scored, known, (0, 1))[0] == "confirmed"
    taken_back = Known("retracted", "mia", 200)
    assert join(Label("e", "spam", 5, sequence=100), scored, taken_back, (0, 1)) == ("duplicate", [])


def test_the_number_of_the_known_verdict_is_kept() -> None:
    for moderator in (None, "mia", "two words", "a@5", "a @5"):
        label = Label("e", "spam", 5, moderator, sequence=200)
        assert decode_known(encode_known(label)) == Known("spam", moderator, 200)
        assert decode_known(encode_known(label, 3)) == Known("spam", moderator, 200, 3)
        assert decode_known(encode_known(label, 3, b"a @\x00")) == Known("spam", moderator, 200, 3, b"a @\x00")


def test_what_is_presumed_is_what_nobody_has_said_of_an_event_among_the_share() -> None:
    one = Example("spam", "e", "ham", None, None, NAMES, SPAM, (0, 1), 5)
    assert not one.presumes
    assert replace(one, presumed=0.1).presumes
    assert not replace(one, presumed=0.1, before="ham").presumes
