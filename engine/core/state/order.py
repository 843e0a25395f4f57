"""In which order the events of a user come, where that is not the order of their times."""

import struct

_PACKED = struct.Struct("<IIH")


class Order:
    """What is known of a user of whom an event lies ahead of its arrival, or is earlier than others before it, or of
    whom something later than all events is known.

    `newest`: the time of the newest event, on the record's scale; `ahead_ms`: how far that lies ahead of the last
    arrival; `disorder`: how much has come out of order."""

    __slots__ = ("ahead_ms", "disorder", "newest")

    def __init__(self, newest: int, ahead_ms: int = 0, disorder: int = 0) -> None:
        self.newest = newest
        self.ahead_ms = ahead_ms
        self.disorder = disorder

    def dump(self) -> bytes:
        """Newest u32 | ahead_ms u32 | disorder u16."""
        return _PACKED.pack(self.newest, self.ahead_ms, self.disorder)


def load_order(data: bytes, at: int) -> tuple[Order, int]:
    """What `dump` wrote at a place, and where it ends. Raises struct.error."""
    return Order(*_PACKED.unpack_from(data, at)), at + _PACKED.size
