"""Which of the messages that take each other's places are new: sequence numbers, by group and signer.

A signer's message counts if its number is larger than that of the same signer's last one in the group. Between signers
the order on the topic decides, so no clock and no number of one shuts another one out.
"""

from collections.abc import Mapping
from itertools import takewhile

_MOST_PENDING = 1_000


class Newest:
    """The numbers of the last messages. What has been seen but not used counts until the end of this process; what was
    used, and what came before that, is for `verified.py` to keep."""

    def __init__(self) -> None:
        self._seen: dict[str, dict[str, int]] = {}
        self._passed: dict[str, dict[str, int]] = {}
        self._pending: dict[str, list[tuple[int, str, int]]] = {}  # offset, signer, number; in order
        self._used: dict[str, int] = {}

    def remember(self, group: str, sequences: Mapping[str, int], offset: int) -> None:
        """What was kept of a group: its numbers, and where what is in force stood."""
        self._seen[group], self._passed[group], self._used[group] = dict(sequences), dict(sequences), offset

    def is_overtaken(self, group: str, signer: str, offset: int) -> bool:
        """Whether a message of a signer of whom nothing is known stands before the one that is in force."""
        return signer not in self._seen.get(group, ()) and offset <= self._used.get(group, -1)

    def note(self, group: str, signer: str, sequence: int, offset: int) -> bool:
        """Note a message; False when it is not new."""
        seen = self._seen.setdefault(group, {})
        if sequence <= seen.get(signer, 0):
            return False
        seen[signer] = sequence
        pending = self._pending.setdefault(group, [])
        pending.append((offset, signer, sequence))
        if len(pending) > _MOST_PENDING:
            self._pass(group, 1)
        return True

    def use(self, group: str, offset: int) -> dict[str, int]:
        """A message is in force: the numbers to be kept with it."""
        self._pass(group, sum(1 for _ in takewhile(lambda pending: pending[0] <= offset, self._pending.get(group, ()))))
        return dict(self._passed.get(group, ()))

    def _pass(self, group: str, count: int) -> None:
        pending = self._pending.get(group, [])
        self._passed.setdefault(group, {}).update({signer: sequence for _, signer, sequence in pending[:count]})
        del pending[:count]
        if not pending:
            self._pending.pop(group, None)
