"""Each kind of value takes what a learner may hold, up to its bounds, and refuses the rest."""

from collections import defaultdict
from random import Random
from typing import Any

import numpy as np
import pytest
from river.utils import VectorDict

from engine.learning.features import VERSION
from engine.learning.linear import ARMS, INDICES, table
from engine.learning.ngrams import HashedNgrams
from engine.learning.packed import Room, keys_out, numbers_out
from engine.learning.state_kinds import (
    COUNT,
    KEYS,
    NUMBERS,
    OBJECT,
    POSITIVE,
    Attributes,
    Dice,
    Flag,
    Members,
    Moments,
    Ngrams,
    Number,
    Numbers,
    NumbersByTwo,
    Steps,
)


def room() -> Room:
    return Room(1_000)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (Number(), -1e300), (Number(), 7), (Number(1, 3), 1), (Number(1, 3), 3), (COUNT, 0), (COUNT, 2**62),
        (POSITIVE, 0), (POSITIVE, 0.5), (Number(finite=False), float("-inf")),
    ],
)  # fmt: skip
def test_a_number_may_be_at_its_bounds(kind: Number, value: float) -> None:
    assert kind.load(None, value, room()) == value
    assert kind.dump(value) == value


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (Number(1, 3), 0.999), (Number(1, 3), 3.001), (COUNT, -1), (COUNT, 2**62 + 1), (COUNT, 1.0),
        (POSITIVE, -1e-9), (Number(), float("inf")), (Number(), float("nan")), (Number(), "1"), (Number(), None),
        (Number(finite=False), float("nan")),
    ],
)  # fmt: skip
def test_a_number_beyond_its_bounds_or_of_another_kind_is_refused(kind: Number, value: Any) -> None:
    with pytest.raises(ValueError, match="not a number"):
        kind.load(None, value, room())


def test_truth_counts_as_a_number_when_written_but_not_when_read() -> None:
    assert Number().dump(True) == 1
    assert type(Number().dump(True)) is int
    assert Number().dump(np.float64(0.5)) == 0.5
    with pytest.raises(ValueError, match="not a number"):
        Number().load(None, True, room())


def test_a_flag_is_true_or_false_and_nothing_else() -> None:
    assert Flag().load(None, True, room()) is True
    assert Flag().dump(False) is False
    with pytest.raises(ValueError, match="neither"):
        Flag().load(None, 1, room())


def test_numbers_by_key_come_back() -> None:
    value = {"a": 0.5, "b": 2.0}
    assert Numbers(0).load({}, Numbers(0).dump(value), room()) == value


@pytest.mark.parametrize(
    "data",
    [[keys_out(["a"]), numbers_out([1, 2])], [keys_out(["a", "b"]), numbers_out([1])],
     [keys_out(["a", "a"]), numbers_out([1, 2])]],
)  # fmt: skip
def test_keys_and_numbers_that_do_not_pair_are_refused(data: Any) -> None:
    with pytest.raises(ValueError):
        NUMBERS.load({}, data, room())


def nested() -> defaultdict[str, dict[str, float]]:
    return defaultdict(dict)


def test_numbers_by_two_keys_come_back() -> None:
    value = {"a": {"x": 1, "y": 2}, "b": {}, "c": {"x": 3}}
    found = NumbersByTwo(0).load(nested(), NumbersByTwo(0).dump(value), room())
    assert {**found, "b": found["b"]} == value


def test_numbers_by_two_keys_may_be_negative_unless_told_otherwise() -> None:
    data = NumbersByTwo().dump({"a": {"x": -1.5}})
    assert NumbersByTwo().load(nested(), data, room()) == {"a": {"x": -1.5}}
    with pytest.raises(ValueError, match="no learner has"):
        NumbersByTwo(0).load(nested(), data, room())


def by_two(outer: list[str], sizes: list[int], inner: list[str], numbers: list[int]) -> list[Any]:
    return [keys_out(outer), np.array(sizes, "<u4").tobytes(), keys_out(inner), numbers_out(numbers)]


@pytest.mark.parametrize(
    "data",
    [
        by_two(["a"], [1, 1], ["x", "y"], [1, 2]),
        by_two(["a", "b"], [1], ["x"], [1]),
        by_two(["a"], [1], ["x", "y"], [1, 2]),
        by_two(["a"], [2], ["x"], [1]),
        by_two(["a"], [1], ["x"], [1, 2]),
        by_two(["a", "a"], [1, 1], ["x", "y"], [1, 2]),
        by_two(["a"], [2], ["x", "x"], [1, 2]),
    ],
    ids=range(7),
)
def test_numbers_by_two_keys_that_do_not_pair_are_refused(data: Any) -> None:
    with pytest.raises(ValueError):
        NumbersByTwo(0).load(nested(), data, room())


def test_members_are_made_by_the_mapping_or_for_it() -> None:
    kind = Members(NUMBERS)
    data = kind.dump({"a": {"x": 1.0}})
    assert kind.load(nested(), data, room()) == {"a": {"x": 1.0}}
    assert Members(NUMBERS, dict).load({}, data, room()) == {"a": {"x": 1.0}}
    with pytest.raises(ValueError, match="twice"):
        kind.load(nested(), [keys_out(["a", "a"]), data[1] * 2], room())


