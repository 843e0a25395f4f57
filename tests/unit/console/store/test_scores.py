"""What models said, beside what people said."""

from engine.console.store import scores
from engine.console.store.database import Store
from tests.console import START_MS, add_decision, add_label


def test_a_curve_tells_how_often_scores_were_right(store: Store) -> None:
    for number in range(40):
        is_spam = number % 2 == 0
        is_right = number >= 20
        add_decision(store, number, scores={"spam": 0.9 if is_spam is is_right else 0.2})
        add_label(store, number, "spam" if is_spam else "ham", f"e{number}")
    with store.read() as connection:
        curve = scores.curve_of(scores.judged_events(connection)["spam"])
    assert curve.right == [0.0, 0.0, 1.0, 1.0]
    assert (curve.labels, curve.times[-1]) == (40, START_MS + 39_000)
    assert scores.curve_of([]).auc is None


def test_scores_by_the_hour_and_what_they_are_made_of(store: Store) -> None:
    for number, score in enumerate((0.2, 0.4)):
        add_decision(store, number, scores={"spam": score}, contributions={"spam": [["text: win", 1.5], ["links", -2]]})
    with store.read() as connection:
        means, parts = scores.latest_scores(connection)
    ((_, mean),) = means["spam"].items()
    assert round(mean, 3) == 0.3
    assert parts["spam"] == [("links", -4.0), ("text: win", 3.0)]


def test_a_moderators_labels_are_held_against_others(store: Store) -> None:
    for number, (label, moderator) in enumerate((("spam", "m1"), ("ham", "m2"), ("spam", "m1"))):
        add_label(store, number, label, f"e{number // 2}", moderator)
    with store.read() as connection:
        theirs = scores.moderated(connection, "m1")
        assert scores.labels_by_source(connection) == [("m1", 2), ("m2", 1)]
        assert scores.moderated(connection, "nobody").labels == 0
    assert (theirs.labels, theirs.spam, theirs.contradicted) == (2, 2, 1)
