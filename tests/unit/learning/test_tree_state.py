"""Trees and forests come back node by node; what is no tree, or a window that would crash, is refused."""

import struct
from random import Random
from typing import Any

import pytest
from river.drift import ADWIN
from river.forest import ARFClassifier
from river.tree import HoeffdingTreeClassifier

from engine.learning.learner_state import dump_state, load_state
from engine.learning.packed import Room, keys_out, numbers_out
from engine.learning.tree_state import Forest, Tree, _window_in, _window_out


def room() -> Room:
    return Room(100_000)


def fresh(**more: Any) -> HoeffdingTreeClassifier:
    return HoeffdingTreeClassifier(**{"grace_period": 5, "tau": 0.9, **more})


def grown(**more: Any) -> HoeffdingTreeClassifier:
    tree, dice = fresh(**more), Random(3)
    for _ in range(300):
        number, word = dice.random(), dice.choice("abc")
        tree.learn_one({"n": number, "w": word}, number > 0.5 or word == "a")
    return tree


ATTRIBUTES = Tree().dump(fresh())[0]


def leaf() -> list[Any]:
    tree = fresh()
    tree.learn_one({"n": 1.0}, True)
    node: list[Any] = Tree().dump(tree)[1][0]
    return node


def branch(kind: Any = 0, at: Any = 0.5, count: Any = 2) -> list[Any]:
    told = at if isinstance(at, float) else keys_out(at)
    return [kind, keys_out(["n"]), told, count, [keys_out([True]), numbers_out([1.0])]]


def read(nodes: list[Any], **more: Any) -> HoeffdingTreeClassifier:
    return Tree().load(fresh(**more), [ATTRIBUTES, nodes], room())


@pytest.mark.parametrize("nominal", [None, ["w"]])
def test_a_grown_tree_comes_back_with_its_depths(nominal: list[str] | None) -> None:
    tree = grown(nominal_attributes=nominal)
    other = fresh(nominal_attributes=nominal)
    load_state(other, dump_state(tree))
    assert dump_state(other) == dump_state(tree)
    assert other.height == tree.height > 1
    assert other.summary == tree.summary

    def depths(node: Any) -> Any:
        return node.depth, [depths(one) for one in getattr(node, "children", ())]

    assert depths(other._root) == depths(tree._root)


def test_a_tree_without_nodes_has_no_root() -> None:
    assert read([])._root is None


@pytest.mark.parametrize(
    ("node", "kind"),
    [
        (branch(), "NumericBinaryBranch"),
        (branch(1, ["a"]), "NominalBinaryBranch"),
        (branch(2, ["a", "b"]), "NominalMultiwayBranch"),
    ],
)
def test_a_branch_has_the_children_before_it(node: list[Any], kind: str) -> None:
    root = read([leaf(), leaf(), node])._root
    assert type(root).__name__ == kind
    assert [root.depth, *(child.depth for child in root.children)] == [0, 1, 1]


def test_a_branch_for_each_value_may_have_one_child_or_three() -> None:
    assert len(read([leaf(), branch(2, ["a"], 1)])._root.children) == 1
    assert len(read([leaf(), leaf(), leaf(), branch(2, ["a", "b", "c"], 3)])._root.children) == 3


@pytest.mark.parametrize(
    "nodes",
    [
        [leaf(), leaf()],
        [leaf(), branch()],
        [leaf(), leaf(), branch(3, ["a"])],
        [leaf(), leaf(), branch(-1)],
        [leaf(), leaf(), branch(2, [], 0)],
        [leaf(), leaf(), branch(2, ["a", "b"], 2.0)],
        [leaf(), leaf(), branch(2, ["a"], 2)],
        [leaf(), leaf(), branch(2, ["a", "a"], 2)],
        [leaf(), leaf(), branch(1, ["a", "b"], 2)],
        [leaf(), branch(1, ["a"], 1)],
        [leaf(), branch(0, 0.5, 1)],
        [leaf(), leaf(), leaf(), branch(0, 0.5, 3)],
        [leaf()[:4]],
        [[]],
    ],
    ids=range(14),
)
def test_nodes_that_are_not_one_tree_are_refused(nodes: list[Any]) -> None:
    with pytest.raises(ValueError):
        read(nodes)


def test_a_tree_may_be_as_deep_as_it_may_become() -> None:
    nodes = [leaf(), leaf(), branch()]
    assert read(nodes, max_depth=1).height == 2  # it counts levels
    deeper = [leaf(), *nodes, branch()]
    assert read(deeper, max_depth=2).height == 3
    with pytest.raises(ValueError, match="deeper"):
        read(deeper, max_depth=1)


