"""Each example is learned once, whoever learns."""

from dataclasses import replace

import msgspec
import pytest

from engine.errors import LabelError, SnapshotError
from engine.learning.snapshots import SnapshotReader, seed_of, whole
from engine.learning.trainer import Trainer
from engine.stream.handlers.label_messages import decode_example, encode_example
from tests.unit.learning.inputs import HAM, SPAM, example, examples, trained


def following(trainer: Trainer) -> dict[str, SnapshotReader]:
    followers: dict[str, SnapshotReader] = {}
    for key, value in trainer.publications():
        followers.setdefault(key.partition("/")[0], SnapshotReader()).receive(key, value)
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
    assert again.ngrams.weights == whole.ngrams.weights
    assert (again.labels, again.moderator_trust) == (whole.labels, whole.moderator_trust)


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
    assert taught.quarantine("eve", True, 40) == 0
    assert not taught.ready()
    for offset, one in enumerate(stream):
        taught.learn(one, offset)
    assert taught.quarantine("eve", True, 40) is None  # it passes the model_command again, and has got to where it was
    assert taught.ready()
    found, wanted = taught.models["spam"], clean.models["spam"]
    assert found.ngrams.weights == wanted.ngrams.weights
    assert found.ngrams.gradients == wanted.ngrams.gradients
    assert (found.labels, found.moderator_trust, found.ngrams.losses) == (
        wanted.labels,
        wanted.moderator_trust,
        wanted.ngrams.losses,
    )
    follower = following(taught)["spam"]
    assert follower.model().quarantined == {"eve"}
    assert Trainer().restore({"spam": follower}) == 41


def test_a_ruling_is_lifted_by_another() -> None:
    trainer = trained(10)
    commands = [("eve", True, 10), ("eve", False, 11)]
    for position, model_command in enumerate(commands):
        assert trainer.quarantine(*model_command) == 0
        for offset in range(10):
            trainer.learn(example(SPAM, "spam", offset, moderator="eve"), offset)
        assert [trainer.quarantine(*earlier) for earlier in commands[: position + 1]] == [None] * (position + 1)
        assert trainer.models["spam"].labels == (0 if position == 0 else 10)


def seed(labels: int, number: int) -> dict[str, SnapshotReader]:
    """A seed as every worker knows it."""
    model = trained(labels).models["spam"]
    model.name = seed_of("spam")
    follower = SnapshotReader()
    for key, value in whole(model, number):
        follower.receive(key, value)
    return {model.name: follower}


def test_a_model_goes_on_from_a_seed_once_that_is_there_and_back_to_it() -> None:
    seeds: dict[str, SnapshotReader] = {}
    trainer, wanted = Trainer(seeds), trained(12).models["spam"]
    for offset in range(30):
        trainer.learn(example(SPAM, "ham", offset, moderator="eve"), offset)
    assert not trainer.restore_seed("spam", 7, False, 30)
    seeds.update(seed(12, number=7))
    assert not trainer.restore_seed("spam", 8, False, 30)  # a newer one is meant
    assert trainer.restore_seed("spam", 7, False, 30)
    assert trainer.models["spam"].ngrams.weights == wanted.ngrams.weights
    assert trainer.models["spam"].name == "spam"
    assert trainer.learn(example(SPAM, "ham", 31, moderator="eve"), 31)
    assert trainer.models["spam"].labels == 13
    assert following(trainer)["spam"].model().ngrams.weights == trainer.models["spam"].ngrams.weights
    assert trainer.quarantine("eve", True, 32) == 31  # what came before the seed stays out of it
    trainer.learn(example(SPAM, "ham", 31, moderator="eve"), 31)
    trainer.quarantine("eve", True, 32)
    assert trainer.ready()
    assert trainer.models["spam"].ngrams.weights == wanted.ngrams.weights


def test_a_pinned_model_stays_as_it_is() -> None:
    trainer = trained(10)
    trainer.pin("spam", True, 10)
    assert not trainer.learn(example(SPAM, "spam", 11), 11)
    assert following(trainer)["spam"].model().pinned
    trainer.pin("spam", False, 12)
    assert trainer.learn(example(SPAM, "spam", 13), 13)
    assert trainer.models["spam"].labels == 11


