"""What rules add to live lists, where there is no broker: it is there at the next event, and goes by events' times."""

from collections.abc import Iterable

import orjson

from engine.core.domain.rules import Rulebook
from engine.rulebook.language.rule_schema import ADD
from engine.stream.control.additions import Standing, addition_of
from engine.stream.handlers.messages import Message


class OfflineAdditions:
    """Changes the live lists of a rulebook as its rules want. `topic`: of actions."""

    def __init__(self, rulebook: Rulebook, topic: str) -> None:
        self._live, self._standing, self._topic, self._now_ms = rulebook.live, Standing(rulebook), topic, 0

    @property
    def are_wanted(self) -> bool:
        """Whether any rule adds something."""
        return self._standing.are_wanted

    def begin(self, now_ms: int) -> None:
        """An event of this time comes: what is over is gone before it."""
        self._now_ms = max(self._now_ms, now_ms)
        for one in self._standing.expire(self._now_ms):
            self._live[one.list_name].drop(one.entry)

    def note(self, messages: Iterable[Message]) -> None:
        """What an event has brought about."""
        for message in messages if self.are_wanted else ():
            if message.topic == self._topic and b'"add"' in message.value:
                action = orjson.loads(message.value)
                wanted = addition_of(action, self._now_ms) if action["kind"] == ADD else None
                known = self._live[wanted.list_name].entries if wanted is not None else ()
                if wanted is not None and wanted.entry not in known and self._standing.take(wanted):
                    self._live[wanted.list_name].put(wanted.entry)
