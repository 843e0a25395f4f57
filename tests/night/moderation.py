"""Moderators: what they say of the latest posts, right or wrong."""

import time
from collections.abc import Sequence

import orjson

from tests.night.traffic import is_spam, user_of
from tests.system import System, wait_until

_ON_THE_WAY = 300
"""So many posts back, all are decided."""


def latest(sent: int, count: int) -> list[int]:
    """The numbers of so many posts that are decided, half of them spam."""
    numbers = range(sent - _ON_THE_WAY, -1, -1)
    spam, ham = [one for one in numbers if is_spam(one)], [one for one in numbers if not is_spam(one)]
    return [*spam[: count // 2], *ham[: count // 2]]


def judge(system: System, numbers: Sequence[int], moderator: str, right: bool = True) -> None:
    """A moderator says of each whether it is spam. Returns when the model in use has learned it."""

    def learned() -> float:
        return max(worker.metric("floodgate_model_labels") for worker in system.workers)

    before, ts_ms = learned(), int(time.time() * 1000)
    said = [
        {"event_id": f"e{one}", "user_id": user_of(one), "label": "spam" if is_spam(one) is right else "ham",
         "moderator": moderator, "ts": ts_ms}
        for one in numbers
    ]  # fmt: skip
    system.publish([], map(orjson.dumps, said))
    wait_until(lambda: learned() >= before + len(numbers), f"the labels of {moderator} are learned")
