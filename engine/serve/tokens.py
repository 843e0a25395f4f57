"""Who may ask: a file of tokens, of which only hashes stand in it. What changes in the file counts within a second.

NAME SHA-256 OF THE TOKEN [SURFACE,SURFACE]
"""

import secrets
import time
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import structlog

from engine.errors import SettingsError

_LOOK_EVERY_S = 1.0
_TOKEN_BYTES = 32

_log = structlog.stdlib.get_logger("floodgate.serve")


class Caller(NamedTuple):
    """Somebody who may ask. `surfaces`: where; empty: everywhere."""

    name: str
    surfaces: frozenset[str]

    def may_ask(self, surface: str) -> bool:
        """Whether they may ask there."""
        return not self.surfaces or surface in self.surfaces


ANYBODY = Caller("anybody", frozenset())


class Tokens:
    """The callers of a file; without one anybody may ask. Raises SettingsError when it is made."""

    def __init__(self, path: str) -> None:
        self._path = Path(path) if path else None
        self._looked_s, self._stamp = time.monotonic(), self._stamped()
        self._callers = read_callers(self._path) if self._path is not None else {}

    def find(self, authorization: str) -> Caller | None:
        """Who sends this header; None: nobody who may ask."""
        if self._path is None:
            return ANYBODY
        self._look()
        scheme, _, token = authorization.partition(" ")
        return self._callers.get(_hashed(token.strip())) if scheme.lower() == "bearer" else None

    def _look(self) -> None:
        now_s = time.monotonic()
        if now_s - self._looked_s < _LOOK_EVERY_S:
            return
        self._looked_s = now_s
        stamp = self._stamped()
        if stamp == self._stamp or self._path is None:
            return
        try:
            self._callers, self._stamp = read_callers(self._path), stamp
        except SettingsError as error:  # it is being written: those of before go on
            _log.error("the tokens cannot be read", error=str(error))

    def _stamped(self) -> tuple[int, int] | None:
        """What changes as the file does; None while it is not there."""
        try:
            found = self._path.stat() if self._path is not None else None
        except OSError:
            return None
        return (found.st_mtime_ns, found.st_size) if found is not None else None


def read_callers(path: Path) -> dict[str, Caller]:
    """The callers of a file by the hash of their token. Raises SettingsError."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"`serve.tokens_file` cannot be read: {error}") from error
    callers = {}
    for number, line in enumerate(lines, 1):
        name, *rest = line.partition("#")[0].split() or [""]
        if not name:
            continue
        if len(rest) not in (1, 2) or len(rest[0]) != 2 * sha256().digest_size:
            raise SettingsError(f"`serve.tokens_file` has no NAME HASH [SURFACES] in line {number}")
        surfaces = frozenset(rest[1].split(",")) if len(rest) > 1 else frozenset[str]()
        callers[rest[0].lower()] = Caller(name, surfaces)
    return callers


def new_token(name: str, surfaces: tuple[str, ...]) -> tuple[str, str]:
    """A token that nobody has seen before, and its line for the file."""
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    return token, " ".join((name, _hashed(token), *([",".join(surfaces)] if surfaces else [])))


def _hashed(token: str) -> str:
    return sha256(token.encode("utf-8", "surrogateescape")).hexdigest()
