"""Changes are noticed, and nothing else is."""

from random import Random

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
