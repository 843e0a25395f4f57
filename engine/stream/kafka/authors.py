"""What commands publish is signed, and refused here already where the workers would refuse it."""

import logging
from typing import Any, NamedTuple

from engine.errors import PublishError
from engine.settings import Settings
from engine.stream.kafka.publishers import Publishers, Scope
from engine.stream.kafka.signing import SIGNATURE, Headers, Signer

_log = logging.getLogger("floodgate")


class _Draft(NamedTuple):
    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers


class Author:
    """Signs what this process publishes within one scope. Where its settings tell who may publish, it is one of them,
    or with `security.unverified: warn` it is told that it has to become one. Raises SettingsError when it is made."""

    def __init__(self, settings: Settings, scope: Scope) -> None:
        self._signer, self._scope = Signer(settings), scope
        self._publishers = Publishers(settings, on_unverified=self._warn)

    def headers(self, topic: str, key: bytes | None, value: bytes | None) -> Headers:
        """The headers of a message. Raises PublishError when the workers would refuse it."""
        headers = self._signer.headers(topic, key, value)
        draft: Any = _Draft(topic, key, value, headers)
        if self._publishers.accept(draft, self._scope) is None:
            raise PublishError(self._refused(draft))
        return headers

    def _warn(self, draft: _Draft) -> None:
        _log.warning("the workers take this for now, as `security.unverified` is `warn`; but %s", self._refused(draft))

    def _refused(self, draft: _Draft) -> str:
        if SIGNATURE not in dict(draft.headers):
            return _UNSIGNED
        return (
            f"your key may not do this, and the workers would refuse it: `security.publishers_file` needs the name "
            f"{self._signer.name!r} with the scope `{self._scope}` and a key that fits yours and has not ended"
        )


_UNSIGNED = (
    "this has to be signed, else the workers refuse it: set `security.publisher` and `security.publisher_key_file`; "
    "`floodgate keys new NAME` makes a key"
)
