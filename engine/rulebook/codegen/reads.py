"""Which names have been read where a part of a generated function is run: a name is read once, and whether it has been
is asked where that depends on what held before."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager


class Reads:
    """The reads of one function. What is written `in_order` is run in that order, each line in any case; of anything
    else nobody knows when it is run."""

    def __init__(self) -> None:
        self._certain: set[str] | None = None  # read by now, whatever held
        self._if_held: set[str] = set()  # read as well if the condition holds that was written last
        self._written: set[str] = set()
        self.asked: set[str] = set()
        """Those of which it is asked whether they have been read."""

    @contextmanager
    def in_order(self) -> Iterator[None]:
        """What is written within is run from its first line to its last."""
        self._certain = set()
        try:
            yield
        finally:
            self._certain = None

    @contextmanager
    def apart(self) -> Iterator[None]:
        """What is written within may be run elsewhere."""
        certain, if_held = self._certain, self._if_held
        self._certain = None
        try:
            yield
        finally:
            self._certain, self._if_held = certain, if_held

    def __contains__(self, name: str) -> bool:
        return self._certain is not None and name in self._certain

    def read(self, name: str, source: str) -> str:
        """Source of a variable that is set here, unless it has been before."""
        is_first = self._certain is not None and name not in self._written
        self._written.add(name)
        if self._certain is not None:
            self._certain.add(name)
        if is_first:
            return f"({name} := {source})"
        self.asked.add(name)
        return f"({name} if {name} is not U else ({name} := {source}))"

    def joined(self, word: str, parts: Sequence[Callable[[], str]]) -> str:
        """Source of a condition of several, joined by "and" or "or", each written when its turn comes. The first one is
        run in any case, the others as far as those before them leave it open."""
        sources, always = [], None
        for write in parts:
            self._if_held = set()
            sources.append(write())
            if self._certain is not None:
                always = set(self._certain) if always is None else always
                self._certain = self._certain | self._if_held if word == "and" else set(always)
        self._if_held = self._certain - always if self._certain is not None and always is not None else set()
        self._certain = always if self._certain is not None and always is not None else self._certain
        return f"({f' {word} '.join(sources)})"
