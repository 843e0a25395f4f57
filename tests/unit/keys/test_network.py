"""Addresses, down to the network that one subscriber has."""

import pytest

from engine.keys.network import ip_prefixes


@pytest.mark.parametrize(
    ("ip", "prefixes"),
    [
        ("203.0.113.77", ("203.0.113.0/24",)),
        ("2001:db8:1:2ff:3::9", ("2001:db8:1:200::/56",)),
        ("::ffff:203.0.113.77", ("203.0.113.0/24",)),
        (" 10.0.0.1 ", ("10.0.0.0/24",)),
        ("fe80::1%eth0", ("fe80::/56",)),
        ("203.0.113.77:50123", ("203.0.113.0/24",)),
        ("[2001:db8:1:2ff:3::9]:50123", ("2001:db8:1:200::/56",)),
        ("not an address", ()),
        ("", ()),
        (None, ()),
        (17, ()),
    ],
)
def test_prefixes(ip: object, prefixes: tuple[str, ...]) -> None:
    assert ip_prefixes({"ip": ip}) == prefixes
