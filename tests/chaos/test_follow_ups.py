"""Workers die while hits are counted and labels come: each hit and each verdict stands in the counters once."""

import random
from pathlib import Path
from typing import Any

import orjson

from engine.settings import Settings
from tests.events import START_MS
from tests.system import System, wait_until

RULES = """
version: 1
counters:
  hits:    {count: hit.bad, by: device_id, over: 20d, cap: 1000}
  own:     {count: hit.bad, by: user_id, over: 20d, cap: 1000}
  spam:    {count: label.spam, by: device_id, over: 20d, cap: 1000}
  guilty:  {distinct: user_id, of: label.spam, by: device_id, over: 20d, cap: 1000}
  pair:    {count: label.spam, by: [user_id, device_id], over: 20d, cap: 1000}
rules:
  bad:  {event: post, when: [event.bad == 1], then: {hide: content}}
  asks: {event: probe, when: [hits >= 0, own >= 0, spam >= 0, guilty >= 0, pair >= 0], then: {flag: x}, mode: shadow}
"""
USERS, DEVICES, POSTS = 24, 9, 6_000
Post = dict[str, Any]


def posts(seed: int) -> list[Post]:
    rng = random.Random(seed)
    return [
        {"event_id": f"p{at}", "type": "post", "user_id": f"u{rng.randrange(USERS)}", "ts": START_MS + 50 * at,
         "device_id": f"d{rng.randrange(DEVICES)}", "bad": int(rng.random() < 0.1)}
        for at in range(POSTS)
    ]  # fmt: skip


def verdicts(rng: random.Random, made: list[Post]) -> tuple[list[Post], list[Post], list[Post], dict[str, Post]]:
    """Labels; then posts elsewhere under the ids of some that were labelled; labels that replace others; and the posts
    that are spam in the end."""
    first, twins, later, spam = list[Post](), list[Post](), list[Post](), dict[str, Post]()
    for at, post in enumerate(rng.sample(made, 900)):
        steps = rng.choice((["spam"], ["ham"], ["spam", "retracted"], ["ham", "spam"]))
        about = post
        for step, verdict in enumerate(steps):
            ts = START_MS + 60 * POSTS + 100 * at + step
            label = {"event_id": post["event_id"], "user_id": post["user_id"], "label": verdict, "ts": ts}
            (later if step else first).append(label)
            spam.pop(post["event_id"], None)
            if verdict == "spam":
                spam[post["event_id"]] = about
            if len(steps) == 2 and not step and at % 2:
                about = post | {"device_id": f"d{rng.randrange(DEVICES)}", "bad": 0}
                if about != post:
                    twins.append(about)
    return first, twins, later, spam


def recount(made: list[Post], spam: dict[str, Post], user: str, device: str) -> list[int]:
    bad = [post for post in made if post["bad"]]
    there = [post for post in spam.values() if post["device_id"] == device]
    return [
        sum(post["device_id"] == device for post in bad),
        sum(post["user_id"] == user for post in bad),
        len(there),
        len({post["user_id"] for post in there}),
        sum(post["user_id"] == user for post in there),
    ]


def test_workers_that_are_killed_count_each_hit_and_each_verdict_once(tmp_path: Path) -> None:
    made = posts(seed=7)
    first, twins, later, spam = verdicts(random.Random(8), made)
    (tmp_path / "rules.yaml").write_text(RULES)
    with System(tmp_path, batch_max_events=40, commit_interval_ms=100) as system:
        system.push_rules(tmp_path / "rules.yaml")
        workers = [system.start_worker("one"), system.start_worker("two")]
        system.wait_until_ready()
        system.publish(map(orjson.dumps, made))
        for worker, left in zip(workers, (0.7, 0.35), strict=True):
            system.wait_until_lag_below(int(POSTS * left))
            worker.kill()
            worker.restart()
        system.wait_until_decided()
        system.publish([], map(orjson.dumps, first))
        wait_until(lambda: system.labels_left() == 0, "the first labels are joined")
        system.publish(map(orjson.dumps, twins))
        system.wait_until_decided()
        system.publish([], map(orjson.dumps, later))
        wait_until(lambda: system.labels_left() < len(later) // 2, "half of the others are joined")
        for worker in workers:
            worker.kill()
            worker.restart()
        wait_until(lambda: system.labels_left() == 0, "all labels are joined")
        system.wait_until_decided()
        probed = START_MS + 100 * POSTS + 1_000_000
        probes: list[Post] = [
            {"event_id": f"probe{at}", "type": "probe", "user_id": f"u{at % USERS}", "device_id": f"d{at % DEVICES}",
             "ts": probed + at}
            for at in range(USERS * 3)
        ]  # fmt: skip
        system.publish(map(orjson.dumps, probes))
        system.wait_until_decided()
        answered = answers(system)
        right = {probe["event_id"]: recount(made, spam, probe["user_id"], probe["device_id"]) for probe in probes}
        assert answered == right


def answers(system: System) -> dict[str, list[int]]:
    decisions = system.read(Settings().topics.decisions)
    return {
        one["event_id"]: [clause["value"] for hit in one["hits"] for clause in hit["clauses"]]
        for one in map(orjson.loads, (record.value for record in decisions))
        if one["type"] == "probe"
    }
