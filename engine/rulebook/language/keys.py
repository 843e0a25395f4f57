"""What is computed from an event to count by or to ask about: the domains that it links to, its network, its text, its
pictures and its video."""

from collections.abc import Callable
from typing import Any

from engine.core.values.networks import address_of
from engine.keys.images import image_keys
from engine.keys.network import ip_prefixes
from engine.keys.text import fingerprints
from engine.keys.urls import url_domains
from engine.keys.videos import video_keys

OWN_TEXT = "own_fingerprints(f)"
"""Source text of the keys of a text among those of one user alone."""

KEY_SOURCES = {
    "url_domain": "url_domains(f)", "ip_prefix": "ip_prefixes(f)", "text": "fingerprints(f)", "image": "image_keys(f)",
    "video": "video_keys(f)",
}  # fmt: skip
"""Source text of the keys of each kind."""

KEY_PATHS = {
    "url_domain": ("text", "url", "urls", "media"), "ip_prefix": ("ip", "ip_prefix"), "text": ("text", "media"),
    "image": ("media",), "video": ("video_hashes",),
}  # fmt: skip
"""The fields that they are made of."""

MANY_OF_ONE = ("text", "image", "video")
"""Those of which one thing has several keys: one of them tells things apart."""

IMAGE, VIDEO = "image", "video"
"""The pictures of an event, and its video. Counters count by keys that copies share; clauses read their hashes."""

IN_BANKS = (IMAGE, VIDEO)
"""Those that banks are about."""

LIST_SOURCES = {name: KEY_SOURCES[name] for name in ("url_domain", "ip_prefix")} | {
    IMAGE: "image_hashes(f)",
    VIDEO: "video_hashes(f)",
}
"""Source text of those that clauses read as lists."""

KEY_FINDERS: dict[str, Callable[[dict[str, Any]], tuple[str, ...]]] = {
    "url_domain": url_domains,
    "ip_prefix": ip_prefixes,
}
"""What finds those that rules act on."""

CANONICAL: dict[str, Callable[[str], tuple[str, ...]]] = {
    "url_domain": lambda entry: url_domains({"url": entry}),
    "ip_prefix": lambda entry: ip_prefixes({"ip": entry}),
    "ip": lambda entry: (address_of(entry),),
    "text": lambda entry: fingerprints({"text": entry}),
    "image": lambda entry: image_keys({"media": {"hashes": [entry]}}),
    "video": lambda entry: video_keys({"video_hashes": [entry]}),
}
"""How an entry of a list is written as a key of that kind."""
