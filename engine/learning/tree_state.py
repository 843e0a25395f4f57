"""What Hoeffding trees and forests of them have learned: nodes one after the other, children before their parent.

tree       [attributes, nodes]
node       a leaf: [numbers of each class, attributes, None or features, features that are left out, chosen ones]
           a branch: [kind, feature, threshold or values, how many children, numbers of each class]
features   [keys, [[is a number, state of its splitter], ...]]
forest     [random numbers, features of a tree, [tree, ...], [None or tree, ...], [[window, window, matrix], ...],
           warnings, drifts]; each tree has two windows that tell whether its errors become more
window     [numbers, counts, [[how many, sums and variances], ...]]: ADWIN's, which keeps them in Rust
"""

import struct
from collections.abc import Mapping
from math import isfinite
from typing import Any

import numpy as np
from river.drift import ADWIN
from river.forest import ARFClassifier
from river.metrics import ConfusionMatrix
from river.proba import Gaussian
from river.tree import HoeffdingTreeClassifier
from river.tree.nodes.branch import NominalBinaryBranch, NominalMultiwayBranch, NumericBinaryBranch
from river.tree.splitter import GaussianSplitter
from river.tree.splitter.nominal_splitter_classif import NominalSplitterClassif

from engine.learning.packed import Room, array_of, items_of, keys_in, keys_out
from engine.learning.state_kinds import (
    COUNT,
    COUNTS,
    KEYS,
    NUMBERS,
    OBJECT,
    POSITIVE,
    STATE,
    Attributes,
    Dice,
    Flag,
    Kind,
    Members,
    Number,
    NumbersByTwo,
)

_NUMERIC, _EQUAL, _VALUES = 0, 1, 2
_BRANCHES = (NumericBinaryBranch, NominalBinaryBranch, NominalMultiwayBranch)
_MAX_FEATURES = 10_000
_TREE: Mapping[str, Kind] = {
    "classes": KEYS, "_train_weight_seen_by_model": POSITIVE, "_n_active_leaves": COUNT, "_n_inactive_leaves": COUNT,
    "_inactive_leaf_size_estimate": POSITIVE, "_active_leaf_size_estimate": POSITIVE,
    "_size_estimate_overhead_fraction": POSITIVE, "_growth_allowed": Flag(),
}  # fmt: skip
_LEAF: Mapping[str, Kind] = {
    "_last_split_attempt_at": POSITIVE, "_mc_correct_weight": POSITIVE, "_nb_correct_weight": POSITIVE,
}  # fmt: skip
_MATRIX: Mapping[str, Kind] = {
    "data": NumbersByTwo(0), "sum_row": COUNTS, "sum_col": COUNTS, "n_samples": COUNT, "total_weight": POSITIVE,
    "_total_true_positives": POSITIVE,
}  # fmt: skip
STATE |= {
    ConfusionMatrix: Attributes(_MATRIX),
    GaussianSplitter: Attributes({
        "_min_per_class": NUMBERS, "_max_per_class": NUMBERS, "_att_dist_per_class": Members(OBJECT, Gaussian),
    }),
    NominalSplitterClassif: Attributes({
        "_total_weight_observed": POSITIVE, "_missing_weight_observed": POSITIVE,
        "_att_dist_per_class": NumbersByTwo(0), "_att_values": KEYS,
    }),
}  # fmt: skip


class Tree:
    """A tree, as the head of this module tells."""

    def dump(self, value: HoeffdingTreeClassifier) -> Any:
        """See `Kind`."""
        ordered, left = [], [] if value._root is None else [value._root]
        while left:
            node = left.pop()
            ordered.append(node)
            left += getattr(node, "children", ())
        return [_ATTRIBUTES.dump(value), [_node_out(node) for node in reversed(ordered)]]

    def load(self, fresh: HoeffdingTreeClassifier, data: Any, room: Room) -> HoeffdingTreeClassifier:
        """See `Kind`."""
        attributes, nodes = items_of(data, 2)
        _ATTRIBUTES.load(fresh, attributes, room)
        made: list[Any] = []
        for node in items_of(nodes, len(nodes)):
            room.take(1)
            if len(items_of(node, 5)) and type(node[0]) is int:
                _make_branch(made, node, room)
            else:
                made.append(_leaf_in(fresh, node, room))
        if len(made) > 1:
            raise ValueError("its nodes are not one tree")
        fresh._root = made[0] if made else None
        level, depth = made, 0
        while level:
            if depth > fresh.max_depth:
                raise ValueError("it is deeper than it may become")
            for node in level:
                node.depth = depth
            level, depth = [child for node in level for child in getattr(node, "children", ())], depth + 1
        return fresh


