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
