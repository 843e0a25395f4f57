"""What was scored is found by event, whole, as it was read."""

from dataclasses import replace

import numpy as np
import pytest

from engine.core.kernel import hash64
from engine.errors import StateError
from engine.learning.features import Inputs
from engine.learning.scored import blocks, is_presumed, kept, read_scored
from engine.learning.scorers import ModelScorer
from tests.unit.learning.inputs import HAM, NAMES, SPAM, SPEC, trained

ODD = Inputs(("Überraschung 🎉 \x00 ja",), ("",), (float("inf"), -3.0))


def test_each_event_of_a_piece_reads_back_and_damage_is_told() -> None:
    scorer = ModelScorer(SPEC, trained().models["spam"])
    batch = [SPAM, HAM, ODD, HAM._replace(texts=(None,)), SPAM]
    scorer.prepare([inputs[:2] if place != 1 else None for place, inputs in enumerate(batch)])
    scores = {place: scorer.score(place, 100 + place, batch[place].numbers) for place in (0, 2, 3, 4)}
    rows = scorer.take()
    assert rows is not None
    assert scorer.take() is None
    parts = list(blocks([rows], 3))
    assert [keys.tolist() for keys, _ in parts] == [[100, 102, 103], [104]]
    for place, score in scores.items():
        [(_, found)] = [one for _, part in parts for one in read_scored(part, [100 + place, 99])]
        wanted = batch[place] if place != 2 else ODD._replace(numbers=(None, -3.0))  # what is not finite is missing
        assert (found.name, found.version, found.score) == ("spam", "spam-20", score)
        assert (found.names, found.inputs) == (NAMES, wanted)
    encoded = parts[0][1]
    for damaged in (encoded[:-1], encoded[:9], b"\x04spa", b"\x02\x00\x00\x00{}"):
        with pytest.raises(StateError, match="cannot be read"):
            list(read_scored(damaged, [100]))


def test_a_share_of_the_events_is_presumed_always_the_same_ones() -> None:
    keys = [hash64(f"event {at}") for at in range(4_000)]
    chosen = {share: {key for key in keys if is_presumed(key, share)} for share in (0.0, 0.1, 0.5, 1.0)}
    assert [len(found) for found in chosen.values()] == pytest.approx([0, 400, 2_000, 4_000], rel=0.15)
    assert chosen[0.1] < chosen[0.5] < chosen[1.0]


def test_what_is_left_of_a_piece_is_presumed_as_before() -> None:
    scorer = ModelScorer(replace(SPEC, presume=0.5), None)
    scorer.prepare([SPAM[:2]] * 2)
    for place in range(2):
        scorer.score(place, place, SPAM.numbers)
    rows = scorer.take()
    assert rows is not None
    assert rows.presumed() == [0, 1]
    assert [one.presume for _, one in read_scored(kept(rows.encode(), [1]), [0, 1])] == [0.5]


def test_the_times_of_events_are_kept_where_their_labels_are_waited_for() -> None:
    scorer = ModelScorer(SPEC, None)
    scorer.prepare([SPAM[:2], HAM[:2], SPAM[:2]])
    for place in range(3):
        scorer.score(place, place, SPAM.numbers)
    rows = scorer.take()
    assert rows is not None
    assert [one.event_ms for _, one in read_scored(rows.encode(), [1])] == [None]
    timed = replace(rows, times=np.array([7_000, 8_000, 1 << 40]))
    both = timed.encode() + replace(rows, model="other").encode()
    for block in (both, kept(both, [1, 2])):
        found = {(one.name, key): (one.event_ms, one.inputs) for key, one in read_scored(block, [1, 2])}
        assert [found["spam", key][0] for key in (1, 2)] == [8_000, 1 << 40]
        assert [found["other", key][0] for key in (1, 2)] == [None, None]
        assert found["spam", 1][1] == found["other", 1][1]
    [(keys, block)] = blocks([timed.select(np.array([2, 0]))], 10)
    assert [(key, one.event_ms) for key, one in read_scored(block, keys.tolist())] == [(2, 1 << 40), (0, 7_000)]


def test_an_event_that_two_models_have_scored_is_in_one_piece() -> None:
    both = []
    for name, places in (("spam", (0, 1, 2, 3)), ("fraud", (3, 1, 4))):
        scorer = ModelScorer(replace(SPEC, name=name), None)
        scorer.prepare([SPAM[:2]] * 5)
        for place in places:
            scorer.score(place, 100 + place, SPAM.numbers)
        rows = scorer.take()
        assert rows is not None
        both.append(rows)
    found: dict[int, list[str]] = {}
    for keys, part in blocks(both, 2):
        for key in keys.tolist():
            assert key not in found
            found[key] = [model.name for _, model in read_scored(part, [key])]
    assert found == {100: ["spam"], 101: ["spam", "fraud"], 102: ["spam"], 103: ["spam", "fraud"], 104: ["fraud"]}


@pytest.mark.parametrize("share", [0.25, 0.5, 1.0])
def test_the_lower_half_of_a_key_draws_and_what_lies_below_the_share_is_presumed(share: float) -> None:
    first = int(share * (1 << 32))
    assert is_presumed(first - 1, share)
    assert is_presumed((7 << 32) + first - 1, share)  # the upper half chooses what is reviewed
    if share < 1:
        assert not is_presumed(first, share)


def test_what_is_left_of_a_piece_has_the_scores_that_were_given() -> None:
    knowing, unknowing = ModelScorer(SPEC, trained().models["spam"]), ModelScorer(SPEC, None)
    for scorer in (knowing, unknowing):
        scorer.prepare([SPAM[:2], HAM[:2]])
        given = {10 + place: scorer.score(place, 10 + place, one.numbers) for place, one in enumerate((SPAM, HAM))}
        rows = scorer.take()
        assert rows is not None
        left = dict(read_scored(kept(rows.encode(), [11]), [10, 11]))
        assert {key: one.score for key, one in left.items()} == {11: given[11]}
        assert (given[11] is None) is (scorer is unknowing)
