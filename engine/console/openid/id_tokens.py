"""ID tokens: who signed them, for whom and for what, and whom they name."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from engine.console.store.roles import Role
from engine.console_settings import ConsoleSettings
from engine.errors import RequestError

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519")
"""With a public key one can check these, and not sign. `none` and HMACs are not among them."""
LEEWAY_S = 60
_ASYMMETRIC = ("RSA", "EC", "OKP")


class Identity(NamedTuple):
    """Who somebody is at the provider. `subject`: what stays the same if they are renamed, with the provider; `role`:
    here, by the groups that they are in there; None: their account says it."""

    name: str
    subject: str
    role: Role | None


def verify(token: object, keys: Mapping[str, Any], settings: ConsoleSettings, nonce: str, now_s: int) -> CodeIDToken:
    """The claims of an ID token that one of the provider's keys has signed, for us, for this attempt, and that is valid
    now. Raises RequestError."""
    options = {
        "iss": {"essential": True, "value": settings.oidc_issuer},
        "aud": {"essential": True, "value": settings.oidc_client_id},
        "sub": {"essential": True},
    }
    try:
        usable = [key for key in keys["keys"] if key["kty"] in _ASYMMETRIC and key.get("use", "sig") == "sig"]
        registry = JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
        decoded = jwt.decode(str(token), KeySet.import_key_set({"keys": usable}), registry=registry)
        claims = CodeIDToken(
            decoded.claims, decoded.header, options, {"nonce": nonce, "client_id": settings.oidc_client_id}
        )
        claims.validate(now_s, LEEWAY_S)
    except (JoseError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise RequestError(
            f"what the OpenID provider says about you cannot be believed ({str(error)[:200]}): sign in again; if it "
            "goes on, tell who runs this console", 403,
        ) from error  # fmt: skip
    return claims


def identify(claims: Mapping[str, Any], settings: ConsoleSettings) -> Identity:
    """Whom verified claims name. Raises RequestError where they do not say it, or none of their groups may come in."""
    name = claims.get(settings.oidc_name_claim)
    if not isinstance(name, str) or not name:
        raise RequestError(
            f"the OpenID provider does not tell your name: its ID tokens have no {settings.oidc_name_claim!r}. Who "
            "runs this console may set `console.oidc_name_claim` or `console.oidc_scopes`", 403,
        )  # fmt: skip
    if settings.oidc_name_claim == "email" and claims.get("email_verified") is not True:
        raise RequestError("the OpenID provider has not verified your address: verify it there, then sign in", 403)
    return Identity(name, f"{claims['iss']} {claims['sub']}", _role(claims, settings) if settings.oidc_roles else None)


def _role(claims: Mapping[str, Any], settings: ConsoleSettings) -> Role:
    found = claims.get(settings.oidc_roles_claim)
    groups = found if isinstance(found, list) else [found]
    for group, role in settings.oidc_roles.items():
        if group in groups:
            return Role(role)
    raise RequestError(
        f"you are in none of the groups that may come in ({settings.oidc_roles_claim!r} of the OpenID provider): ask "
        "who runs it to add you to one", 403,
    )  # fmt: skip
