"""A model travels in parts, and arrives whole or not at all."""

import json
import struct
from contextlib import suppress
from typing import Any

import msgspec
import numpy as np
import pytest

from engine.errors import SnapshotError
from engine.learning import snapshots
from engine.learning.estimators import RiverLearner
from engine.learning.linear import ARMS
from engine.learning.models import LearnedModel
from engine.learning.snapshot_messages import ROUNDS, Rows
from engine.learning.snapshots import _FIRST_NUMBERS, _LEAP, SnapshotReader, SnapshotWriter, seed_of, whole
from engine.rulebook.compiler import load_rulebook
from engine.stream.handlers.followed_models import MAX_MODELS, FollowedModels
from tests.costs import cost_by_length
from tests.unit.learning.inputs import HAM, SPAM, example, examples, same

Messages = list[tuple[str, bytes]]


def compacted(topic: Messages) -> Messages:
    """The last message of each key, in the order of the topic."""
    last = {key: at for at, (key, _) in enumerate(topic)}
    return [message for at, message in enumerate(topic) if last[message[0]] == at]


def follow(topic: Messages) -> SnapshotReader:
    follower = SnapshotReader()
    for key, value in topic:
        follower.receive(key, value)
    return follower


def published(rounds: int) -> tuple[LearnedModel, SnapshotWriter, Messages]:
    topic: Messages = []
    model, publisher = LearnedModel("spam"), SnapshotWriter()
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
        anew = list(SnapshotWriter(number=follower.head.publications[-1][0] + 1).publish(other))
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
        SnapshotReader().receive(key, damage)


GOOD_ROWS = Rows((1, 0), np.array([5], np.uint32), np.ones((1, ARMS), np.float32), np.ones((1, ARMS), np.float32))


def head(**changes: Any) -> bytes:
    """A head that somebody has made out of a real one; numbers of any length are JSON."""
    made = msgspec.json.decode(dict(whole(LearnedModel("spam"), 1))["spam"])
    return json.dumps({**made, **changes}).encode()


def rows(**changes: Any) -> bytes:
    said = json.dumps({"publication": [1, 0], "count": 1, **changes}).encode()
    return struct.pack("<I", len(said)) + said + GOOD_ROWS.encode()[-(4 + 8 * ARMS) :]


def part(number: int, data: bytes = b"x", publication: tuple[int, int] = (1, 0)) -> bytes:
    return msgspec.msgpack.encode({"publication": publication, "part": number, "data": data})


LOGISTIC = "linear_model.LogisticRegression()"
HOSTILE: dict[str, list[tuple[str, bytes]]] = {
    "a pipeline that cannot be made": [("spam", head(river="linear_model.LogisticRegression(l1=1,l2=1)"))],
    "a pipeline that divides by zero": [("spam", head(river="sketch.Counter(epsilon=0)"))],
    "a pipeline of very many": [
        ("spam", head(river=f"ensemble.BaggingClassifier({LOGISTIC}, n_models=30000)"))
    ],
    "a pipeline in a pipeline in a pipeline": [("spam", head(river="(" * 5_000 + LOGISTIC + ")" * 5_000))],
    "a pipeline that imports": [("spam", head(river="__import__('os').system('true')"))],
    "a pipeline without its parts": [("spam", head(river=LOGISTIC))],
    "a part, and no publications": [
        ("spam/river/1/0", part(0)), ("spam", head(river=LOGISTIC, publications=[]))
    ],
    "parts that are no pipeline": [("spam/river/1/0", part(0)), ("spam", head(river=LOGISTIC))],
    "no publications": [("spam", head(publications=[]))],
    "very many publications": [("spam", head(publications=[[n, 0] for n in range(ROUNDS + 1)]))],
    "a publication of no number": [("spam", head(publications=[[10**400, 0]]))],
    "huge losses": [("spam", head(losses=[1e308] * ARMS))],
    "losses of others": [("spam", head(losses=[0.0]))],
    "losses below nothing": [("spam", head(losses=[-1.0] * ARMS))],
    "fewer labels than none": [("spam", head(labels=-(10**30)))],
    "more spam than labels": [("spam", head(spam=5, labels=1))],
    "scores of no labels": [("spam", head(judged="AAAA"))],
    "scores of too many": [("spam", head(judged="AAAA" * 100_000))],
    "taught less than nothing": [("spam", head(taught=[-(10**30), 5]))],
    "an offset before the first": [("spam", head(next_offset=-1))],
    "very many moderators": [("spam", head(quarantined=[str(n) for n in range(20_000)]))],
    "very many partitions": [("spam", head(label_offsets={str(n): 0 for n in range(20_000)}))],
    "a key of no text": [("spam/new/\ufffd", b"")],
    "an odd key": [("/", b"")],
    "a key of nothing": [("", b"{}")],
    "a long key": [("spam/new/" + "1" * 500, rows())],
    "a long name": [("s" * 300, head())],
    "a part of another kind": [("spam/code/1/0", part(0))],
    "deep JSON": [("spam", b"[" * 100_000), ("spam", b'{"model":' + b"[" * 100_000)],
    "deep MessagePack": [("spam/river/1/0", b"\x91" * 100_000), ("spam/river/x", b"\x91" * 100_000)],
    "a header beyond the end": [("spam/new/1/0", b"\xff\xff\xff\xff" + b"x" * 100)],
    "no header": [("spam/new/1/0", b""), ("spam/new/1/0", b"\x00")],
    "rows that are none": [("spam/new/1/0", rows(count=0))],
    "fewer rows than none": [("spam/new/1/0", rows(count=-1))],
    "more rows than there can be": [("spam/new/1/0", rows(count=10**9))],
    "rows of no publication": [("spam/new/1/0", rows(publication=[10**400, 0]))],
    "rows of a larger model": [
        ("spam/new/1/0", rows()[: -(4 + 8 * ARMS)] + b"\xff\xff\xff\x7f" + rows()[-8 * ARMS :])
    ],
    "rows of no numbers": [("spam/new/1/0", GOOD_ROWS.encode()[: -8 * ARMS] + b"\xff" * 8 * ARMS)],
    "a pickle": [("spam/river/1/0", b"\x80\x04\x95cos\nsystem\n(S'true'\ntR.")],
}  # fmt: skip