def test_a_set_is_written_in_one_order_and_added_to() -> None:
    assert KEYS.dump({"b", "a"}) == keys_out(["a", "b"])
    assert KEYS.load({"c"}, keys_out(["a"]), room()) == {"a", "c"}


@pytest.mark.parametrize(("value", "made"), [(VectorDict({"a": 0.5}), VectorDict), ({"a": 0.5}, defaultdict)])
def test_moments_come_back_as_a_vector_or_a_mapping(value: Any, made: type) -> None:
    found: Any = Moments().load(None, Moments().dump(value), room())
    assert dict(found.items()) == {"a": 0.5}
    assert type(found) is made


def test_no_moments_stay_none() -> None:
    assert Moments().dump(None) is None
    assert Moments().load(VectorDict(), None, room()) is None


def test_dice_fall_on_as_they_did() -> None:
    one = Random(5)
    one.random()
    other = Dice().load(Random(1), Dice().dump(one), room())
    assert [other.random() for _ in range(5)] == [one.random() for _ in range(5)]


def test_dice_with_half_a_pair_of_numbers_left_are_not_written() -> None:
    dice = Random(5)
    dice.gauss(0, 1)
    with pytest.raises(ValueError, match="another kind"):
        Dice().dump(dice)


class OtherDice(Random):
    """Of another version."""

    def getstate(self) -> tuple[Any, ...]:
        return (2, (1,) * 625, None)


def test_dice_of_another_version_are_not_written() -> None:
    with pytest.raises(ValueError, match="another kind"):
        Dice().dump(OtherDice())


def words(count: int = 625, last: int = 0, **places: int) -> bytes:
    found = np.zeros(count, "<u4")
    for name, word in places.items():
        found[int(name[1:])] = word
    found[-1] = last
    return found.tobytes()


@pytest.mark.parametrize("data", [words(w1=1), words(w623=1), words(w1=1, last=624)], ids=range(3))
def test_one_word_is_enough_for_dice(data: bytes) -> None:
    assert Dice().dump(Dice().load(Random(1), data, room())) == data


@pytest.mark.parametrize(
    "data", [words(), words(last=5), words(w0=1), words(w1=1, last=625), words(624, w1=1), words(626, w1=1)],
    ids=range(6),
)  # fmt: skip
def test_dice_that_cannot_fall_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="no state of a generator"):
        Dice().load(Random(1), data, room())


class Holder:
    """What has learned two things."""

    def __init__(self, a: int, **more: int) -> None:
        self.a = a
        self.__dict__.update(more)


def test_attributes_are_those_that_an_object_has() -> None:
    kind = Attributes({"a": COUNT, "b": COUNT})
    assert kind.dump(Holder(1)) == {"a": 1}
    assert kind.load(Holder(0, b=0), {"a": 1, "b": 2}, room()).__dict__ == {"a": 1, "b": 2}
    wrong: list[Any] = [{"a": 1, "b": 2}, {}, [], None]
    for data in wrong:
        with pytest.raises(ValueError, match="not what a Holder has learned"):
            kind.load(Holder(0), data, room())


def test_an_object_of_an_unknown_class_is_not_kept() -> None:
    with pytest.raises(ValueError, match="is not kept"):
        OBJECT.dump(Holder(1))
    with pytest.raises(ValueError, match="is not kept"):
        Steps().dump([Holder(1)])


def ngrams(indices: list[int], weight: float = 0.5, gradient: float = 0.25, rows: int | None = None) -> list[Any]:
    count = ARMS * (len(indices) if rows is None else rows)
    packed = (np.full(count, one, "<f4").tobytes() for one in (weight, gradient))
    return [np.array(indices, "<u4").tobytes(), *packed, [0.0] * ARMS, [1, 2], 3, VERSION]


@pytest.mark.parametrize("indices", [[], [0], [0, INDICES - 1]], ids=range(3))
@pytest.mark.parametrize(("weight", "gradient"), [(0.5, 0.25), (-0.5, 0.0), (0.0, 0.25)])
def test_indices_of_a_learner_come_back(indices: list[int], weight: float, gradient: float) -> None:
    learner = Ngrams().load(HashedNgrams(), ngrams(indices, weight, gradient), room())
    assert np.flatnonzero(table(learner.weights).any(axis=1) | table(learner.gradients).any(axis=1)).tolist() == indices
    assert Ngrams().dump(learner) == ngrams(indices, weight, gradient)


@pytest.mark.parametrize(
    "data",
    [
        ngrams([INDICES]), ngrams([1], rows=2), ngrams([1, 2], rows=1), ngrams([1], gradient=-1e-9),
        ngrams([1], weight=float("nan")), ngrams([1], gradient=float("inf")),
        [*ngrams([1])[:2], b"", *ngrams([1])[3:]], [*ngrams([1])[:1], b"", *ngrams([1])[2:]],
        [*ngrams([1])[:6], VERSION - 1], ngrams([1])[:6],
    ],
    ids=range(10),
)  # fmt: skip
def test_indices_that_no_learner_has_are_refused(data: list[Any]) -> None:
    with pytest.raises(ValueError):
        Ngrams().load(HashedNgrams(), data, room())
