"""A model travels in parts, and arrives whole or not at all."""

import pytest

from engine.errors import SnapshotError
from engine.learning.models import LearnedModel
from engine.learning.snapshots import ROUNDS, Follower, Publisher
from tests.unit.learning.inputs import HAM, SPAM, example, examples, same

Messages = list[tuple[str, bytes]]


def compacted(topic: Messages) -> Messages:
    """The last message of each key, in the order of the topic."""
    last = {key: at for at, (key, _) in enumerate(topic)}
    return [message for at, message in enumerate(topic) if last[message[0]] == at]


def follow(topic: Messages) -> Follower:
    follower = Follower()
    for key, value in topic:
        follower.receive(key, value)
    return follower


def published(rounds: int) -> tuple[LearnedModel, Publisher, Messages]:
    topic: Messages = []
    model, publisher = LearnedModel("spam"), Publisher()
    for at, one in enumerate(examples(rounds)):
        model.learn(one)
        model.next_offset = at + 1
        topic += publisher.publish(model)
    return model, publisher, topic


@pytest.mark.parametrize("rounds", [1, 3, ROUNDS, 2 * ROUNDS + 5])
def test_it_arrives_from_the_whole_topic_and_from_what_compaction_leaves(rounds: int) -> None:
    model, _, topic = published(rounds)
    for messages in (topic, compacted(topic)):
        assert same(follow(messages).model(), model)
    assert len(compacted(topic)) <= 2 * (ROUNDS + 1) + 1


@pytest.mark.parametrize("rounds", [2, ROUNDS + 3])
def test_a_publication_that_was_cut_short_changes_nothing(rounds: int) -> None:
    model, publisher, topic = published(rounds)
    follower = follow(compacted(topic))
    copied, again = follower.copy()
    for at in range(3):
        model.learn(example(SPAM, "ham", rounds + at))
    model.next_offset += 3
    cut = list(publisher.publish(model))[:-1]
    assert same(follow(compacted([*topic, *cut])).model(), copied)
    copied.learn(example(SPAM, "ham", rounds))  # the next trainer comes to another place and goes on from there
    copied.next_offset += 1
    topic += [*cut, *again.publish(copied)]
    assert same(follow(compacted(topic)).model(), copied)
    assert same(follow(topic).model(), copied)


def test_a_model_that_begins_anew_takes_the_old_ones_place() -> None:
    _, _, topic = published(5)
    for messages in (topic, compacted(topic)):
        other = LearnedModel("spam")
        other.learn(example(HAM, "ham"))
        other.next_offset = 99
        follower = follow(messages)
        assert follower.head is not None
        anew = list(Publisher(number=follower.head.publications[-1][0] + 1).publish(other))
        for key, value in anew:
            follower.receive(key, value)
        assert same(follower.model(), other)
        assert same(follow(compacted([*messages, *anew])).model(), other)


@pytest.mark.parametrize(
    ("key", "damage"),
    [("spam", b""), ("spam", b"{}"), ("spam/new/0/0", b"\xff\xff\xff\xff"), ("spam/all/1", b"\x02\x00\x00\x00{}")],
)
def test_damaged_messages_are_refused(key: str, damage: bytes) -> None:
    with pytest.raises(SnapshotError, match="cannot be read"):
        Follower().receive(key, damage)
