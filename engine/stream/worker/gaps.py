"""Holes in what is read of a partition, and reads that a rebalance has dropped.

Records that do not follow are read again. A gap counts as real (markers of transactions, compaction) only when a fetch
that began at its near end shows it again: after a rebalance, Faust and aiokafka can drop a fetch, and one that was
dropped has moved the position on. Where the end of a partition was dropped, with nothing behind it to show the gap, it
is read again a few times; what is still not there then is a marker.
"""

from collections.abc import Mapping

from faust.types import TP

_READ_AGAIN = 3


class Gaps:
    """What is suspected of each partition. Plain data: who reads the partition does the reading."""

    def __init__(self) -> None:
        self._suspected: dict[TP, int] = {}  # the far end of a gap that was seen once
        self._began: dict[TP, int] = {}  # where the fetch under way begins, of those
        self._reread: dict[TP, tuple[int, int, int]] = {}

    @property
    def suspected(self) -> list[TP]:
        """Partitions with a gap that was seen once."""
        return list(self._suspected)

    def begin_fetch(self, positions: Mapping[TP, int]) -> None:
        """A fetch begins here, for the suspected ones."""
        self._began = dict(positions)

    def settle(self, tp: TP) -> None:
        """The records follow: there was no gap."""
        self._suspected.pop(tp, None)

    def is_real(self, tp: TP, near: int, first: int) -> bool:
        """Whether nothing lies between these offsets, the first that was to come and the first that came. If that is
        not known, it is suspected from now on."""
        suspected = self._suspected.pop(tp, None)
        if first <= near or (suspected == first and self._began.get(tp) == near):
            return True
        self._suspected[tp] = first
        return False

    def may_be_read_again(self, tp: TP, following: int, reached: int) -> bool:
        """Whether what lies between these offsets has not been asked for too often yet."""
        *known, times = self._reread.get(tp, (following, reached, 0))
        times = times + 1 if known == [following, reached] else 1
        self._reread[tp] = following, reached, times
        return times <= _READ_AGAIN

    def behind_markers(self, tp: TP, following: int) -> int:
        """The next offset of a partition, or what lies behind the markers that were found to be all that follows."""
        known, reached, times = self._reread.get(tp, (following, following, 0))
        return reached if known == following and times > _READ_AGAIN else following

    def forget(self, tp: TP) -> None:
        """The partition is someone else's."""
        self._suspected.pop(tp, None)
        self._reread.pop(tp, None)

    def pin(self) -> None:
        """All positions are pinned anew: nothing is suspected."""
        self._suspected.clear()
