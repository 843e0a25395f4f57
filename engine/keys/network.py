"""The network that an address belongs to: what one subscriber, household or rented machine gets."""

from collections.abc import Mapping
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import Any

from engine.core.values.networks import address_of, is_usual_v4

V4_BITS, V6_BITS = 24, 56


def ip_prefixes(fields: Mapping[str, Any]) -> tuple[str, ...]:
    """The /24 of an event's IPv4 address, or the /56 of an IPv6 one: `203.0.113.0/24`. None or one. An event whose
    `ip` does not tell it says itself, as `ip_prefix`."""
    address, declared = fields.get("ip"), fields.get("ip_prefix")
    prefix = ip_prefix(address) if type(address) is str else None
    if prefix is None and type(declared) is str and declared:
        return (declared,)
    return (prefix,) if prefix is not None else ()


@lru_cache(maxsize=65_536)
def ip_prefix(text: str) -> str | None:
    """The prefix of an address; None for anything that is not one."""
    usual = address_of(text)
    if is_usual_v4(usual):
        return f"{usual.rpartition('.')[0]}.0/24"
    try:
        return str(ip_network((ip_address(usual), V6_BITS), strict=False))
    except ValueError:
        return None
