"""Whose turn it is: the partition whose next record came first."""

import asyncio
from types import SimpleNamespace
from typing import Any

from faust.types import TP

from engine.stream.worker.turns import give_way, in_order_of_arrival

ONE, OTHER = TP("events", 0), TP("events", 1)


def records(*arrived_ms: int | None, value: bytes | None = b"{}") -> list[Any]:
    return [SimpleNamespace(offset=offset, timestamp=ms, value=value) for offset, ms in enumerate(arrived_ms)]


def taken(fetched: dict[TP, list[Any]], most: int) -> list[tuple[int, list[int]]]:
    return [(tp.partition, [record.offset for record in batch]) for tp, batch in in_order_of_arrival(fetched, most)]


def test_partitions_take_turns_by_the_arrival_of_their_next_records() -> None:
    fetched = {ONE: records(10, 40, 50, 60, 70), OTHER: records(20, 30, 35, 90)}
    assert taken(fetched, 2) == [(0, [0, 1]), (1, [0, 1]), (1, [2, 3]), (0, [2, 3]), (0, [4])]


def test_of_two_that_came_together_the_first_partition_goes_first() -> None:
    assert taken({ONE: records(1, 2, 3), OTHER: records(2, 3)}, 1) == [
        (0, [0]), (0, [1]), (1, [0]), (0, [2]), (1, [1])
    ]  # fmt: skip


def test_records_without_a_time_come_first() -> None:
    assert taken({ONE: records(5), OTHER: records(None, 9)}, 10) == [(1, [0, 1]), (0, [0])]


def test_of_long_records_fewer_are_a_batch() -> None:
    """Else a few thousand long texts would be computed for longer than a session, by one worker after the other."""
    assert taken({ONE: records(1, 2, 3, value=b"." * (900 << 10))}, 10) == [(0, [0, 1]), (0, [2])]
    assert taken({ONE: records(1, 2, value=b"." * (3 << 20))}, 10) == [(0, [0]), (0, [1])]
    assert taken({ONE: records(1, 2, value=None)}, 10) == [(0, [0, 1])]


def test_what_took_long_goes_out_before_more_is_computed_and_what_did_not_waits_for_more() -> None:
    async def rounds(taken_s: float) -> int:
        loop, count = asyncio.get_running_loop(), 0

        def go_round() -> None:
            nonlocal count
            count += 1
            loop.call_soon(go_round)

        loop.call_soon(go_round)
        await give_way(taken_s)
        return count

    assert [asyncio.run(rounds(taken_s)) for taken_s in (0.005, 0.006)] == [0, 5]
