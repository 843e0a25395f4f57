"""Each example is learned once, whoever learns."""

from engine.learning.snapshots import Follower
from engine.learning.trainer import Trainer
from tests.unit.learning.inputs import HAM, SPAM, example, trained


def following(trainer: Trainer) -> dict[str, Follower]:
    followers: dict[str, Follower] = {}
    for key, value in trainer.publications():
        followers.setdefault(key.partition("/")[0], Follower()).receive(key, value)
    return followers


def test_a_trainer_that_starts_anew_goes_on_exactly_behind_what_was_published() -> None:
    stream = [example(SPAM if at % 3 else HAM, "spam" if at % 3 else "ham", at, moderator="mia") for at in range(30)]
    undisturbed, crashed = Trainer(), Trainer()
    for offset, one in enumerate(stream):
        undisturbed.learn(one, offset)
    for offset, one in enumerate(stream[:17]):
        crashed.learn(one, offset)
    restarted = Trainer()
    assert restarted.restore(following(crashed)) == 17
    for offset, one in enumerate(stream):
        assert restarted.learn(one, offset) == (offset >= 17)
    again, whole = restarted.models["spam"], undisturbed.models["spam"]
    assert again.learner.weights == whole.learner.weights
    assert (again.labels, again.teachers) == (whole.labels, whole.teachers)


def test_an_example_sent_twice_is_learned_once() -> None:
    trainer = trained(10)
    assert not trainer.learn(example(SPAM, "spam", 3), 10)
    assert trainer.learn(example(SPAM, "spam", 3, partition=1), 11)
    assert trainer.models["spam"].labels == 11


def test_who_is_quarantined_teaches_nothing() -> None:
    trainer = trained(10)
    trainer.models["spam"].quarantined.add("eve")
    assert not trainer.learn(example(SPAM, "ham", 10, moderator="eve"), 10)
    assert trainer.models["spam"].labels == 10


def test_what_one_moderator_taught_is_undone_exactly() -> None:
    stream = [
        example(
            SPAM if at % 3 else HAM, "spam" if at % 3 and at % 4 else "ham", at, moderator="mia" if at % 4 else "eve"
        )
        for at in range(40)
    ]
    clean, taught = Trainer(), Trainer()
    for offset, one in enumerate(stream):
        taught.learn(one, offset)
        if one.moderator != "eve":
            clean.learn(one, offset)
    assert taught.rule("eve", True, 40)
    assert not taught.ready()
    for offset, one in enumerate(stream):
        taught.learn(one, offset)
    assert not taught.rule("eve", True, 40)  # it passes the ruling again, and has got to where it was
    assert taught.ready()
    found, wanted = taught.models["spam"], clean.models["spam"]
    assert found.learner.weights == wanted.learner.weights
    assert found.learner.gradients == wanted.learner.gradients
    assert (found.labels, found.teachers, found.learner.losses) == (
        wanted.labels,
        wanted.teachers,
        wanted.learner.losses,
    )
    follower = following(taught)["spam"]
    assert follower.model().quarantined == {"eve"}
    assert Trainer().restore({"spam": follower}) == 41


def test_a_ruling_is_lifted_by_another() -> None:
    trainer = trained(10)
    rulings = [("eve", True, 10), ("eve", False, 11)]
    for position, ruling in enumerate(rulings):
        assert trainer.rule(*ruling)
        for offset in range(10):
            trainer.learn(example(SPAM, "spam", offset, moderator="eve"), offset)
        assert not any(trainer.rule(*earlier) for earlier in rulings[: position + 1])
        assert trainer.models["spam"].labels == (0 if position == 0 else 10)
