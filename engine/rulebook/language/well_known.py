"""What databases of networks (MaxMind DB) usually tell: where it stands in them, and of which type it is."""

from collections.abc import Mapping

from engine.rulebook.language.nodes import Type

WELL_KNOWN: Mapping[str, str] = {
    "country": "country.iso_code",
    "registered_country": "registered_country.iso_code",
    "continent": "continent.code",
    "region": "subdivisions.0.iso_code",
    "city": "city.names.en",
    "postal_code": "postal.code",
    "time_zone": "location.time_zone",
    "lat": "location.latitude",
    "lon": "location.longitude",
    "accuracy_km": "location.accuracy_radius",
    "asn": "autonomous_system_number",
    "as_organization": "autonomous_system_organization",
    "isp": "isp",
    "connection_type": "connection_type",
    "is_anonymous": "is_anonymous",
    "is_anonymous_vpn": "is_anonymous_vpn",
    "is_hosting_provider": "is_hosting_provider",
    "is_public_proxy": "is_public_proxy",
    "is_tor_exit_node": "is_tor_exit_node",
}
"""By the name that the short form gives it, its path in the records of GeoIP2 and GeoLite2."""

_NUMBERS = frozenset(
    (
        "location.latitude", "location.longitude", "location.accuracy_radius", "location.metro_code",
        "autonomous_system_number", "traits.autonomous_system_number", "traits.user_count", "user_count",
    )
)  # fmt: skip


def type_at(path: str) -> Type:
    """Of which type the value at a path is: numbers and yes or no are known, anything else is a text."""
    last = path.rpartition(".")[2]
    if path in _NUMBERS or last in ("geoname_id", "confidence"):
        return "number"
    return "bool" if last.startswith("is_") else "text"
