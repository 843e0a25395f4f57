"""The scenes with pictures: a function of their seed, and what the starter rules make of them."""

from functools import cache
from pathlib import Path

import pytest

pytest.importorskip("PIL", reason="NOT TESTED: the extra `images` is not installed")
pytest.importorskip("zxingcpp", reason="NOT TESTED: the extra `images` is not installed")

from engine.cli.pictures import looked_at
from engine.cli.sim import acts_on
from engine.rulebook.compiler import load_rulebook
from engine.sim.pictured import (
    PICTURE_ATTACKS,
    PICTURE_CROWDS,
    WRITTEN_ATTACKS,
    WRITTEN_CROWDS,
    simulate_pictures,
)
from engine.sim.verdict import judge, judge_lookalikes
from engine.sim.world import AREAS, PICTURE_AREAS, SimulatedEvent, simulate_day

RULES = Path(__file__).parents[3] / "rules"
MOST_CHARS, PEOPLE = 20_000, 400


@cache
def pictured(seed: int = 1) -> list[SimulatedEvent]:
    return simulate_pictures(seed, PEOPLE)


def pictures_of(one: SimulatedEvent) -> list[str]:
    images = one.event.get("images", [one.event.get("image")])
    assert isinstance(images, list)
    return images


def test_the_same_seed_gives_the_same_scenes() -> None:
    assert simulate_pictures(1, PEOPLE) == pictured() != pictured(2)


def test_every_scene_takes_place_and_the_truth_is_not_in_the_event() -> None:
    assert {one.attack for one in pictured()} == {None, *PICTURE_ATTACKS}
    assert {one.lookalike for one in pictured()} == {None, *PICTURE_CROWDS}
    assert not any({"attack", "lookalike", "media"} & one.event.keys() for one in pictured())
    assert PICTURE_AREAS.keys() == (PICTURE_ATTACKS | WRITTEN_ATTACKS).keys()
    assert set(PICTURE_AREAS.values()) <= AREAS.keys()


def test_pictures_are_small_and_a_ring_sends_none_twice() -> None:
    ring = [picture for one in pictured() if one.attack == "picture_ring" for picture in pictures_of(one)]
    assert len(ring) == len(set(ring)) > 300
    assert all(0 < len(picture) < MOST_CHARS for one in pictured() for picture in pictures_of(one))


@pytest.mark.parametrize("seed", [1, 2])
def test_the_crowds_are_the_people_of_the_day_and_no_event_has_another_ones_id(seed: int) -> None:
    day = simulate_day(seed, PEOPLE)
    crowd = {one.event["user_id"] for one in pictured(seed) if one.attack is None}
    assert len(crowd & {one.event["user_id"] for one in day}) > 0.8 * len(crowd) > 100
    ids = [one.event["event_id"] for one in pictured(seed)]
    assert not {one.event["event_id"] for one in day} & set(ids)
    assert len(ids) == len(set(ids))


def test_the_starter_rules_catch_the_rings_and_spare_who_passes_pictures_on() -> None:
    seen = looked_at(pictured())
    assert all("media" in one.event and "enriched" not in one.event for one in seen)
    actions = acts_on(load_rulebook(RULES), seen)
    results, innocent = judge(seen, actions)
    assert {result.name: result.rules for result in results} == {
        "picture_ring": {"picture_ring"}, "coded_links": {"coded_link_ring"},
    }  # fmt: skip
    assert all(result.recall >= 0.95 and (result.first_after_ms or 0) < 20 * 60_000 for result in results)
    assert not innocent
    assert [crowd.share for crowd in judge_lookalikes(seen, actions)] == [0.0] * len(PICTURE_CROWDS)


def test_text_in_pictures_can_be_read_and_is_nearly_the_same() -> None:
    """That the rules for copied text then find the ring shows `floodgate sim report`: reading them all takes long."""
    pytest.importorskip("rapidocr", reason="NOT TESTED: the extra `ocr` is not installed")
    scenes = simulate_pictures(1, PEOPLE, written=True)
    assert [one for one in scenes if not {one.attack, one.lookalike} & (WRITTEN_ATTACKS | WRITTEN_CROWDS).keys()] == (
        pictured()
    )
    ring = [one for one in scenes if one.attack in WRITTEN_ATTACKS]
    assert len({str(one.event["image"]) for one in ring}) == len(ring) > 80
    for one in looked_at(ring[:3]):
        media = one.event["media"]
        assert isinstance(media, dict)
        assert {"savings", "trading", "write", "start"} & set(media["text"].lower().split())