def test_a_seed_that_has_been_replaced_is_left_out() -> None:
    trainer = Trainer(seed(12, number=8))
    for offset in range(5):
        trainer.learn(example(SPAM, "ham", offset), offset)
    assert trainer.restore_seed("spam", 7, False, 5)  # the model_command about number 8 comes next
    assert trainer.models["spam"].labels == 5
    assert trainer.restore_seed("spam", 8, False, 6)
    assert trainer.models["spam"].labels == 12


def test_a_ruling_that_was_signed_before_the_last_one_changes_nothing() -> None:
    trainer = trained(10)
    trainer.pin("spam", True, 10, sequence=200)
    for sequence in (100, 200):  # somebody has published it once more
        trainer.pin("spam", False, 11, sequence)
        assert trainer.quarantine("mia", True, 12, sequence) is None
        assert trainer.restore_seed("spam", 7, False, 13, sequence)
    model = trainer.models["spam"]
    assert (model.pinned, model.quarantined, model.command_offset, model.labels) == (True, set(), 10, 10)
    again = Trainer()
    again.restore(following(trainer))  # nor after a restart
    again.pin("spam", False, 14, sequence=150)
    assert again.models["spam"].pinned
    again.pin("spam", False, 15, sequence=201)
    assert not again.models["spam"].pinned


def test_what_has_been_ruled_holds_for_models_that_come_later_and_for_other_pipelines() -> None:
    trainer = trained(10)
    trainer.quarantine("eve", True, 10)
    for offset, one in enumerate(examples(10)):
        trainer.learn(one, offset)
    trainer.quarantine("eve", True, 10)
    late = replace(example(SPAM, "spam", 11, moderator="eve"), model="fraud")
    assert not trainer.learn(late, 11)
    assert not trainer.learn(example(SPAM, "spam", 12, moderator="eve"), 12, "naive_bayes.GaussianNB()")
    assert trainer.models["spam"].quarantined == {"eve"}


def test_a_correction_of_labels_that_do_not_count_is_a_plain_label() -> None:
    trainer = trained(10)
    trainer.models["spam"].quarantined.add("eve")
    trainer.learn(replace(example(SPAM, "spam", 10, before="ham"), before_by="eve"), 10)
    assert (trainer.models["spam"].labels, trainer.models["spam"].spam) == (11, 6)
    trainer.learn(replace(example(SPAM, "retracted", 11, before="ham"), before_by="eve"), 11)
    assert trainer.models["spam"].labels == 11


def test_a_model_that_was_away_goes_on_from_what_was_published() -> None:
    trainer = Trainer(following(trained(10)))
    assert trainer.restore({}) == 0
    assert trainer.learn(example(SPAM, "spam", 10), 10)
    assert trainer.models["spam"].labels == 11


@pytest.mark.parametrize("source", [(0, 1 << 48), (0, 1 << 62), (0, -1), (8, 5), (-17, 5), (10_000, 5)])
def test_an_example_from_where_none_can_come_is_refused(source: tuple[int, int]) -> None:
    made_up = encode_example(replace(example(SPAM, "spam", 3), source=source))
    with pytest.raises(LabelError, match="cannot come from"):
        decode_example(made_up, 8)


@pytest.mark.parametrize("source", [(0, 0), (7, (1 << 48) - 1), (-1, 5), (-16, 5)])
def test_an_example_from_where_one_can_come_is_taken(source: tuple[int, int]) -> None:
    made = replace(example(SPAM, "spam", 3), source=source)
    assert decode_example(encode_example(made), 8) == made


def test_what_was_never_learned_cannot_be_taken_back() -> None:
    trainer = Trainer()
    for offset in range(3):
        trainer.learn(replace(example(SPAM, "retracted", offset), before="spam"), offset)
    assert (trainer.models["spam"].labels, trainer.models["spam"].spam) == (0, 0)
    assert following(trainer)["spam"].head is not None


BAYES = "feature_extraction.BagOfWords(on='text') | naive_bayes.MultinomialNB()"


def test_a_model_of_another_pipeline_begins_from_nothing_even_where_there_is_a_seed() -> None:
    trainer = Trainer(seed(12, number=7))
    assert trainer.restore_seed("spam", 7, False, 0)
    assert trainer.models["spam"].labels == 12
    assert trainer.learn(example(SPAM, "spam", 1), 1, BAYES)
    model = trainer.models["spam"]
    assert (model.labels, model.expression, model.seeded, model.begins) == (1, BAYES, False, 1)


