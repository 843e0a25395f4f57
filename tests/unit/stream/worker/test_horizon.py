"""Up to when all partitions of a group are decided."""

from faust.types import TP
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from engine.stream.worker.horizon import HELD_BACK_MS, Horizon

E0, E1, H0, H1 = TP("events", 0), TP("events", 1), TP("hops", 0), TP("hops", 1)
ALL = (E0, E1, H0, H1)


def at(*offsets: int) -> dict[TP, int]:
    return dict(zip(ALL, offsets, strict=True))


def test_where_nothing_is_left_it_is_now() -> None:
    horizon = Horizon("hops")
    assert horizon.until_ms is None
    horizon.note({}, 5, at(0, 0, 0, 0))
    assert horizon.until_ms == 5
    horizon.note(at(9, 9, 9, 9), 7, at(9, 9, 9, 9))
    assert horizon.until_ms == 7


def test_one_partition_that_is_behind_holds_back_the_time() -> None:
    horizon = Horizon("hops")
    horizon.note(at(9, 3, 0, 0), 5, at(9, 9, 0, 0))
    assert horizon.until_ms is None
    horizon.note(at(12, 8, 0, 0), 7, at(12, 20, 0, 0))
    assert horizon.until_ms is None
    horizon.note(at(12, 9, 0, 0), 8, at(12, 20, 0, 0))  # what was there at 5
    assert horizon.until_ms == 5
    horizon.note(at(12, 19, 0, 0), 9, at(12, 30, 0, 0))
    assert horizon.until_ms == 5
    horizon.note(at(12, 20, 0, 0), 10, at(12, 40, 0, 0))
    assert horizon.until_ms == 8


def test_what_events_have_sent_on_is_waited_for_and_what_that_has_sent_on() -> None:
    horizon = Horizon("hops")
    horizon.note(at(9, 9, 0, 0), 5, at(9, 9, 4, 0))
    horizon.note(at(9, 9, 4, 0), 6, at(9, 9, 4, 2))  # what was on its way has sent on more
    assert horizon.until_ms is None
    horizon.note(at(9, 9, 4, 2), 7, at(9, 9, 4, 2))
    assert horizon.until_ms == 7


def test_hops_that_never_end_do_not_hold_back_the_time() -> None:
    horizon = Horizon("hops")
    known = set[int | None]()
    for now in range(1, 100):
        horizon.note(at(now, now, now, now), now, at(now, now, now + 1, now))
        known.add(horizon.until_ms)
    assert len(known) > 5
    assert 80 < (horizon.until_ms or 0) < 99


def test_a_partition_that_is_stuck_holds_back_for_so_long_and_is_told() -> None:
    horizon = Horizon("hops")
    for now in (1_000, 1_000 + HELD_BACK_MS):
        horizon.note(at(9, 3, 0, 0), now, at(9, 9, 0, 0))
        horizon.wait(now)
    assert horizon.until_ms is None
    with capture_logs() as lines:
        horizon.wait(1_001 + HELD_BACK_MS)
    assert horizon.until_ms == 1_000
    assert [line["partitions"] for line in lines] == [["events/1"]]
    horizon.wait(1_002 + 2 * HELD_BACK_MS)
    assert horizon.until_ms == 1_001 + HELD_BACK_MS
    horizon.note(at(9, 9, 0, 0), 1_003 + 2 * HELD_BACK_MS, at(9, 9, 0, 0))
    assert horizon.until_ms == 1_003 + 2 * HELD_BACK_MS


def test_brokers_that_do_not_answer_hold_back_for_so_long() -> None:
    horizon = Horizon("hops")
    horizon.wait(1_000)
    horizon.wait(1_000 + HELD_BACK_MS)
    assert horizon.until_ms is None
    horizon.wait(1_001 + HELD_BACK_MS)
    assert horizon.until_ms == 1_000
    horizon.note(at(0, 0, 0, 0), 1_002 + HELD_BACK_MS, at(0, 0, 0, 0))
    assert horizon.until_ms == 1_002 + HELD_BACK_MS


STEPS = st.sampled_from(("event", "decide", "pass", "ask", "look"))


@given(st.lists(st.tuples(STEPS, st.integers(0, 1), st.booleans()), max_size=200))
def test_nothing_is_left_of_what_arrived_before(steps: list[tuple[str, int, bool]]) -> None:
    """Events are decided, and what they send on is, while a worker asks how far the group is and then how far all goes.
    Each event sends a hop, and that one at times another."""
    horizon = Horizon("hops")
    logs: dict[TP, list[tuple[int, bool]]] = {tp: [] for tp in ALL}  # when the event arrived; does more come of it
    done, asked = dict.fromkeys(ALL, 0), (dict.fromkeys(ALL, 0), 0)
    for now, (what, number, goes_on) in enumerate(steps, 1):
        tp = TP("hops" if what == "pass" else "events", number)
        if what == "event":
            logs[tp].append((now, goes_on))
        elif what in ("decide", "pass") and done[tp] < len(logs[tp]):
            arrived, more = logs[tp][done[tp]]
            done[tp] += 1
            if what == "decide" or more:
                logs[TP("hops", 1 - number)].append((arrived, more and what == "decide"))
        elif what == "ask":
            asked = dict(done), now
        elif what == "look":
            horizon.note(*asked, {each: len(log) for each, log in logs.items()})
            left = [arrived for each, log in logs.items() for arrived, _ in log[done[each] :]]
            assert horizon.until_ms is None or all(arrived > horizon.until_ms for arrived in left)
