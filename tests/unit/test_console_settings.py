"""Settings of the console that cannot work."""

import typing
from pathlib import Path
from typing import Any

import pytest

from engine.console.store.roles import Role
from engine.console_settings import ConsoleSettings
from engine.errors import SettingsError
from engine.settings import load_settings

ISSUER = {"oidc_issuer": "https://id.example/realm", "oidc_client_id": "client"}


def load(tmp_path: Path, **console: Any) -> ConsoleSettings:
    """As from a file."""
    (tmp_path / "settings.yaml").write_text(f"console: {console}")
    return load_settings(tmp_path / "settings.yaml", {}).console


def test_a_provider_and_its_groups(tmp_path: Path) -> None:
    settings = load(tmp_path, **ISSUER, oidc_roles_claim="groups", oidc_roles={"trust-and-safety": "moderator"})
    assert settings.oidc_roles == {"trust-and-safety": "moderator"}
    assert settings.oidc_client_secret() == ""


def test_roles_of_groups_are_those_that_there_are() -> None:
    (_, roles) = typing.get_args(typing.get_type_hints(ConsoleSettings)["oidc_roles"])
    assert set(typing.get_args(roles)) == set(Role)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"oidc_issuer": "http://id.example", "oidc_client_id": "c"}, "oidc_issuer"),
        ({"oidc_issuer": "id.example", "oidc_client_id": "c"}, "oidc_issuer"),
        ({"oidc_issuer": "https://id.example?x=1", "oidc_client_id": "c"}, "oidc_issuer"),
        ({"oidc_issuer": "https://[", "oidc_client_id": "c"}, "oidc_issuer"),
        ({"oidc_issuer": "https://id.example"}, "oidc_client_id"),
        ({**ISSUER, "oidc_name_claim": ""}, "oidc_name_claim"),
        ({**ISSUER, "oidc_scopes": ["profile"]}, "oidc_scopes"),
        ({**ISSUER, "oidc_roles": {"a": "viewer"}}, "oidc_roles_claim"),
        ({**ISSUER, "oidc_roles_claim": "groups"}, "oidc_roles"),
        ({**ISSUER, "oidc_roles_claim": "groups", "oidc_roles": {"a": "king"}}, "king"),
        ({**ISSUER, "oidc_client_secret": "in the clear"}, "oidc_client_secret"),
        ({"public_url": "http://console.example"}, "public_url"),
    ],
)
def test_what_cannot_work_is_refused(tmp_path: Path, given: dict[str, Any], says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        load(tmp_path, **given)


def test_the_environment_writes_lists_with_commas() -> None:
    settings = load_settings(None, {"FLOODGATE_CONSOLE__OIDC_SCOPES": "openid,email"}).console
    assert settings.oidc_scopes == ("openid", "email")
    settings = load_settings(None, {"FLOODGATE_CONSOLE__OIDC_HOSTS": "a.example,b.example"}).console
    assert settings.oidc_hosts == ("a.example", "b.example")
