"""What declarations of enrichers say that look at pictures."""

from ipaddress import ip_network
from typing import Annotated, Any, TypeVar

import msgspec

from engine.limits import at_least, between, check_limits


class PictureOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`fields`: dotted paths at which pictures stand, as base64, addresses, objects with either, or lists; `most`: so
    many of one event are looked at; `allow_hosts`, `allow_networks`, `directory`, `stores`: where addresses may lead;
    `keep_bytes`: whether pictures that come as bytes go on with the event."""

    fields: tuple[str, ...] = ("picture", "pictures", "image", "images", "image_url")
    most: Annotated[int, between(1, 32)] = 4
    max_bytes: Annotated[int, between(100, 32 << 20)] = 4 << 20
    max_pixels: Annotated[int, at_least(100)] = 25_000_000
    max_frames: Annotated[int, between(1, 64)] = 4
    allow_hosts: tuple[str, ...] = ()
    allow_networks: tuple[str, ...] = ()
    directory: str = ""
    stores: tuple[str, ...] = ()
    keep_bytes: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        check_limits(self)
        for network in self.allow_networks:
            ip_network(network)


_Options = TypeVar("_Options", bound=PictureOptions)


def read_options(options: dict[str, Any], kind: type[_Options]) -> _Options:
    """The options of a declaration. Raises ValueError, which says what is wrong with them."""
    try:
        return msgspec.convert(options, kind, strict=False)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from error