def test_a_node_takes_room() -> None:
    with pytest.raises(ValueError, match="too many entries"):
        Tree().load(fresh(), [ATTRIBUTES, [leaf()] * 3], Room(20))


def forest() -> ARFClassifier:
    return ARFClassifier(n_models=2, seed=1, grace_period=5, max_features=2)


def taught() -> ARFClassifier:
    one, dice = forest(), Random(1)
    for at in range(400):
        number = dice.random()
        one.learn_one({"n": number, "m": dice.random()}, (number > 0.5) != (at > 200))
    return one


TAUGHT = taught()


def test_a_forest_comes_back_before_and_after_it_has_trees() -> None:
    for one in (forest(), TAUGHT):
        data = Forest().dump(one)
        assert Forest().dump(Forest().load(forest(), data, room())) == data


@pytest.mark.parametrize(
    ("features", "allowed"), [(1, True), (10_000, True), (0, False), (10_001, False), (1.5, False)]
)
def test_a_forest_looks_at_so_many_features(features: Any, allowed: bool) -> None:
    data = Forest().dump(TAUGHT)
    data[1] = features
    if allowed:
        assert Forest().load(forest(), data, room()).max_features == features
    else:
        with pytest.raises(ValueError, match="not a number"):
            Forest().load(forest(), data, room())


def test_a_forest_with_another_number_of_trees_is_refused() -> None:
    data = Forest().dump(TAUGHT)
    for at in (2, 3, 4):
        with pytest.raises(ValueError, match="no list of 2"):
            Forest().load(forest(), [*data[:at], data[at][:1], *data[at + 1 :]], room())


def window() -> ADWIN:
    found, dice = ADWIN(), Random(2)
    for _ in range(500):
        found.update(dice.random())
    return found


def test_a_window_goes_on_as_it_was() -> None:
    one, other, dice = window(), ADWIN(), Random(4)
    _window_in(other, _window_out(one), room())
    assert other._helper.__getstate__() == one._helper.__getstate__()
    for _ in range(500):
        value = dice.random() + 1
        one.update(value)
        other.update(value)
        assert (one.width, one.estimation, one.drift_detected) == (other.width, other.estimation, other.drift_detected)


def changed(*way: Any, to: Any) -> list[Any]:
    data = _window_out(window())
    place: Any = data
    for at in way[:-1]:
        place = place[at]
    place[way[-1]] = to
    return data


_SIZE = ADWIN().max_buckets + 1


@pytest.mark.parametrize(
    "data",
    [
        changed(2, to=[]),
        changed(2, to=()),
        changed(2, to=_window_out(window())[2] + [[0, bytes(16 * _SIZE)]] * 60),
        changed(2, 0, 0, to=-1),
        changed(2, 0, 0, to=_SIZE),
        changed(2, 0, 1, to=bytes(16 * _SIZE - 8)),
        changed(2, 0, 1, to=bytes(16 * _SIZE + 8)),
        changed(2, 0, 1, to=struct.pack("<d", float("nan")) * 2 * _SIZE),
        changed(0, 2, to=499.0),
        changed(0, 2, to=501.0),
        changed(0, 2, to=float("inf")),
        changed(1, 0, to=-1),
        changed(1, 0, to=2**31),
        changed(3, to=1),
        changed(1, 0, to=1.0),
        changed(2, 0, 0, to=1.0),
    ],
    ids=range(16),
)
def test_a_window_that_does_not_add_up_is_refused(data: list[Any]) -> None:
    with pytest.raises(ValueError):
        _window_in(ADWIN(), data, room())


@pytest.mark.parametrize("count", [0, 2**31 - 1])
def test_a_window_counts_up_to_its_limit(count: int) -> None:
    other = ADWIN()
    _window_in(other, changed(1, 0, to=count), room())
    assert _window_out(other)[1][0] == count


def test_a_window_has_up_to_sixty_buckets() -> None:
    data = _window_out(window())
    data[2] += [[0, bytes(16 * _SIZE)]] * (60 - len(data[2]))
    other = ADWIN()
    _window_in(other, data, room())
    assert _window_out(other) == data


class Helper:
    """The part of a window that Rust keeps, in another layout."""

    def __init__(self, state: bytes) -> None:
        self._state = state

    def __getstate__(self) -> bytes:
        return self._state


@pytest.mark.parametrize("cut", [slice(1, None), slice(None, -1)], ids=["head", "end"])
def test_a_window_of_another_layout_is_refused(cut: slice, monkeypatch: pytest.MonkeyPatch) -> None:
    other = ADWIN()
    monkeypatch.setattr(other, "_helper", Helper(other._helper.__getstate__()[cut]))
    with pytest.raises(ValueError, match="another way"):
        _window_in(other, _window_out(window()), room())
