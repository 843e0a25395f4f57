"""Places on the earth, as latitude and longitude in degrees."""

from math import asin, cos, radians, sin, sqrt

_EARTH_KM = 6_371.0088
"""The mean radius (IUGG): distances are off by half a percent at most, as the earth is no sphere."""


def are_places(lat1: object, lon1: object, lat2: object, lon2: object) -> bool:
    """Whether these are two places: numbers, and within what latitudes and longitudes can be."""
    return _is_within(lat1, 90) and _is_within(lon1, 180) and _is_within(lat2, 90) and _is_within(lon2, 180)


def km(lat1: float, lon1: float, lat2: float, lon2: float) -> float | None:
    """The great-circle distance of two places (haversine), to the metre; None where these are no places."""
    if not are_places(lat1, lon1, lat2, lon2):
        return None
    phi1, phi2 = radians(lat1), radians(lat2)
    half_lat, half_lon = (phi2 - phi1) / 2, radians(lon2 - lon1) / 2
    chord = sin(half_lat) ** 2 + cos(phi1) * cos(phi2) * sin(half_lon) ** 2
    return round(2 * _EARTH_KM * asin(sqrt(min(1.0, chord))), 3)


def _is_within(degrees: object, most: int) -> bool:
    return type(degrees) in (int, float) and -most <= degrees <= most  # type: ignore[operator]  # a number here
