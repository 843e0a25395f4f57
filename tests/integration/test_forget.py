"""A person is forgotten, on real topics: nothing else is."""

import re
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson
import pytest
from rocksdict import AccessType, Options, Rdict

from engine.core.values.identity import identity_of
from engine.learning.labels import subject_of
from engine.state.scored import BLOCK, events_of, verdict_name
from engine.stream.kafka.topics import changelog_topic
from tests.events import START_MS, swarm_events
from tests.system import RULEBOOKS, System, wait_until

MODEL = """
version: 1
models:
  spam: {texts: [text], numbers: [posts_1m], min_labels: 5}
rules:
  scored:
    event: post
    when: [score.spam > 0.99]
    then: {review: post}
    mode: shadow
"""
WATCHED = """
version: 1
lists:
  watched: {live: true, values: [%s]}
models:
  words: {texts: [text], river: "feature_extraction.BagOfWords(on='text') | naive_bayes.MultinomialNB()"}
"""


def newest_state(system: System) -> dict[bytes, bytes]:
    """The changelog as compaction leaves it."""
    found = {(record.partition, record.key): record.value for record in system.read(changelog_topic(system.settings))}
    return {key: value for (_, key), value in found.items() if value is not None}


def scored(state: dict[bytes, bytes]) -> set[int]:
    """The events that are kept as they were scored."""
    return {
        event for key, value in state.items() if key.startswith(BLOCK) for event in events_of(value).identities.tolist()
    }


def on_disk(directory: Path) -> dict[Any, Any]:
    """All that a worker's databases hold."""
    found: dict[Any, Any] = {}
    for path in sorted(directory.rglob("*.db")):
        database = Rdict(str(path), Options(raw_mode=True), access_type=AccessType.read_only())
        found.update(dict(database.items()))
        database.close()
    return found


@pytest.fixture
def rulebook(tmp_path: Path) -> Path:
    """Rules that look back, over shared entities, and a model."""
    made = Path(shutil.copytree(RULEBOOKS / "swarm", tmp_path / "rules"))
    (made / "model.yaml").write_text(MODEL)
    return made


def test_a_person_is_forgotten_and_no_one_else(tmp_path: Path, rulebook: Path) -> None:
    events = swarm_events(6_000)
    read = [orjson.loads(event) for event in events]
    noted = [event for event in read if event["type"] == "comment" and event["author"]["account_age_days"] < 7]
    user = noted[-1]["user_id"]
    own = {identity_of(user, event["type"], event["event_id"]) for event in read if event["user_id"] == user}
    posts = [event["event_id"] for event in read if event["user_id"] == user and event["type"] == "post"]
    verdict = verdict_name(subject_of(identity_of(user, "post", posts[0]), None))
    label = {"event_id": posts[0], "label": "spam", "ts": START_MS, "moderator": "mo"}
    (rulebook / "watched.yaml").write_text(WATCHED % user)
    with System(tmp_path, rewrite_interval_ms=1_000) as system:
        system.push_rules(rulebook)
        system.run("lists", "add", "watched", user, "someone-else")
        worker = system.start_worker("one")
        system.publish(events, [orjson.dumps(label)])
        system.wait_until_decided()
        wait_until(lambda: verdict in newest_state(system), "the label is joined")

        told = system.run("forget", user, "--dry-run")
        for kind in (
            "records of counters",
            "notes at other entities",
            "features as scored",
            "verdicts on events",
            "what actions were about",
            "entries of the live list watched: 1",
            "rulebooks that name this user: 1",
            "models that keep words, perhaps of this user: words",
        ):
            assert kind in told
        assert user in system.run("lists", "show", "watched")
        before, users = newest_state(system), system.users()
        assert files_with(tmp_path / "one", user)
        assert f"the state knows nothing of {user}" in system.run("forget", user)

        shown = system.run("lists", "show", "watched")
        assert user not in shown
        assert "someone-else" in shown
        after = newest_state(system)
        wait_until(lambda: not files_with(tmp_path / "one", user), "all files of the worker have lost them")
        system.workers.remove(worker)
        assert worker.stop() == 0
        for state in (after, on_disk(tmp_path / "one")):
            assert not [key for key, value in state.items() if holds(key, value, user)]
            assert not scored(state) & own
            assert verdict not in state
        assert any(holds(key, value, user) for key, value in before.items())
        users.pop(user)
        assert {name: state for name, state in system.users().items() if name != user} == users
        assert scored(after) == scored(before) - own


def files_with(directory: Path, user_id: str) -> list[str]:
    """The files of a worker that hold a name, whatever they are for. Those that go meanwhile hold nothing."""
    found = []
    for path in directory.rglob("*"):
        with suppress(FileNotFoundError, IsADirectoryError):
            if holds(b"", path.read_bytes(), user_id):
                found.append(path.name)
    return found


def holds(key: bytes, value: bytes, user_id: str) -> bool:
    """Whether a name stands in a key or a value, and is not the beginning of another."""
    name = re.compile(re.escape(user_id.encode()) + rb"(?!\d)")
    return bool(name.search(key) or name.search(value))


def test_without_workers_it_says_that_something_is_left(tmp_path: Path) -> None:
    with System(tmp_path) as system:
        system.push_rules(RULEBOOKS / "flood")
        worker = system.start_worker("one")
        system.publish(swarm_events(200))
        system.wait_until_decided()
        worker.kill()
        user = sorted(system.users())[0]
        with pytest.raises(subprocess.CalledProcessError) as failed:
            system.run("forget", user, "--wait", "2")
        assert failed.value.returncode == 1
        assert "something is left" in failed.value.stdout