def test_a_model_that_did_not_begin_from_the_seed_begins_anew_from_nothing() -> None:
    trainer = Trainer(seed(12, number=7))
    for offset, one in enumerate(examples(10)):
        trainer.learn(one, offset)
    assert trainer.quarantine("eve", True, 10) == 0
    assert trainer.models["spam"].labels == 0


def test_a_ruling_about_a_pinned_model_is_behind_it_at_once() -> None:
    trainer = trained(10)
    trainer.pin("spam", True, 10)
    assert trainer.quarantine("eve", True, 12) is None
    assert trainer.ready()
    assert (trainer.models["spam"].labels, trainer.models["spam"].quarantined) == (10, {"eve"})
    assert Trainer().restore(following(trainer)) == 13


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_seed_that_nobody_has_read_is_waited_for(number: int) -> None:
    trainer = trained(10)
    assert not trainer.restore_seed("spam", number, False, 10)
    assert trainer.models["spam"].labels == 10


def test_a_ruling_about_a_seed_is_behind_the_model_at_once() -> None:
    trainer = Trainer(seed(12, number=7))
    assert trainer.restore_seed("spam", 7, False, 30)
    assert trainer.ready()
    assert not trainer.learn(example(SPAM, "spam", 30), 30)
    assert trainer.learn(example(SPAM, "spam", 31), 31)


def test_a_ruling_that_comes_again_takes_nothing_back() -> None:
    trainer = trained(10)
    trainer.pin("spam", False, 10)
    for offset in (11, 12):
        assert trainer.learn(example(SPAM, "spam", offset), offset)
    trainer.pin("spam", False, 10)
    assert trainer.models["spam"].next_offset == 13


def test_a_ruling_that_was_signed_before_the_last_one_leaves_out_no_examples() -> None:
    trainer = trained(10)
    trainer.pin("spam", False, 10, sequence=200)
    trainer.pin("spam", True, 20, sequence=100)
    assert trainer.learn(example(SPAM, "spam", 15), 15)


def test_a_model_that_is_learned_anew_is_not_published_before_it_has_passed_the_ruling() -> None:
    trainer = trained(10)
    trainer.quarantine("eve", True, 10)
    for offset, one in enumerate(examples(10)):
        trainer.learn(one, offset)
    assert trainer.models["spam"].next_offset == 10
    assert not trainer.ready()
    trainer.quarantine("eve", True, 10)
    assert trainer.ready()


def test_a_new_model_is_published_before_those_that_are_known() -> None:
    trainer = trained(10)  # where a trainer begins again is the earliest offset of the models that there are
    following(trainer)
    trainer.learn(example(SPAM, "spam", 10), 10)
    trainer.learn(replace(example(SPAM, "spam", 11), model="worse"), 11)
    heads = [key for key, _ in trainer.publications() if "/" not in key]
    assert heads == ["worse", "spam"]


def test_what_was_learned_from_other_features_is_learned_anew_under_a_later_number() -> None:
    messages = list(trained().publications())
    head = msgspec.json.decode(messages[-1][1])
    old, other = SnapshotReader(), SnapshotReader()
    for key, value in messages[:-1]:
        old.receive(key, value)
    with pytest.raises(SnapshotError, match="features of version 1, and this version"):
        old.receive("spam", msgspec.json.encode({key: value for key, value in head.items() if key != "features"}))
    assert (old.head, old.outdated) == (None, head["publications"][-1][0])
    for key, value in whole(replace(trained(4).models["spam"], name="other", next_offset=4)):
        other.receive(key.replace("spam", "other"), value)
    trainer = Trainer({"spam": old, "other": other})
    assert trainer.restore({"other": other}) == 4
    assert trainer.restore({"spam": old, "other": other}) == 0  # from the first example that there is
    for offset, one in enumerate(examples()):
        trainer.learn(one, offset)
    for key, value in trainer.publications():
        old.receive(key, value)
    assert old.head is not None
    assert old.head.publications[-1][0] == head["publications"][-1][0] + 1
    assert old.model().labels == trained().models["spam"].labels
