"""Settings of deliveries that cannot work."""

from pathlib import Path
from typing import Any

import pytest

from engine.delivery_settings import DeliverySettings
from engine.errors import SettingsError
from engine.settings import load_settings


def load(tmp_path: Path, url: str, name: str = "posts", **more: Any) -> DeliverySettings:
    """As from a file."""
    receivers = {name: {"url": url, "secret_file": "posts.key"}}
    (tmp_path / "settings.yaml").write_text(f"delivery: { ({'receivers': receivers} | more)!r}")
    return load_settings(tmp_path / "settings.yaml", {}).delivery


def test_hosts_are_this_machine_and_those_that_are_listed(tmp_path: Path) -> None:
    assert load(tmp_path, "http://127.0.0.1:8080/a").receivers["posts"].host == "127.0.0.1"
    assert load(tmp_path, "https://posts.internal/a", hosts=["posts.internal"]).hosts == ("posts.internal",)
    with pytest.raises(SettingsError, match=r"`delivery.hosts` does not have evil.example, where receiver posts is"):
        load(tmp_path, "https://evil.example/a", hosts=["posts.internal"])
    environment = {"FLOODGATE_DELIVERY__HOSTS": "a.internal,b.internal"}
    assert load_settings(None, environment).delivery.hosts == ("a.internal", "b.internal")


@pytest.mark.parametrize(
    "url",
    [
        "http://posts.internal/a", "ftp://127.0.0.1/a", "https:///a", "https://user:pass@posts.internal/a",
        "https://posts.internal/a#b", "posts.internal", "http://[::1/a",
    ],
)  # fmt: skip
def test_urls_that_cannot_be_trusted(tmp_path: Path, url: str) -> None:
    with pytest.raises(SettingsError, match=r"`delivery.receivers.url` is https"):
        load(tmp_path, url, hosts=["posts.internal"])


def test_a_name_is_a_part_of_a_group(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="names are small letters"):
        load(tmp_path, "http://127.0.0.1/", name="Posts of Anna")
