"""ID tokens: which signatures count. The forgeries are in tests/integration/openid/test_forgeries.py."""

import base64
import time
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from engine.console.openid.id_tokens import ALGORITHMS, identify, verify
from engine.console.store.roles import Role
from engine.console_settings import ConsoleSettings
from engine.errors import RequestError

ISSUER = "https://id.example"
SETTINGS = ConsoleSettings(oidc_issuer=ISSUER, oidc_client_id="client")
CLAIMS = {"iss": ISSUER, "aud": "client", "sub": "s1", "nonce": "n"}
RSA = RSAKey.generate_key(2048, auto_kid=True)
KEYS: dict[str, Key] = {
    **dict.fromkeys([name for name in ALGORITHMS if name[:2] in ("RS", "PS")], RSA),
    "ES256": ECKey.generate_key("P-256", auto_kid=True),
    "ES384": ECKey.generate_key("P-384", auto_kid=True),
    "ES512": ECKey.generate_key("P-521", auto_kid=True),
    "Ed25519": OKPKey.generate_key("Ed25519", auto_kid=True),
}
NOW_S = int(time.time())


def signed(algorithm: str, key: Key, **header: Any) -> str:
    """A token that is valid now."""
    claims = {**CLAIMS, "iat": NOW_S, "exp": NOW_S + 60}
    registry = JWSRegistry(algorithms=[algorithm], strict_check_header=False)
    return jwt.encode({"alg": algorithm, "kid": str(key.kid), **header}, claims, key, registry=registry)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_what_only_the_provider_can_sign_counts(algorithm: str) -> None:
    unknown = {"kty": "AKP", "alg": "ML-DSA-44", "pub": "AA"}
    keys = {"keys": [unknown, *(key.as_dict(private=False) for key in KEYS.values())]}
    token = signed(algorithm, KEYS[algorithm], x_own="of the provider's own")
    assert verify(token, keys, SETTINGS, "n", NOW_S)["sub"] == "s1"


def test_what_has_to_be_understood_and_is_not_is_refused() -> None:
    part = signed("RS256", RSA).partition(".")[2]
    header = base64.urlsafe_b64encode(b'{"alg":"RS256","crit":["x"],"x":1}').rstrip(b"=").decode()
    with pytest.raises(RequestError, match="cannot be believed"):
        verify(f"{header}.{part}", {"keys": [RSA.as_dict(private=False)]}, SETTINGS, "n", NOW_S)


def test_a_key_for_something_else_does_not_sign() -> None:
    keys = {"keys": [{**RSA.as_dict(private=False), "use": "enc"}]}
    with pytest.raises(RequestError, match="cannot be believed"):
        verify(signed("RS256", RSA), keys, SETTINGS, "n", NOW_S)


@pytest.mark.parametrize("later_s", [-61, 120])
def test_a_token_is_valid_for_its_time(later_s: int) -> None:
    keys = {"keys": [RSA.as_dict(private=False)]}
    with pytest.raises(RequestError, match="cannot be believed"):
        verify(signed("RS256", RSA), keys, SETTINGS, "n", NOW_S + later_s)


@pytest.mark.parametrize("token", [None, "", "a.b.c", "é", 7, {}, "eyJhbGciOiJSUzI1NiJ9.e30.AA", "a.b.c.d.e"])
def test_what_is_no_token_is_refused(token: object) -> None:
    keys = {"keys": [RSA.as_dict(private=False)]}
    with pytest.raises(RequestError, match="cannot be believed"):
        verify(token, keys, SETTINGS, "n", NOW_S)


def test_who_somebody_is_hangs_on_their_provider() -> None:
    assert identify({**CLAIMS, "preferred_username": "ann"}, SETTINGS) == ("ann", f"{ISSUER} s1", None)


@pytest.mark.parametrize("name", ["", None, 7, ["ann"]])
def test_a_name_is_a_text(name: object) -> None:
    with pytest.raises(RequestError, match="oidc_name_claim"):
        identify({**CLAIMS, "preferred_username": name}, SETTINGS)


def test_a_group_may_be_a_text_too() -> None:
    settings = ConsoleSettings(
        oidc_issuer=ISSUER, oidc_client_id="client", oidc_roles_claim="role", oidc_roles={"staff": "viewer"}
    )
    assert identify({**CLAIMS, "preferred_username": "ann", "role": "staff"}, settings).role is Role.VIEWER
    with pytest.raises(RequestError, match="none of the groups"):
        identify({**CLAIMS, "preferred_username": "ann", "role": "staffed"}, settings)
