"""A ring that posts one picture changed a little each time, and a known one turned: from `raw-events` to the action."""

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest

pytest.importorskip("PIL", reason="NOT TESTED: the extra `images` is not installed")
pytest.importorskip("zxingcpp", reason="NOT TESTED: the extra `images` is not installed")

from engine.enrich.pictures.views import hashes_of
from tests.enriching import EnrichWorker, publish_raw
from tests.system import System, wait_until
from tests.unit.enrich.pictures.made import encoded, picture, pillow, text_of
from tests.unit.enrich.pictures.test_looking import qr

# Rings look back: the order in which partitions meet at a picture, which nothing says, is nothing to them.
RULES = """
version: 1
banks: {scams: {values: [KNOWN]}}
counters:
  image_users_1h: {distinct: user_id, of: post, by: image, over: 1h}
  video_users_1h: {distinct: user_id, of: post, by: video, over: 1h}
rules:
  video_ring:
    event: post
    when: [video_users_1h > 5]
    then: {limit: posting, for: 1h, also: earlier, lookback: 1h}
    mode: enforce
    meta: {owner: spam, reason: video_ring}
  known_video:
    event: post
    when: [video in banks.scams]
    then: {flag: known_video}
    mode: enforce
    meta: {owner: spam, reason: known_video}
  picture_ring:
    event: post
    when: [image_users_1h > 5]
    then: {limit: posting, for: 1h, also: earlier, lookback: 1h}
    mode: enforce
    meta: {owner: spam, reason: picture_ring}
  known_picture:
    event: post
    when: [image in banks.scams]
    then: {flag: known_picture}
    mode: enforce
    meta: {owner: spam, reason: known_picture}
  coded_link:
    event: post
    when: ['"evil.example" in url_domain']
    then: {hide: event}
    mode: enforce
    meta: {owner: spam, reason: coded_link}
"""


def post(number: int, user: str, data: bytes) -> dict[str, Any]:
    return {
        "event_id": f"e{number}", "type": "post", "user_id": user, "ts": 1_790_000_000_000 + 1_000 * number,
        "picture": text_of(data),
    }  # fmt: skip


def frames(seed: int, quality: int, before: int = 0) -> list[dict[str, Any]]:
    """The hashes of a video of eight frames, compressed, behind some that another has."""
    shown = [picture(9_000 * (before + seed) + n) for n in range(before)]
    shown += [pillow.open(BytesIO(encoded(picture(1_000 * seed + n), "JPEG", quality=quality))) for n in range(8)]
    upright = [dict(hashes_of(np.asarray(frame)).upright) for frame in shown]
    return [{"hash": found, "quality": best} for one in upright for found, best in one.items()]


def video(number: int, user: str, hashes: list[dict[str, Any]]) -> dict[str, Any]:
    return {**post(number, user, b""), "picture": "", "video_hashes": hashes}


def test_a_ring_of_one_picture_is_found_and_a_code_is_a_link(tmp_path: Path) -> None:
    original, known, ways = picture(1), picture(2), list(pillow.Transpose)
    copies = [original.resize((320 - 7 * n, 240 - 3 * n)).transpose(ways[n % 7]) for n in range(10)]
    ring = [encoded(copy, "JPEG", quality=40 + 4 * n) for n, copy in enumerate(copies)]
    (hashed,) = hashes_of(np.asarray(known)).upright
    events: list[dict[str, Any] | bytes] = [post(n, f"ring{n}", data) for n, data in enumerate(ring)]
    events += [post(20 + n, f"people{n}", encoded(picture(100 + n))) for n in range(10)]
    events += [post(30 + n, f"copier{n}", encoded(known.transpose(way), "JPEG")) for n, way in enumerate(ways[:5])]
    events.append(post(40, "phisher", encoded(qr("https://evil.example/login"))))
    shown: list[dict[str, Any] | bytes] = [
        video(50 + n, f"player{n}", frames(1, 40 + 5 * n, before=n % 3)) for n in range(8)
    ]
    shown += [video(60 + n, f"watcher{n}", frames(10 + n, 90)) for n in range(8)]
    first = frames(3, 95)
    shown += [video(70, "pirate", frames(3, 60)), video(71, "reporter", frames(4, 90) + first[:3])]
    enrichers = {"pictures": {"limit_ms": 60_000, "turn_ms": 20_000}}
    with System(tmp_path, partitions=2, enrichment={"enrichers": enrichers}) as system:
        known_hashes = ", ".join([hashed, *(one["hash"] for one in first)])
        system.publish_rulebook({"rules.yaml": RULES.replace("KNOWN", known_hashes)})
        system.start_worker("engine")
        worker = EnrichWorker(system, "enrich")
        try:
            publish_raw(system.settings, events + shown)
            wait_until(lambda: len(system.read(system.settings.topics.events)) == len(events + shown), "all went on")
        finally:
            worker.kill()
        system.wait_until_decided()
        actions = system.actions()
        known_users = {one["user_id"] for one in actions if one["rule"] == "known_picture"}
        assert known_users == {f"copier{n}" for n in range(5)}
        rings = {(one["rule"], one["user_id"]) for one in actions if one["rule"].endswith("_ring")}
        pictures = {("picture_ring", f"ring{n}") for n in range(10)}
        assert rings == pictures | {("video_ring", f"player{n}") for n in range(8)}
        assert {one["user_id"] for one in actions if one["rule"] == "coded_link"} == {"phisher"}
        assert {one["user_id"] for one in actions if one["rule"] == "known_video"} == {"pirate"}
        assert "6 events of 6 users" in system.run("lists", "matches", "scams")
        values = [record.value for record in system.read(system.settings.topics.events)]
        looked_at = [value for value in values if b"video_hashes" not in value]
        assert all(len(value) < 1_000 and orjson.loads(value)["media"]["images"] for value in looked_at)
        told = system.run("forget", "phisher", "--dry-run", "--config", str(tmp_path / "enrich.json"))
        assert f"{system.settings.topics.raw_events} 1" in told
