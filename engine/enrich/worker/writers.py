"""The only producer that may write to a partition of `events` for the stage: fenced, without a message of its own."""

from engine.stream.worker.fencing import Writer


class QuietWriter(Writer):
    """A writer whose marker no consumer is shown: that of a transaction in which nothing was written, given up. The
    broker refuses older epochs from that marker on, as it does from a batch."""

    async def open(self) -> int:
        """Fence everyone else, for good. Returns 0: where the marker stands does not matter here."""
        await self._client.give_up_transaction(self._transactional_id, self._tp)
        # The broker gives the id anew only when the marker is written; until then it lets who asks wait.
        await self._start()
        return 0

    async def renew(self) -> int:
        """Take a newer epoch. Who owns the partition has to look once more how far it has got."""
        return await self.open()
