"""An attempt to sign in at the provider, from the button until the browser comes back."""

import hmac
import secrets
from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import NamedTuple, Self
from urllib.parse import quote, unquote


class Attempt(NamedTuple):
    """`secret`: only the cookie of the browser that began has it, and what the provider is told is derived from it: a
    code that comes to another browser, or from another attempt, is of no use. `place`: where they wanted to go."""

    secret: str
    place: str

    @classmethod
    def begin(cls, place: str) -> Self:
        """A new one."""
        return cls(secrets.token_urlsafe(32), place)

    @classmethod
    def from_cookie(cls, cookie: str) -> Self | None:
        """The one that a cookie holds; None where it holds none."""
        secret, _, place = cookie.partition(".")
        return cls(secret, unquote(place)) if secret else None

    @property
    def cookie(self) -> str:
        """What the browser keeps."""
        return f"{self.secret}.{quote(self.place, safe='')}"

    @property
    def state(self) -> str:
        """Comes back with the browser: the answer belongs to this attempt."""
        return self._derived("state")

    @property
    def nonce(self) -> str:
        """Comes back in the ID token: it was issued for this attempt."""
        return self._derived("nonce")

    @property
    def verifier(self) -> str:
        """Proves to the provider that who brings the code has begun the attempt (PKCE, RFC 7636)."""
        return self._derived("verifier")

    def is_answered_by(self, state: str) -> bool:
        """Whether an answer of this state belongs to this attempt."""
        return hmac.compare_digest(state.encode("utf-8", "replace"), self.state.encode())

    def _derived(self, name: str) -> str:
        value = hmac.new(self.secret.encode("utf-8", "replace"), name.encode(), sha256).digest()
        return urlsafe_b64encode(value).rstrip(b"=").decode()
