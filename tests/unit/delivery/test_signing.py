"""Signatures of requests, against what the documentation tells receivers to do, and a value of the standard's."""

import time
from pathlib import Path

import pytest

from engine.delivery.signing import read_secrets, signed_headers
from engine.errors import SettingsError
from tests.receiver import documented_check

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD/yQ8T0wP5Kk="


def secrets_of(tmp_path: Path, text: str) -> tuple[bytes, ...]:
    (tmp_path / "key").write_text(text)
    return read_secrets(str(tmp_path / "key"))


def test_the_standards_own_example(tmp_path: Path) -> None:
    """As Standard Webhooks has it in its specification's reference tests."""
    headers = signed_headers(
        secrets_of(tmp_path, SECRET), "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
    )
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_lines_of_the_documentation_verify_it(tmp_path: Path) -> None:
    is_ours, now = documented_check(), int(time.time())
    headers = signed_headers(secrets_of(tmp_path, f"{SECRET}\n{OTHER}\n"), "a-1", now, b"{}")
    assert is_ours(SECRET, headers, b"{}")
    assert is_ours(OTHER, headers, b"{}")
    assert not is_ours(SECRET, headers, b"{ }")
    assert not is_ours(SECRET, {**headers, "webhook-id": "a-2"}, b"{}")
    assert not is_ours("whsec_" + "A" * 32, headers, b"{}")
    old = signed_headers(secrets_of(tmp_path, SECRET), "a-1", now - 400, b"{}")
    assert not is_ours(SECRET, old, b"{}")


@pytest.mark.parametrize("text", ["", "secret", "whsec_c2hvcnQ=", f"{SECRET}\nwhsec_%%", "\n".join([OTHER] * 6)])
def test_what_is_no_secret(tmp_path: Path, text: str) -> None:
    with pytest.raises(SettingsError, match=r"delivery.receivers.secret_file") as told:
        secrets_of(tmp_path, text)
    assert SECRET not in str(told.value)