@pytest.mark.parametrize("messages", HOSTILE.values(), ids=HOSTILE.keys())
def test_whatever_is_published_is_refused_or_harmless(messages: list[tuple[str, bytes]]) -> None:
    models, (model, _, topic) = FollowedModels(), published(3)
    refused = 0
    with cost_by_length():
        for key, value in messages:
            try:
                models.receive(key, value)
            except SnapshotError:
                refused += 1
    for key, value in topic:
        models.receive(key, value)
    assert same(models.followers["spam"].model(), model)
    if messages[-1][0] == "spam":
        assert refused


def test_a_publication_that_is_older_than_the_one_in_use_is_refused() -> None:
    _, _, old = published(2)
    model, _, new = published(6)
    follower = follow(new)
    with pytest.raises(SnapshotError, match="published before"):
        for key, value in old:
            follower.receive(key, value)
    assert same(follower.model(), model)


def test_what_waits_for_its_head_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "MAX_WAITING_BYTES", 10_000)
    follower = SnapshotReader()
    for at in range(100):
        with suppress(SnapshotError):
            follower.receive(f"spam/river/{at % 2}/{at // 2}", part(at // 2, b"x" * 1_000))
    assert 8_000 < sum(one.size_bytes for one in follower._waiting.values()) <= 10_000
    with pytest.raises(SnapshotError, match="wait for the head"):
        follower.receive("spam/river/0/60", part(60, b"x" * 1_000))


def test_a_part_that_comes_again_waits_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "MAX_WAITING_BYTES", 10_000)
    follower = SnapshotReader()
    for _ in range(1_000):
        follower.receive("spam/river/0/0", part(0, b"x" * 1_000))
    assert len(follower._waiting) == 1


def test_junk_takes_no_room_from_what_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    model, _, topic = published(3)
    longest = max(len(value) for _, value in topic)
    monkeypatch.setattr(snapshots, "MAX_WAITING_BYTES", 100 * longest)
    follower = SnapshotReader()
    for _ in range(200):
        with suppress(SnapshotError):
            follower.receive("spam/new/1/0", b"\xff" * longest)
    for key, value in topic:
        follower.receive(key, value)
    assert same(follower.model(), model)


def test_junk_takes_no_parts_place() -> None:
    model, _, topic = published(3)
    follower = SnapshotReader()
    for key, value in topic:
        follower.receive(key, value)
        if "/" in key:
            with pytest.raises(SnapshotError):
                follower.receive(key, b"junk")
    assert same(follower.model(), model)


def test_junk_under_many_names_keeps_no_model_out() -> None:
    models, (model, _, topic) = FollowedModels(), published(3)
    for number in range(100):
        with pytest.raises(SnapshotError):
            models.receive(f"made-up-{number}", b"junk")
    for key, value in topic:
        models.receive(key, value)
    assert same(models.followers["spam"].model(), model)


def test_so_many_models_are_held_and_no_more() -> None:
    models, messages = FollowedModels(), dict(whole(LearnedModel("spam"), 1))
    with pytest.raises(SnapshotError, match="models already"):
        for number in range(MAX_MODELS + 1):
            models.receive(f"m{number}", messages["spam"].replace(b'"spam"', b'"m%d"' % number, 1))
    assert len(models.followers) == MAX_MODELS


def test_the_models_of_the_rulebook_have_their_places_before_made_up_ones() -> None:
    models = FollowedModels()
    for number in range(MAX_MODELS):
        models.receive(*whole(LearnedModel(f"made-up-{number}"))[-1])
    rules = "{flag: {event: post, when: [score.spam > 0.9], then: {flag: x}}}"
    models.use(load_rulebook({"r.yaml": f"version: 1\nmodels: {{spam: {{texts: [text]}}}}\nrules: {rules}\n"}))
    for name in ("spam", seed_of("spam")):
        for key, value in whole(LearnedModel(name), 5):
            models.receive(key, value)
        assert name in models.followers
    with pytest.raises(SnapshotError, match="would be one more"):
        models.receive(*whole(LearnedModel("other"))[-1])
    assert len(models.followers) == MAX_MODELS


@pytest.mark.parametrize("number", [(1 << 62) - 1, 1 << 53, (1 << 53) - 1, (1 << 32) + 1])
def test_a_number_far_beyond_all_others_refuses_no_later_one(number: int) -> None:
    for before in ([], whole(LearnedModel("spam"), 1)):
        follower = follow(before)
        with pytest.raises(SnapshotError):
            follower.receive(*whole(LearnedModel("spam"), number)[-1])
        assert follower.receive(*whole(LearnedModel("spam"), 2)[-1])


def test_the_numbers_of_seeds_are_times() -> None:
    follower = follow(whole(LearnedModel(seed_of("spam")), 1_760_000_000_000))
    assert follower.receive(*whole(LearnedModel(seed_of("spam")), 1_790_000_000_000)[-1])


@pytest.mark.parametrize("rounds", [ROUNDS - 1, ROUNDS, ROUNDS + 1, 2 * ROUNDS + 5])
def test_what_was_learned_once_is_there_however_many_publications_follow(rounds: int) -> None:
    topic: Messages = []
    model, publisher = LearnedModel("spam"), SnapshotWriter()
    for at in range(rounds):
        model.learn(example(SPAM._replace(texts=(f"number {at * 7919} of its own",)), "spam", at))
        model.next_offset = at + 1
        topic += publisher.publish(model)
    assert same(follow(compacted(topic)).model(), model)


def test_the_head_of_the_publication_in_use_may_come_again() -> None:
    model, _, topic = published(3)
    follower = follow(topic)
    assert follower.receive(*topic[-1])
    assert same(follower.model(), model)


@pytest.mark.parametrize(("before", "furthest"), [(None, _FIRST_NUMBERS), (5, 5 + _LEAP)])
def test_a_number_may_leap_so_far_and_no_further(before: int | None, furthest: int) -> None:
    messages = [] if before is None else whole(LearnedModel("spam"), before)
    with pytest.raises(SnapshotError, match="not so many publications"):
        follow(messages).receive(*whole(LearnedModel("spam"), furthest + 1)[-1])
    assert follow(messages).receive(*whole(LearnedModel("spam"), furthest)[-1])


def test_what_waits_may_fill_its_room_to_the_last_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "MAX_WAITING_BYTES", 3_000)
    follower = SnapshotReader()
    follower.receive("spam/river/0/0", part(0, b"x" * 1_000))
    with pytest.raises(SnapshotError, match="wait for the head"):
        follower.receive("spam/river/0/1", part(1, b"x" * 2_001))
    follower.receive("spam/river/0/1", part(1, b"x" * 2_000))


def test_a_pipeline_is_made_of_the_parts_of_one_publication_alone() -> None:
    learner = RiverLearner("compose.Select('age') | linear_model.LogisticRegression()")
    model, publisher = LearnedModel("spam", learner=learner), SnapshotWriter()
    *cut, _ = publisher.publish(model)
    for one in examples(6):
        model.learn(one)
    *parts, last = publisher.publish(model)
    assert cut
    assert parts
    follower = follow([*cut, ("spam/new/1/0", GOOD_ROWS.encode()), *parts, last])  # rows say nothing of a pipeline
    arrived = follower.model().learner
    assert isinstance(arrived, RiverLearner)
    assert arrived.dump() == learner.dump()
