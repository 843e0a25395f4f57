"""Requests are signed as Standard Webhooks has it, so that receivers may use what there is for it.

webhook-id          the action's id: the same each time that it is sent
webhook-timestamp   when it was sent, in epoch seconds
webhook-signature   v1,BASE64 of the HMAC-SHA256 over `id.timestamp.body`; of several secrets one after the other
"""

import hmac
from base64 import b64decode, b64encode
from binascii import Error as Base64Error

from engine.errors import SettingsError
from engine.security import read_secret

_PREFIX = "whsec_"
_LEAST_BYTES = 24
_MOST_SECRETS = 5


def read_secrets(path: str) -> tuple[bytes, ...]:
    """The secrets in a file, a line each. Raises SettingsError."""
    setting = "delivery.receivers.secret_file"
    lines = read_secret(path, setting).split()
    secrets = tuple(secret for secret in map(_decoded, lines) if secret is not None)
    if len(secrets) < len(lines) or len(secrets) > _MOST_SECRETS:  # not shown: it may be the secret itself
        raise SettingsError(
            f"`{setting}` has lines of `{_PREFIX}` and the Base64 of at least {_LEAST_BYTES} bytes, at most "
            f'{_MOST_SECRETS} of them: echo "{_PREFIX}$(openssl rand -base64 32)"'
        )
    return secrets


def _decoded(line: str) -> bytes | None:
    try:
        secret = b64decode(line.removeprefix(_PREFIX), validate=True)
    except (Base64Error, ValueError):
        return None
    return secret if line.startswith(_PREFIX) and len(secret) >= _LEAST_BYTES else None


def signed_headers(secrets: tuple[bytes, ...], action_id: str, sent_s: int, body: bytes) -> dict[str, str]:
    """The headers of a request."""
    signed = b".".join((action_id.encode(), b"%d" % sent_s, body))
    made = (b64encode(hmac.digest(secret, signed, "sha256")).decode() for secret in secrets)
    return {
        "webhook-id": action_id,
        "webhook-timestamp": str(sent_s),
        "webhook-signature": " ".join(f"v1,{one}" for one in made),
    }
