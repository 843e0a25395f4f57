"""ID tokens that are not what they should be: nobody comes in with one."""

import base64
import time
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from engine.console.store.database import Store
from engine.console.store.own import SESSIONS
from tests.console import rows_of
from tests.openid import CLIENT, SECRET, Claims, OpenIDProvider, browser, is_in, sign_in, verbs


def with_claims(**changed: Any) -> Callable[[OpenIDProvider, Claims], str]:
    """An ID token of the provider that says something else; None: without the claim."""

    def forge(provider: OpenIDProvider, claims: Claims) -> str:
        return provider.sign({name: value for name, value in (claims | changed).items() if value is not None})

    return forge


def by_another_key(provider: OpenIDProvider, claims: Claims) -> str:
    """Signed by somebody else, under the name of the provider's key."""
    return jwt.encode({"alg": "RS256", "kid": provider.key.kid}, claims, RSAKey.generate_key(2048))


def by_nobody(provider: OpenIDProvider, claims: Claims) -> str:
    """alg: none."""
    header = {"alg": "none", "kid": provider.key.kid}
    parts = [base64.urlsafe_b64encode(orjson.dumps(part)).rstrip(b"=").decode() for part in (header, claims)]
    return f"{'.'.join(parts)}."


def by_the_public_key(provider: OpenIDProvider, claims: Claims) -> str:
    """An HMAC with what everybody knows."""
    pem = provider.key.public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    key = OctKey.import_key(base64.urlsafe_b64encode(pem).decode())
    return jwt.encode({"alg": "HS256", "kid": provider.key.kid}, claims, key)


def by_the_client_secret(provider: OpenIDProvider, claims: Claims) -> str:
    """An HMAC with what the client knows."""
    return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(SECRET * 2))


def in_part(provider: OpenIDProvider, claims: Claims) -> str:
    """Claims of somebody else below the signature of the provider."""
    header, _, signature = provider.sign(claims).split(".")
    body = base64.urlsafe_b64encode(orjson.dumps(claims | {"preferred_username": "root"})).rstrip(b"=").decode()
    return f"{header}.{body}.{signature}"


FORGERIES: dict[str, Callable[[OpenIDProvider, Claims], str]] = {
    "another key": by_another_key,
    "alg none": by_nobody,
    "HS256 with the public key": by_the_public_key,
    "HS256 with the client's secret": by_the_client_secret,
    "other claims": in_part,
    "no token": lambda provider, claims: "",
    "the nonce of another attempt": with_claims(nonce="other"),
    "no nonce": with_claims(nonce=None),
    "for somebody else": with_claims(aud="another-client"),
    "for us and somebody else, issued to them": with_claims(aud=[CLIENT, "another"], azp="another"),
    "for us and somebody else, issued to nobody": with_claims(aud=[CLIENT, "another"]),
    "for nobody": with_claims(aud=[]),
    "expired": with_claims(exp=int(time.time()) - 120),
    "never expiring": with_claims(exp=None),
    "issued tomorrow": with_claims(iat=int(time.time()) + 86_400),
    "of another issuer": with_claims(iss="https://bad.example"),
    "of nobody": with_claims(sub=None),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_token_is_not_believed(store: Store, provider: OpenIDProvider, forgery: str) -> None:
    provider.forge = lambda claims: FORGERIES[forgery](provider, claims)
    client = browser(store, provider)
    refused = sign_in(client)
    assert (refused.status_code, "cannot be believed" in refused.text) == (403, True)
    assert not is_in(client)
    assert rows_of(store, SESSIONS) == []
    assert verbs(store) == ["failed to sign in"]
    provider.forge = provider.sign
    assert sign_in(client).status_code == 200


def test_a_key_that_is_no_more_there_counts_no_more(store: Store, provider: OpenIDProvider) -> None:
    client, old = browser(store, provider), provider.key
    assert sign_in(client).status_code == 200
    provider.key = RSAKey.generate_key(2048, auto_kid=True)
    assert sign_in(client).status_code == 200, "the new one counts at once"
    provider.forge = lambda claims: jwt.encode({"alg": "RS256", "kid": old.kid}, claims, old)
    assert sign_in(client).status_code == 403


@pytest.mark.parametrize("keys", [b'{"keys": []}', b"{}", b'{"keys": ["x"]}', b'{"keys": [{"kty": "oct", "k": "AA"}]}'])
def test_without_a_key_nothing_is_believed(store: Store, provider: OpenIDProvider, keys: bytes) -> None:
    provider.answers[f"{provider.path}/jwks"] = (200, {}, keys)
    assert sign_in(browser(store, provider)).status_code == 403
