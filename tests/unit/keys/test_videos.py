"""Keys that copies of a video share, and whether one is known, by the hashes of its frames."""

from random import Random
from typing import Any

import pytest

from engine.core.evaluation.choice import chosen, most_of
from engine.keys.videos import MOST_FRAMES, MOST_LOOKED_UP, frame_hashes, is_known_video, video_hashes, video_keys
from tests.unit.keys.test_images import changed


def video(seed: int, frames: int) -> list[str]:
    random = Random(seed)
    return [f"{random.getrandbits(256):064x}" for _ in range(frames)]


def counted(frames: list[str]) -> set[str]:
    return {*chosen(video_keys({"video_hashes": frames}), most_of("video"))}


@pytest.mark.parametrize(("bits", "strange"), [(4, 0), (10, 0), (10, 30), (16, 60)])
def test_copies_share_a_key_also_where_frames_of_other_videos_are_before_them(bits: int, strange: int) -> None:
    found = 0
    for seed in range(40):
        frames = video(seed, 60)
        copy = [changed(frame, bits, seed + at) for at, frame in enumerate(frames[5:])]
        found += bool(counted(frames) & counted([*video(seed + 1_000, strange), *copy]))
    assert found >= 32


def test_other_videos_share_none_and_of_long_ones_not_only_the_beginning_counts() -> None:
    all_keys = [counted(video(seed, 60)) for seed in range(200)]
    assert {len(keys) for keys in all_keys} == {most_of("video")}
    assert len(set.union(*all_keys)) >= 200 * most_of("video") - 4  # of 20,000 pairs: a key has 24 bits
    frames = video(1, 3 * MOST_FRAMES)
    assert len(frame_hashes({"video_hashes": frames})) == MOST_FRAMES
    assert frames[-3] in frame_hashes({"video_hashes": frames})


def test_frames_that_say_nothing_are_left_out_and_what_is_no_hash() -> None:
    (one, two, three) = video(1, 3)
    frames: list[Any] = [
        {"hash": one, "quality": 49}, {"hash": two, "quality": 50, "timestamp": 1.0}, three, {"hash": three}, 7, None,
        "x" * 64, {"quality": 100}, [one],
    ]  # fmt: skip
    assert frame_hashes({"video_hashes": frames}) == (two, three)
    others: list[Any] = [None, one, {}, []]
    assert [frame_hashes({"video_hashes": other}) for other in others] == [(), (), (), ()]


@pytest.mark.parametrize(("strange", "is_known"), [(0, True), (2, True), (3, False), (10, False)])
def test_a_video_is_known_where_four_fifths_of_its_frames_are(strange: int, is_known: bool) -> None:
    frames = video(1, 20)
    shown = [*frames[: 10 - strange], *video(2, strange)]
    assert is_known_video(video_hashes({"video_hashes": shown}), frames) is is_known
    assert not is_known_video((), frames)


def test_of_a_long_video_so_many_frames_are_looked_up_and_no_sender_knows_which() -> None:
    frames = video(1, 400)
    asked = video_hashes({"video_hashes": frames})
    assert len(asked) == MOST_LOOKED_UP
    assert asked != tuple(frames[:MOST_LOOKED_UP])
    assert {*asked} == {*video_hashes({"video_hashes": frames[::-1]})}
