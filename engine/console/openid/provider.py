"""The OpenID provider: where people are sent to sign in, and who they are when they come back (code flow with PKCE)."""

import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from authlib.oauth2.base import OAuth2Error
from authlib.oauth2.client import OAuth2Client

from engine.console.openid.attempts import Attempt
from engine.console.openid.id_tokens import Identity, identify, verify
from engine.console.openid.session import Session
from engine.console_settings import ConsoleSettings
from engine.errors import RequestError

DISCOVERED_FOR_S = 600


class Provider:
    """The provider that the settings name. Nothing is asked before somebody signs in. Threads may share it. Raises
    SettingsError where the client's secret cannot be read."""

    def __init__(self, settings: ConsoleSettings) -> None:
        settings.oidc_client_secret()
        self._settings = settings
        self.host = urlsplit(settings.oidc_issuer).netloc
        self._session = Session((self.host, *settings.oidc_hosts))
        self._discovered: Mapping[str, Any] = {}
        self._until = 0.0

    def url_for(self, attempt: Attempt, back: str) -> str:
        """Where the browser goes to sign in. `back`: our address to which it comes back. Raises RequestError."""
        endpoint = self._session.check(self._discover().get("authorization_endpoint"))
        client = self._client(back)
        url, _ = client.create_authorization_url(
            endpoint, state=attempt.state, code_verifier=attempt.verifier, nonce=attempt.nonce
        )
        return str(url)

    def identify(self, attempt: Attempt, code: str, back: str, now_ms: int) -> Identity:
        """Who came back with this code. Raises RequestError: 403 where they cannot be believed, 502 where the provider
        cannot be asked."""
        discovered = self._discover()
        try:
            token = self._client(back).fetch_token(
                self._session.check(discovered.get("token_endpoint")),
                grant_type="authorization_code", code=code, code_verifier=attempt.verifier,
            )  # fmt: skip
        except OAuth2Error as error:
            status = 403 if error.error == "invalid_grant" else 502  # anything else is no fault of who signs in
            raise RequestError(
                f"the OpenID provider {self.host} does not accept this sign-in ({str(error)[:200]}): sign in again; if "
                "it goes on, tell who runs this console", status,
            ) from error  # fmt: skip
        except (ValueError, TypeError) as error:
            raise RequestError(
                f"the OpenID provider {self.host} answered with something else than a token", 502
            ) from error
        keys = self._session.get(discovered.get("jwks_uri"))  # not kept: a key counts for as long as it is there
        claims = verify(token.get("id_token"), keys, self._settings, attempt.nonce, now_ms // 1000)
        return identify(claims, self._settings)

    def _client(self, back: str) -> OAuth2Client:
        secret, known = self._settings.oidc_client_secret(), self._discovered
        ways = known.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        way = "client_secret_post" if "client_secret_post" in ways else "client_secret_basic"  # basic escapes differ
        return OAuth2Client(
            self._session, self._settings.oidc_client_id, secret, way if secret else "none",
            scope=" ".join(self._settings.oidc_scopes), redirect_uri=back, code_challenge_method="S256",
        )  # fmt: skip

    def _discover(self) -> Mapping[str, Any]:
        """What the provider says about itself, kept for some minutes. Two threads that ask at once learn the same."""
        if time.monotonic() >= self._until:
            issuer = self._settings.oidc_issuer
            found = self._session.get(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
            if found.get("issuer") != issuer:
                raise RequestError(
                    f"the OpenID provider calls itself {str(found.get('issuer'))[:200]!r}: who runs this console sets "
                    "`console.oidc_issuer` to the same, letter for letter", 502,
                )  # fmt: skip
            self._discovered, self._until = found, time.monotonic() + DISCOVERED_FOR_S
        return self._discovered
