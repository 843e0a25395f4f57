"""Attempts to sign in at a provider."""

import re

from engine.console.openid.attempts import Attempt


def test_a_cookie_holds_an_attempt() -> None:
    attempt = Attempt.begin('/decisions?user=a;b"c.é')
    assert Attempt.from_cookie(attempt.cookie) == attempt
    assert re.fullmatch(r"[\w.%~-]+", attempt.cookie, re.ASCII), "nothing that a cookie cannot hold as it is"
    assert Attempt.from_cookie("") is None
    assert Attempt.from_cookie(".%2F") is None


def test_what_the_provider_is_told_does_not_tell_the_secret_and_is_another_each_time() -> None:
    one, other = Attempt.begin("/"), Attempt.begin("/")
    told = [value for attempt in (one, other) for value in (attempt.state, attempt.nonce, attempt.verifier)]
    assert len(set(told)) == 6
    assert not any(one.secret in value for value in told)
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", one.verifier), "as RFC 7636 wants it"


def test_an_attempt_is_answered_by_its_own_state() -> None:
    one, other = Attempt.begin("/"), Attempt.begin("/")
    assert one.is_answered_by(one.state)
    assert not one.is_answered_by(other.state)
    assert not one.is_answered_by("")
    assert not one.is_answered_by("é\udc80")