def _node_out(node: Any) -> list[Any]:
    stats = NUMBERS.dump(node.stats)
    if type(node) in _BRANCHES:
        kind = _BRANCHES.index(type(node))
        if kind == _NUMERIC:
            at = _NUMBER.dump(node.threshold)
        else:
            at = keys_out([node.value] if kind == _EQUAL else node._mapping)
        return [kind, keys_out([node.feature]), at, len(node.children), stats]
    features = None
    if node.splitters is not None:
        splitters = [
            [type(splitter) is GaussianSplitter, OBJECT.dump(splitter)] for splitter in node.splitters.values()
        ]
        features = [keys_out(node.splitters), splitters]
    chosen = keys_out(getattr(node, "feature_indices", ()))
    return [stats, _LEAF_ATTRIBUTES.dump(node), features, KEYS.dump(node._disabled_attrs), chosen]


def _leaf_in(tree: Any, data: list[Any], room: Room) -> Any:
    stats, attributes, features, disabled, chosen = data
    leaf = tree._new_leaf()
    leaf.stats = COUNTS.load({}, stats, room)
    _LEAF_ATTRIBUTES.load(leaf, attributes, room)
    leaf._disabled_attrs = KEYS.load(set(), disabled, room)
    if hasattr(leaf, "feature_indices"):
        leaf.feature_indices = keys_in(chosen, room)
    if features is None:
        leaf.splitters = None
        return leaf
    keys, splitters = items_of(features, 2)
    names = keys_in(keys, room)
    for name, packed in zip(names, items_of(splitters, len(names)), strict=True):
        is_number, state = items_of(packed, 2)
        fresh = tree.splitter.clone() if is_number is True else leaf.new_nominal_splitter()
        leaf.splitters[name] = OBJECT.load(fresh, state, room)
    return leaf


def _make_branch(made: list[Any], data: list[Any], room: Room) -> None:
    """The last of the nodes become children of one branch."""
    kind, feature, at, count, stats = data
    if not 0 <= kind < len(_BRANCHES) or type(count) is not int or not 1 <= count <= len(made):
        raise ValueError("it has a branch of an unknown kind, or without children")
    (name,) = items_of(keys_in(feature, room), 1)
    values = [_NUMBER.load(None, at, room)] if kind == _NUMERIC else keys_in(at, room)
    if len(values) != (count if kind == _VALUES else 1) or len(set(values)) != len(values):
        raise ValueError("a branch does not tell its children apart")
    if kind != _VALUES and count != 2:
        raise ValueError("this branch has two children")
    children = made[-count:]
    del made[-count:]
    by = values if kind == _VALUES else values[0]
    made.append(_BRANCHES[kind](COUNTS.load({}, stats, room), name, by, 0, *children))


class Forest:
    """A forest, as the head of this module tells."""

    def dump(self, value: ARFClassifier) -> Any:
        """See `Kind`."""
        watches = zip(value._warning_detectors, value._drift_detectors, value._metrics, strict=True)
        return [
            _DICE.dump(value._rng), value.max_features, [_TREES.dump(tree) for tree in value.data],
            [None if tree is None else _TREES.dump(tree) for tree in value._background],
            [[_window_out(warning), _window_out(drift), OBJECT.dump(metric.cm)] for warning, drift, metric in watches],
            COUNTS.dump(value._warning_tracker), COUNTS.dump(value._drift_tracker),
        ]  # fmt: skip

    def load(self, fresh: ARFClassifier, data: Any, room: Room) -> ARFClassifier:
        """See `Kind`."""
        dice, features, trees, background, watches, warnings, drifts = items_of(data, 7)
        if trees:
            fresh.max_features = Number(1, _MAX_FEATURES, whole=True).load(None, features, room)
        count = fresh.n_models
        fresh.data = [
            _TREES.load(fresh._new_base_model(), tree, room) for tree in items_of(trees, count if trees else 0)
        ]
        for at, tree in enumerate(items_of(background, count)):
            fresh._background[at] = None if tree is None else _TREES.load(fresh._new_base_model(), tree, room)
        for at, watch in enumerate(items_of(watches, count)):
            warning, drift, matrix = items_of(watch, 3)
            _window_in(fresh._warning_detectors[at], warning, room)
            _window_in(fresh._drift_detectors[at], drift, room)
            OBJECT.load(fresh._metrics[at].cm, matrix, room)
        COUNTS.load(fresh._warning_tracker, warnings, room)
        COUNTS.load(fresh._drift_tracker, drifts, room)
        _DICE.load(fresh._rng, dice, room)
        return fresh


