"""What is presumed waits until its time is over or its label comes, and no more waits than there is room for."""

from collections.abc import Sequence
from dataclasses import replace
from random import Random

import pytest

from engine.learning import waiting as module
from engine.learning.labels import Awaited, Example
from engine.learning.trainer import Trainer
from engine.learning.verdicts import Verdict
from engine.learning.waiting import Waiting
from tests.unit.learning.inputs import HAM, SPAM, example, same
from tests.unit.learning.test_trainer import following


def presumed(at: int, due_ms: int, event_ms: int = 0) -> Example:
    """An event that is presumed to be ham."""
    one = example(SPAM if at % 5 == 0 else HAM, "ham", at, partition=-1)
    return replace(one, presumed=1.0, awaited=Awaited(at, event_ms or at, due_ms))


def labelled(at: int, verdict: Verdict, offset: int, ts_ms: int, moderator: str | None = None) -> Example:
    """A label of an event that was presumed to be ham."""
    one = example(SPAM if at % 5 == 0 else HAM, verdict, offset, before="ham", moderator=moderator)
    return replace(one, event_id=f"e{at}", presumed=1.0, ts_ms=ts_ms, awaited=Awaited(at, at))


def over(waiting: Waiting, now_ms: int) -> list[int]:
    return [one.awaited.identity for one in waiting.pass_time(now_ms) if one.awaited is not None]


def test_what_is_over_comes_in_the_order_of_its_time_unless_a_label_has_come() -> None:
    waiting = Waiting()
    dues = {1: 30, 2: 10, 3: 20, 4: 40}
    assert all(waiting.add(presumed(at, due_ms), at) for at, due_ms in dues.items())
    assert (len(waiting), waiting.begins) == (4, 1)
    assert waiting.settle(3)
    assert not waiting.settle(3)
    assert over(waiting, 29) == [2]
    assert over(waiting, 15) == []  # the clock does not go back
    assert not waiting.add(presumed(5, 29), 5)  # its time is over already
    assert over(waiting, 40) == [1, 4]
    assert (len(waiting), waiting.begins) == (0, None)


def test_a_flood_shortens_the_wait_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_WAITING", 100)
    waiting, given = Waiting(), list[int]()
    for at in range(1, 1_001):
        given += over(waiting, at)
        assert waiting.add(presumed(at, 10_000 + at), at)
        assert len(waiting) <= 101
    assert given == list(range(1, 900))
    assert waiting.now_ms == 10_000 + given[-1]
    monkeypatch.setattr(module, "MOST_WAITING_BYTES", 0)
    assert over(waiting, 0) == list(range(900, 1_001))


def test_settled_events_leave_nothing_behind() -> None:
    waiting = Waiting()
    for at in range(1, 10_001):
        waiting.add(presumed(at, 1_000_000), at)
        waiting.settle(at)
    assert (len(waiting), waiting._bytes) == (0, 0)
    assert len(waiting._due) < 2_000


def stream() -> Sequence[Example]:
    """Presumed events, labels of some of them before and after their time, events that are sent twice."""
    draws, sent = Random(3), list[Example]()
    for at in range(1, 241):
        sent.append(presumed(at, at + draws.choice((0, 5, 60)), at))
        if at % 7 == 0:
            sent.append(sent[-1])
        if at % 5 == 0:
            about, verdict = max(1, at - draws.choice((0, 5, 40)) // 5 * 5), draws.choice(("spam", "spam", "ham"))
            moderator = draws.choice((None, "mia", "eve"))
            sent.append(labelled(about, verdict, at, at + 1, moderator))  # type: ignore[arg-type]
    return sent


@pytest.mark.parametrize("crash", [3, 90, 200, 310])
def test_a_trainer_that_takes_over_waits_for_the_same(crash: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_WAITING", 30)
    sent, undisturbed, crashed, restarted = stream(), Trainer(), Trainer(), Trainer()
    assert crash < len(sent)
    for offset, one in enumerate(sent):
        undisturbed.learn(one, offset)
        if offset < crash:
            crashed.learn(one, offset)
    begins = restarted.restore(following(crashed))
    assert begins <= crash
    for offset, one in enumerate(sent[begins:], begins):
        restarted.learn(one, offset)
    again, whole = restarted.models["spam"], undisturbed.models["spam"]
    assert same(again, whole)
    assert again.delays.dump() == whole.delays.dump() != b""
    assert (again.waiting.now_ms, again.waiting._kept) == (whole.waiting.now_ms, whole.waiting._kept)
    assert len(whole.waiting) > 10


def test_what_waits_is_learned_anew_without_a_moderator_as_if_they_had_said_nothing() -> None:
    clean, taught = Trainer(), Trainer()
    for offset, one in enumerate(stream()):
        taught.learn(one, offset)
    clean.learn(stream()[0], 0)
    clean.models["spam"].quarantined.add("eve")
    for offset, one in enumerate(stream()):
        clean.learn(one, offset)
    command = len(stream())
    assert taught.quarantine("eve", True, command) == 0
    for offset, one in enumerate(stream()):
        taught.learn(one, offset)
    assert same(taught.models["spam"], clean.models["spam"])
    assert taught.models["spam"].waiting._kept == clean.models["spam"].waiting._kept


def test_what_is_pinned_waits_for_nothing() -> None:
    trainer = Trainer()
    trainer.learn(presumed(1, 100), 0)
    trainer.pin("spam", True, 1)
    assert len(trainer.models["spam"].waiting) == 0
    trainer.learn(presumed(2, 100), 2)
    trainer.learn(presumed(2, 100), 2)  # read again
    assert len(trainer.models["spam"].waiting) == 0
