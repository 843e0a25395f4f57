"""Databases of networks: what they say of addresses, and what happens when their files change."""

import os
from pathlib import Path
from typing import Any

import pytest

from engine.core.domain.reference import Column, Lookup
from engine.reference.databases import Databases
from tests.mmdb import write_mmdb

BERLIN = {
    "country": {"iso_code": "DE"},
    "location": {"latitude": 52.5, "longitude": 13.4},
    "subdivisions": [{"iso_code": "BE"}],
}
CITY = Lookup(
    "mmdb", "city.mmdb", "ip",
    (
        Column("a", "country.iso_code"), Column("b", "location.latitude"), Column("c", "subdivisions.0.iso_code"),
        Column("d", "is_anonymous"),
    ),
)  # fmt: skip


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    write_mmdb(tmp_path / "city.mmdb", {"192.0.2.0/24": BERLIN, "2001:db8::/32": {"is_anonymous": True}})
    return tmp_path


def opened(directory: Path) -> Databases:
    databases = Databases(directory)
    databases.use([CITY])
    return databases


@pytest.mark.parametrize(
    ("address", "row"),
    [
        ("192.0.2.7", ("DE", 52.5, "BE", None)),
        (" 192.0.2.7", ("DE", 52.5, "BE", None)),
        ("::ffff:192.0.2.7", ("DE", 52.5, "BE", None)),
        ("2001:DB8::1", (None, None, None, True)),
        ("198.51.100.1", None),
        ("no address", None),
        ("", None),
        ("192.0.2.0/24", None),
        ("192.0.2.7" + " " * 100, None),
        ("\ud800", None),
    ],
)
def test_an_address_is_found_however_it_is_written(directory: Path, address: str, row: Any) -> None:
    assert opened(directory).find(CITY, address) == row


def test_its_version_is_the_day_on_which_it_was_built(directory: Path) -> None:
    databases = opened(directory)
    assert databases.version("city.mmdb") == "2026-11-03"
    assert databases.version("asn.mmdb") is None


def test_what_is_not_there_is_unknown_and_missing(tmp_path: Path) -> None:
    databases = opened(tmp_path)
    assert databases.find(CITY, "192.0.2.7") is None
    assert databases.missing() == ["city.mmdb"]


def test_a_file_that_is_replaced_is_opened_anew(directory: Path) -> None:
    databases = opened(directory)
    assert databases.refresh() == []
    newer = write_mmdb(directory / "newer", {"192.0.2.0/24": {"country": {"iso_code": "FR"}}}, built_s=1_793_750_400)
    newer.replace(directory / "city.mmdb")
    assert databases.refresh() == ["city.mmdb"]
    row, version = databases.find(CITY, "192.0.2.7"), databases.version("city.mmdb")
    assert (row, version) == (("FR", None, None, None), "2026-11-04")


@pytest.mark.parametrize("content", [b"", b"no database", b"\xab\xcd\xefMaxMind.com\xe0"])
def test_a_file_that_cannot_be_read_leaves_the_one_before_it_in_use(directory: Path, content: bytes) -> None:
    databases, newer = opened(directory), directory / "newer"
    newer.write_bytes(content)
    newer.replace(directory / "city.mmdb")
    assert databases.refresh() == []
    assert databases.find(CITY, "192.0.2.7") == ("DE", 52.5, "BE", None)
    assert (databases.missing(), list(databases.errors)) == ([], ["city.mmdb"])
    write_mmdb(newer, {"192.0.2.0/24": BERLIN}).replace(directory / "city.mmdb")
    assert (databases.refresh(), databases.errors) == (["city.mmdb"], {})


def test_a_file_that_goes_away_leaves_what_was_read_in_use(directory: Path) -> None:
    databases = opened(directory)
    (directory / "city.mmdb").unlink()
    assert databases.refresh() == []
    assert databases.find(CITY, "192.0.2.7") is not None


def test_no_path_is_read(directory: Path) -> None:
    outside = Lookup("mmdb", f"..{os.sep}{directory.name}{os.sep}city.mmdb", "ip", CITY.columns)
    databases = Databases(directory)
    databases.use([outside])
    assert databases.find(outside, "192.0.2.7") is None


def test_what_no_rule_names_any_more_is_let_go(directory: Path) -> None:
    databases = opened(directory)
    databases.use([])
    assert (databases.find(CITY, "192.0.2.7"), databases.version("city.mmdb")) == (None, None)
