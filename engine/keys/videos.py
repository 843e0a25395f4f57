"""Near-duplicate videos: keys that copies of one video share, by the hashes of its frames (`video_hashes`), which its
producer sends as vPDQ makes them: a PDQ hash of a frame each second or so, with its quality.

Each frame has one key of 24 bits (`images.py`). Copies have many frames that differ a little, so they share some of
these, also where one is longer than the other. An event counts under the few that come first by their keyed hashes
(`core/evaluation/choice.py`), whatever order its frames have: frames of one's own before or between them dilute them,
and do not put them off.
"""

from collections.abc import Collection, Container, Mapping
from typing import Any

from engine.core.evaluation.choice import chosen
from engine.core.kernel import hash64
from engine.core.values.banks import hash_of
from engine.keys.images import PURPOSE, hash_keys

MOST_FRAMES = 512
"""So many of a video have keys; of more, every second, third and so on."""

MOST_LOOKED_UP = 32
"""So many of a video are looked up in a bank."""

LEAST_QUALITY, LEAST_SHARE = 50, 0.8
"""As vPDQ has it: a frame of less says nothing, and a video is known where so many of its frames are."""


def frame_hashes(fields: Mapping[str, Any]) -> tuple[str, ...]:
    """The hashes of a video's frames that say something, each once, in their order. They come as a list of hashes, or
    of objects with `hash` and `quality`."""
    frames = fields.get("video_hashes")
    if type(frames) is not list:
        return ()
    step = max(1, -(-len(frames) // MOST_FRAMES))
    written = (hash_of(_hash_in(frame)) for frame in frames[::step])
    return tuple(dict.fromkeys(found for found in written if found is not None))


def video_hashes(fields: Mapping[str, Any]) -> tuple[str, ...]:
    """Those of them that banks look up: which ones, no sender can tell."""
    return chosen(frame_hashes(fields), MOST_LOOKED_UP)


def video_keys(fields: Mapping[str, Any]) -> tuple[str, ...]:
    """The keys of an event's video, one of each frame; none where its producer sends no frames."""
    secret = hash64(PURPOSE)
    return tuple(dict.fromkeys(key for found in frame_hashes(fields) for key in hash_keys(found, secret, 1)))


def is_known_video(hashes: Collection[str], bank: Container[str]) -> bool:
    """Whether four fifths of a video's frames are near to entries of a bank. One that is not known costs a fifth of the
    questions."""
    left = len(hashes) - int(LEAST_SHARE * len(hashes) + 0.999)
    for found in hashes:
        left -= found not in bank
        if left < 0:
            return False
    return bool(hashes)


def _hash_in(frame: Any) -> Any:
    if type(frame) is not dict:
        return frame
    quality: Any = frame.get("quality")
    return None if type(quality) in (int, float) and quality < LEAST_QUALITY else frame.get("hash")
