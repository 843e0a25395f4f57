"""The provider: what it is asked, and how often."""

import time
from collections.abc import Iterator

import httpx2
import pytest

from engine.console.openid import provider as module
from engine.console.openid.attempts import Attempt
from engine.console.openid.provider import Provider
from engine.errors import RequestError
from tests.console import settings_of
from tests.openid import CLIENT, OpenIDProvider

BACK = "https://console.example/login/openid/return"


@pytest.fixture
def there() -> Iterator[OpenIDProvider]:
    """The provider itself."""
    with OpenIDProvider() as running:
        yield running


def known(there: OpenIDProvider) -> Provider:
    """What the console has of it."""
    return Provider(settings_of(**there.settings()).console)


def test_nothing_is_asked_before_somebody_signs_in(there: OpenIDProvider) -> None:
    known(there)
    assert there.asked == []


def test_the_browser_takes_no_secret_along(there: OpenIDProvider) -> None:
    attempt = Attempt.begin("/queue")
    url = httpx2.URL(known(there).url_for(attempt, BACK))
    told = dict(url.params)
    assert told.pop("code_challenge") not in ("", attempt.verifier)
    assert told == {
        "response_type": "code", "client_id": CLIENT, "redirect_uri": BACK, "scope": "openid profile",
        "state": attempt.state, "nonce": attempt.nonce, "code_challenge_method": "S256",
    }  # fmt: skip
    assert attempt.secret not in str(url)
    assert attempt.verifier not in str(url)


def test_what_it_says_about_itself_is_kept_for_a_while(there: OpenIDProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    provider, now = known(there), [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    for now[0] in (10.0, 20.0, 9.0 + module.DISCOVERED_FOR_S):
        provider.url_for(Attempt.begin("/"), BACK)
    assert len(there.asked) == 1
    now[0] = 10.0 + module.DISCOVERED_FOR_S
    provider.url_for(Attempt.begin("/"), BACK)
    assert len(there.asked) == 2


def test_it_is_asked_again_after_a_failure(there: OpenIDProvider) -> None:
    provider, place = known(there), f"{there.path}/.well-known/openid-configuration"
    there.answers[place] = (503, {}, b"")
    with pytest.raises(RequestError, match="answered with 503"):
        provider.url_for(Attempt.begin("/"), BACK)
    del there.answers[place]
    assert provider.url_for(Attempt.begin("/"), BACK)
