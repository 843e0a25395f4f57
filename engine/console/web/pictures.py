"""What was found in an event's pictures, for pages: facts about them, and never the pictures themselves.

A picture is a file that somebody made, or lies where somebody says. So no browser fetches or decodes one for this
page: its size, its hash, what codes and text in it say, and what models make of it are shown as text, beside a small
one that is made of pixels (`previews.py`). Where no stage stands before `events`, all of it may be a sender's.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from engine.console.web.previews import Preview, previews_of

_MOST, _MOST_CHARS, _MOST_NAME_CHARS = 16, 2_000, 200
_MOST_UNBROKEN_CHARS = 1_000
"""A longer text without a blank is a file, as base64."""


class InPictures(NamedTuple):
    """`sizes`: format, width and height of each; `scores`: by model, from 0 to 1; `said`: what codes say, and text;
    `unread`: why one was not read, or not to its end; `previews`: small ones, `is_blurred` until somebody asks."""

    sizes: list[str]
    hashes: list[str]
    scores: list[tuple[str, float]]
    said: list[str]
    unread: list[str]
    previews: list[Preview]
    is_blurred: bool = True


def in_pictures(fields: Mapping[str, Any] | None, blur_from: float = 0.0) -> InPictures | None:
    """What was found in the pictures of an event; None where nothing was. `blur_from`: the least score with which small
    pictures are blurred; those without any score are, too."""
    media = fields.get("media") if fields is not None else None
    if not isinstance(media, dict):
        return None
    images, missing = media.get("images"), _mapping(_mapping(fields and fields.get("enriched")).get("missing"))
    found = InPictures(
        [_size_of(_mapping(one)) for one in images[:_MOST]] if isinstance(images, list) else [],
        _texts(media.get("hashes")),
        [
            (str(name)[:_MOST_NAME_CHARS], float(score))
            for name, score in list(_mapping(media.get("score")).items())[:_MOST]
            if type(score) in (int, float) and 0 <= score <= 1
        ],
        [*_texts(media.get("codes")), *_texts([media.get("text")])],
        [*_texts(media.get("unread")), *_texts([f"{name}: {reason}" for name, reason in missing.items()])],
        previews_of(media),
    )
    highest = max((score for _, score in found.scores), default=1.0)
    return found._replace(is_blurred=highest >= blur_from) if any(found[:-1]) else None


def without_bytes(value: Any) -> Any:
    """A field as a page shows it: of a file in it the beginning, and how long it is."""
    if isinstance(value, str):
        is_long = len(value) > _MOST_UNBROKEN_CHARS and " " not in value
        return f"{value[:_MOST_UNBROKEN_CHARS]}… ({len(value)} characters)" if is_long else value
    if isinstance(value, list):
        return [without_bytes(item) for item in value]
    if isinstance(value, dict):
        return {name: without_bytes(item) for name, item in value.items()}
    return value


def _size_of(image: Mapping[str, Any]) -> str:
    kind, width, height = (image.get(name) for name in ("format", "width", "height"))
    return f"{kind}, {width} by {height}"[:_MOST_NAME_CHARS]


def _texts(value: Any) -> list[str]:
    return [item[:_MOST_CHARS] for item in value if isinstance(item, str)][:_MOST] if isinstance(value, list) else []


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
