"""What stands in a picture, from `raw-events` to the action: words, links, copies; and what a model says of it."""

from pathlib import Path
from typing import Any

import orjson
import pytest

pytest.importorskip("rapidocr", reason="NOT TESTED: the extra `ocr` is not installed")

from tests.enriching import EnrichWorker, publish_raw
from tests.system import System, wait_until
from tests.unit.enrich.pictures.made import encoded, text_of, written
from tests.unit.enrich.pictures.test_onnx import one_colour, options

RULES = """
version: 1
fields:
  picture_text: {type: text, from: media.text}
  redness: {type: number, from: media.score.red}
counters:
  text_users_1h: {distinct: user_id, of: post, by: text, over: 1h}
rules:
  words_in_picture:
    event: post
    when: ['"followers" in lower(picture_text)']
    then: {hide: event}
    mode: enforce
    meta: {owner: spam, reason: words_in_picture}
  link_in_picture:
    event: post
    when: ['"evil.example" in url_domain']
    then: {limit: posting, for: 1h}
    mode: enforce
    meta: {owner: spam, reason: link_in_picture}
  copied_picture_text:
    event: post
    when: [text_users_1h > 2]
    then: {hide: event}
    mode: enforce
    meta: {owner: spam, reason: copied_picture_text}
  scored_picture:
    event: post
    when: [redness > 0.8, redness < 1]
    then: {hide: event}
    mode: enforce
    meta: {owner: spam, reason: scored_picture}
"""
PITCH = ("My uncle made a fortune with this", "one simple trick, write to me today")


def post(user: str, picture: str, text: str = "look") -> dict[str, Any]:
    return {
        "event_id": f"e-{user}", "type": "post", "user_id": user, "ts": 1_790_000_000_000, "text": text,
        "picture": picture,
    }  # fmt: skip


def page(*lines: str, **look: Any) -> str:
    return text_of(encoded(written(*lines, **look)))


def test_text_in_a_picture_is_text_like_any_other(tmp_path: Path) -> None:
    events: list[dict[str, Any] | bytes] = [
        post("seller", page("Cheap FOLLOWERS here")), post("linker", page("visit evil.example/win")),
        post("copy1", page(*PITCH, width=600)), post("copy2", page(*PITCH, width=640, ink="white", paper="black")),
        post("copy3", one_colour(9, 9, 9), " ".join(PITCH).upper()), post("red", one_colour(90, 20, 30)),
    ]  # fmt: skip
    limits = {"limit_ms": 60_000, "turn_ms": 20_000, "at_once": 1}
    enrichers = {"ocr": limits, "onnx": {**limits, "options": options(tmp_path)}}
    with System(tmp_path, partitions=1, enrichment={"enrichers": enrichers}) as system:
        system.publish_rulebook({"rules.yaml": RULES})
        system.start_worker("engine")
        worker = EnrichWorker(system, "enrich")
        try:
            publish_raw(system.settings, events, b"u")
            wait_until(lambda: len(system.read(system.settings.topics.events)) == len(events), "all went on")
        finally:
            worker.kill()
        system.wait_until_decided()
        found = [orjson.loads(record.value) for record in system.read(system.settings.topics.events)]
        assert [one["media"].get("text") for one in found] == [
            "Cheap FOLLOWERS here", "visit evil.example/win", "\n".join(PITCH), "\n".join(PITCH), None, None,
        ]  # fmt: skip
        assert {one["picture"].rpartition(" ")[2] for one in found} == {"characters"}
        assert {(one["rule"], one["user_id"]) for one in system.actions()} == {
            ("words_in_picture", "seller"), ("link_in_picture", "linker"), ("copied_picture_text", "copy3"),
            ("scored_picture", "red"),
        }  # fmt: skip
