"""Addresses and networks, in any writing."""

import pytest

from engine.core.values.networks import Network, address_of, network_of


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("198.51.100.0/24", "198.51.100.*"),
        ("198.51.0.0/16", "198.51.*.*"),
        ("198.51.100.7", "::ffff:198.51.100.7"),
        ("198.51.100.7", "::FFFF:c633:6407"),
        ("2001:DB8:5::/56", "2001:0db8:0005:0000::/56"),
        ("2001:db8::1", "2001:0DB8:0:0:0:0:0:1"),
        ("198.51.100.99/24", "198.51.100.0/24"),
    ],
)
def test_the_same_network_is_the_same(one: str, other: str) -> None:
    assert network_of(one) is not None
    assert network_of(one) == network_of(other)


@pytest.mark.parametrize(
    "text",
    ["anna", "12", "1.2", "1.2.3.4.5", "300.1.1.1", "198.51.100.0/33", "*.example.com", "1.*.2.3", "*", "", "10:30",
     "9" * 70, "::1 hello", "1.2.3.*/24", "example.com"],
)  # fmt: skip
def test_what_is_no_network_is_none(text: str) -> None:
    assert network_of(text) is None


def test_a_network_lies_in_larger_ones() -> None:
    address, network = network_of("198.51.100.7"), network_of("198.51.0.0/16")
    assert address is not None
    assert network == Network(4, 16, 0xC633)
    assert address.within(16) == network


@pytest.mark.parametrize(
    ("written", "usual"),
    [
        ("2001:0DB8::0001", "2001:db8::1"), ("::ffff:10.0.0.1", "10.0.0.1"), (" 10.0.0.1 ", "10.0.0.1"), ("no", "no"),
        ("10.0.0.1:443", "10.0.0.1"), ("[2001:DB8::1]:65535", "2001:db8::1"), ("[2001:db8::1]", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"), ("[::ffff:10.0.0.1%2]:80", "10.0.0.1"), ("10.0.0.1:443:1", "10.0.0.1:443:1"),
        ("10.0.0.0/24", "10.0.0.0/24"), (" no ", " no "),
    ],
)  # fmt: skip
def test_addresses_have_one_writing(written: str, usual: str) -> None:
    assert address_of(written) == usual
