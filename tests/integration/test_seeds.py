"""A seed on real topics: made by the command, pushed with the rules, and heard before there is any label."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from benchmarks.learners import scenarios
from benchmarks.seeds import cases_of, judged, lessons_in
from engine.learning.seed_making import Stream, make_seed
from engine.learning.seeds import read_seed
from engine.rulebook.compiler import load_rulebook
from engine.stream.offline.arrivals import Arrival
from engine.stream.offline.engine import OfflineEngine
from tests.events import START_MS
from tests.system import System, wait_until
from tests.unit.learning.lessons import SAID, lessons, record

RULES = """
version: 1
models:
  seeded: {texts: [text], seed: seeds/ours.seed, min_labels: 20}
  plain:  {texts: [text], min_labels: 20}
rules:
  likely: {event: post, when: [score.seeded > 0.6], then: {flag: likely}}
  plainly: {event: post, when: [score.plain > 0.6], then: {flag: plainly}}
"""
POSTS = 60
YOUTUBE = Path(__file__).parents[3] / "shared" / "data" / "youtube"


def sent() -> tuple[list[bytes], list[bytes], list[bytes]]:
    """Posts that the seed has not been made from, spam and ham in turn, their labels, and another post."""
    posts, labels = [], []
    for at, lesson in enumerate(lessons(1_001)[-41 - POSTS : -40]):
        named = {"event_id": f"e{at}", "user_id": f"u{at % 9}", "ts": START_MS + 1_000 * at}
        posts.append(orjson.dumps({**named, "type": "post", "text": lesson.texts[0]}))
        labels.append(orjson.dumps({**named, "label": "spam" if lesson.spam else "ham"}))
    return posts[:POSTS], labels[:POSTS], posts[POSTS:]


def scores(values: list[bytes]) -> list[tuple[str, Any]]:
    """What each decision says that the models gave."""
    return sorted((one["event_id"], one["scores"]) for one in map(orjson.loads, values))


def test_a_seeded_model_tells_spam_from_ham_before_any_label(tmp_path: Path) -> None:
    rules = tmp_path / "rules"
    (rules / "seeds").mkdir(parents=True)
    (rules / "rules.yaml").write_text(RULES)
    posts, labels, more = sent()
    with System(tmp_path, snapshot_interval_ms=100, decision_sample=1.0) as system:
        system.run("learn", "seed", "ours", *record(tmp_path), *SAID, "--out", str(rules / "seeds" / "ours.seed"))
        system.push_rules(rules)
        worker = system.start_worker("one")
        wait_until(worker.ready, "it is ready")
        system.publish(posts)
        system.wait_until_decided()
        decisions = [one.value for one in system.read(system.settings.topics.decisions)]
        first = dict(scores(decisions))
        spam = [first[f"e{at}"] for at in range(1, POSTS, 2)]
        ham = [first[f"e{at}"] for at in range(0, POSTS, 2)]
        assert all("plain" not in one for one in first.values())  # without a seed, nothing is known yet
        assert min(one["seeded"] for one in spam) > 0.5 > max(one["seeded"] for one in ham)
        flagged = {one["event_id"] for one in system.actions()}
        assert flagged == {event_id for event_id, one in first.items() if one["seeded"] > 0.6}
        assert len(flagged) > POSTS // 4

        offline = OfflineEngine(load_rulebook(rules), system.settings)
        arrivals = [Arrival("event", START_MS + 1_000 * at, post) for at, post in enumerate(posts)]
        replayed = [one.value for one in offline.run(arrivals) if one.topic == system.settings.topics.decisions]
        assert scores(replayed) == scores(decisions)

        system.publish([], labels)
        wait_until(lambda: worker.metric("floodgate_model_labels") == 2 * POSTS, "both have learned")
        system.publish(more)
        system.wait_until_decided()
        later = dict(scores([one.value for one in system.read(system.settings.topics.decisions)]))
        assert {"plain", "seeded"} <= later[f"e{POSTS}"].keys()  # by now both have labels


def test_what_earlier_comments_teach_helps_with_later_ones() -> None:
    if not YOUTUBE.exists():
        pytest.skip("the real comments are not here")
    comments = lessons_in(YOUTUBE)
    earlier, later = comments[: len(comments) // 2], cases_of(comments[len(comments) // 2 :])
    seed = read_seed(make_seed("earlier", [Stream("YouTube Spam Collection", "CC BY 4.0", earlier)]).text)
    for told in ("at once", "late"):
        scenario = scenarios(len(later))[told]
        plain, seeded = judged(later, None, scenario), judged(later, seed, scenario)
        assert seeded.error < (0.9 if told == "at once" else 0.4) * plain.error
        assert seeded.log_loss < plain.log_loss
