"""What commands publish is signed, and refused here already where the workers would refuse it."""

from typing import Any, NamedTuple

from engine.errors import PublishError
from engine.settings import Settings
from engine.stream.publishers import Publishers, Scope
from engine.stream.signing import SIGNATURE, Headers, Signer


class _Draft(NamedTuple):
    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers


class Author:
    """Signs what this process publishes within one scope. Where its settings tell who may publish, it is one of them.
    Raises SettingsError when it is made."""

    def __init__(self, settings: Settings, scope: Scope) -> None:
        self._signer, self._publishers, self._scope = Signer(settings), Publishers(settings), scope

    def headers(self, topic: str, key: bytes | None, value: bytes | None) -> Headers:
        """The headers of a message. Raises PublishError when the workers would refuse it."""
        headers = self._signer.headers(topic, key, value)
        draft: Any = _Draft(topic, key, value, headers)
        if self._publishers.accept(draft, self._scope) is None:
            raise PublishError(self._refused() if SIGNATURE in dict(headers) else _UNSIGNED)
        return headers

    def _refused(self) -> str:
        return (
            f"your key may not do this, and the workers would refuse it: `security.publishers_file` needs the name "
            f"{self._signer.name!r} with the scope `{self._scope}` and a key that fits yours and has not ended"
        )


_UNSIGNED = (
    "this has to be signed, else the workers refuse it: set `security.publisher` and `security.publisher_key_file`; "
    "`floodgate keys new NAME` makes a key"
)
