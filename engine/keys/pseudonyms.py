"""Pseudonyms: what stands for a person's ids wherever the engine keeps or tells something.

A pseudonym is the id under AES-SIV (RFC 5297): a keyed hash of it, then the id enciphered with that hash. The same id
always has the same one, so counters, lists and canaries work on pseudonyms as they do on ids. Without the key nobody
can tell whose it is, nor try out ids until one fits; with it, the id comes back for the actions, which have to name
whom they are about. `docs/decisions/0020-pseudonyms.md`.
"""

from base64 import urlsafe_b64decode
from binascii import b2a_base64
from collections.abc import Iterable, Sequence
from functools import lru_cache, partial
from hashlib import sha512
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from engine.core.domain.events import Event
from engine.core.values.identity import MAX_ID_CHARS
from engine.core.values.networks import address_of
from engine.keys.network import ip_prefixes

MARK = "~"
"""What every pseudonym begins with."""

_REMEMBERED = 65_536
_URL_SAFE = bytes.maketrans(b"+/", b"-_")


class Pseudonyms:
    """Makes and reveals pseudonyms. The first of `keys` makes them, all of them reveal; `paths`: where events hold ids.

    Raises IndexError without a key.
    """

    def __init__(self, keys: Sequence[str], paths: Iterable[str]) -> None:
        self._ciphers = [AESSIV(sha512(key.encode()).digest()) for key in keys]
        self._paths = tuple(sorted(paths))
        self._hides_networks = "ip" in self._paths
        self._remembered = lru_cache(_REMEMBERED)(partial(self._under, self._ciphers[0]))

    def of(self, text: str) -> str:
        """The pseudonym of an id. Of nothing: nothing."""
        return self._remembered(text) if len(text) <= MAX_ID_CHARS else self._under(self._ciphers[0], text)

    def every(self, text: str) -> list[str]:
        """The pseudonyms of an id, under each of the keys."""
        return [self._under(cipher, text) for cipher in self._ciphers]

    def reveal(self, text: str) -> str:
        """The id that a pseudonym stands for; what is none, or was made with a key that is gone, as it is."""
        if not text.startswith(MARK):
            return text
        try:
            sealed = urlsafe_b64decode(text.removeprefix(MARK).encode("ascii") + b"==")
        except ValueError:
            return text
        for cipher in self._ciphers:
            try:
                return cipher.decrypt(sealed, None).decode("utf-8", "surrogatepass")
            except (InvalidTag, ValueError):
                continue
        return text

    def conceal(self, event: Event) -> None:
        """Put pseudonyms where an event names people, in place. Its network, which cannot be told from the pseudonym
        of an address, is noted beside it."""
        event.user_id = self.of(event.user_id)
        fields = event.fields
        if self._hides_networks:
            (prefix,) = ip_prefixes(fields) or ("",)
            if prefix:
                fields["ip_prefix"] = self.of(prefix)
        for path in self._paths:
            value = fields.get(path)
            if type(value) is str:
                fields[path] = self.of(address_of(value) if path == "ip" else value)
            elif path in fields:
                fields[path] = self._concealed(value)
            if "." in path:  # perhaps at both places
                self._replace(fields, path)

    def _replace(self, document: dict[str, Any], path: str) -> None:
        """What stands at a dotted path, as `events.lookup` finds it."""
        *way, last = path.split(".")
        inner: Any = document
        for part in way:
            inner = inner.get(part) if type(inner) is dict else None
        if type(inner) is dict and last in inner:
            inner[last] = self._concealed(inner[last])

    def _concealed(self, value: Any) -> Any:
        """An id, or a list of some. What is neither is left out."""
        if type(value) is list:
            return [self._concealed(entry) if type(entry) is not list else None for entry in value]
        if type(value) is int:
            value = str(value)
        return self.of(value) if type(value) is str else None

    @staticmethod
    def _under(cipher: AESSIV, text: str) -> str:
        if not text:
            return text
        sealed = cipher.encrypt(text.encode("utf-8", "surrogatepass"), None)
        return MARK + b2a_base64(sealed, newline=False).rstrip(b"=").translate(_URL_SAFE).decode("ascii")
