"""Changes are noticed, and nothing else is."""

from itertools import pairwise
from math import log
from random import Random

import pytest

from engine.learning.drift import CHUNK, LossDrift, ScoreDrift


def test_labels_that_suddenly_surprise_are_noticed_soon() -> None:
    draws, watch = Random(1), LossDrift()
    assert not any(watch.add(0.9, draws.random() < 0.9) for _ in range(5_000))
    assert not watch.add(None, True)
    noticed = next(at for at in range(1_000) if watch.add(0.9, draws.random() < 0.1))
    assert noticed < 200


def test_scores_that_move_are_noticed_without_labels() -> None:
    draws, watch = Random(2), ScoreDrift()
    assert not any(watch.add([draws.betavariate(1, 9) for _ in range(CHUNK + 3)]) for _ in range(3_000))
    assert any(watch.add([draws.betavariate(2, 8) for _ in range(CHUNK + 3)]) for _ in range(1_000))


class Watch:
    """Remembers what it is shown, and is alarmed by one value."""

    def __init__(self, alarm: float | None = None) -> None:
        self.shown: list[float] = []
        self._alarm = alarm

    def update(self, value: float) -> None:
        self.shown.append(value)

    @property
    def drift_detected(self) -> bool:
        return self.shown[-1] == self._alarm


def test_one_score_of_each_chunk_is_looked_at_however_they_are_batched(monkeypatch: pytest.MonkeyPatch) -> None:
    scores, watch, seen = list(map(float, range(5 * CHUNK))), ScoreDrift(), Watch()
    monkeypatch.setattr(watch, "_watch", seen)
    for start, end in pairwise([0, 1, CHUNK, CHUNK, CHUNK + 3, 3 * CHUNK + 1, 5 * CHUNK]):
        assert not watch.add(scores[start:end])
    assert seen.shown == scores[::CHUNK]


def test_an_alarm_in_the_middle_of_a_batch_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    watch = ScoreDrift()
    monkeypatch.setattr(watch, "_watch", Watch(alarm=float(CHUNK)))
    assert watch.add(list(map(float, range(3 * CHUNK))))
    assert not watch.add([1.0] * CHUNK)


def test_a_label_surprises_as_far_as_its_score_was_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    watch, seen = LossDrift(), Watch()
    monkeypatch.setattr(watch, "_watch", seen)
    for score, spam in ((0.25, True), (0.25, False), (0.0, True), (1.0, False)):
        watch.add(score, spam)
    assert seen.shown == pytest.approx([log(4) / 30, log(4 / 3) / 30, log(1e9) / 30, log(1e9) / 30])