_ATTRIBUTES, _LEAF_ATTRIBUTES, _DICE, _TREES, _NUMBER = Attributes(_TREE), Attributes(_LEAF), Dice(), Tree(), Number()
_SETTINGS = struct.Struct("<dIQdd")
_SETTINGS_AGAIN = struct.Struct("<dIQII")
_VALUES_IN_RUST = struct.Struct("<4d4I")
_HOW_MANY = struct.Struct("<Q")
_BUCKET = struct.Struct("<3Q")
_MAX_BUCKETS = 60
_MOST_COUNTED = 2**31 - 1


def _window_out(window: ADWIN) -> list[Any]:
    """What ADWIN keeps in Rust. Its bytes are laid out as River 0.26 does it: settings, totals, buckets, settings."""
    packed = window._helper.__getstate__()
    at = _SETTINGS.size
    values = _VALUES_IN_RUST.unpack_from(packed, at)
    at += _VALUES_IN_RUST.size
    (count,) = _HOW_MANY.unpack_from(packed, at)
    at += _HOW_MANY.size
    buckets = []
    for _ in range(count):
        _, filled, size = _BUCKET.unpack_from(packed, at)
        sums = packed[at + _BUCKET.size : at + _BUCKET.size + 8 * size]
        at += _BUCKET.size + 8 * size + _HOW_MANY.size
        buckets.append([filled, sums + packed[at : at + 8 * size]])
        at += 8 * size
    return [list(values[:4]), list(values[4:]), buckets, window._drift_detected]


def _window_in(window: ADWIN, data: Any, room: Room) -> None:
    """Rust does not look at what it is given, and a worker would fall: every size here is checked beforehand."""
    numbers, counts, buckets, detected = items_of(data, 4)
    values = [_NUMBER.load(None, number, room) for number in items_of(numbers, 4)]
    whole = [Number(0, _MOST_COUNTED, whole=True).load(None, number, room) for number in items_of(counts, 4)]
    size, packed, width = window.max_buckets + 1, [], 0
    if type(buckets) is not list or not 1 <= len(buckets) <= _MAX_BUCKETS:
        raise ValueError("a window has too many buckets, or none")
    for at, bucket in enumerate(buckets):
        filled, sums = items_of(bucket, 2)
        Number(0, window.max_buckets, whole=True).load(None, filled, room)
        content = array_of(sums, "<f8")
        if len(content) != 2 * size or not np.isfinite(content).all():
            raise ValueError("a bucket of a window has another size")
        width += filled << at
        head = _BUCKET.pack(window.max_buckets, filled, size)
        packed += [head, sums[: 8 * size], _HOW_MANY.pack(size), sums[8 * size :]]
    if not isfinite(values[2]) or width != values[2]:
        raise ValueError("a window is not as wide as its buckets")
    own = window._helper.__getstate__()
    settings = (window.delta, window.clock, window.max_buckets, window.min_window_length, window.grace_period)
    ends = _SETTINGS_AGAIN.pack(*settings)
    if not (own.startswith(_SETTINGS.pack(*settings)) and own.endswith(ends)):
        raise ValueError("River lays out its windows in another way")
    head = own[: _SETTINGS.size] + _VALUES_IN_RUST.pack(*values, *whole) + _HOW_MANY.pack(len(buckets))
    window._helper.__setstate__(b"".join((head, *packed, ends)))
    window._drift_detected = Flag().load(None, detected, room)
