"""Real topics, workers as processes: what comes out equals the offline engine's answer."""

from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner

from engine.cli import cli
from engine.errors import TopicError
from engine.stream.handlers.messages import DEAD_LETTER_BYTES
from tests.events import START_MS, random_events
from tests.system import RULEBOOKS, Oracle, System, wait_until

FLOOD = RULEBOOKS / "flood"


def test_one_worker_gives_the_actions_and_the_state_of_the_offline_engine(tmp_path: Path) -> None:
    events = random_events(6_000)
    with System(tmp_path) as system:
        system.push_rules(FLOOD)
        system.start_worker("one")
        system.publish(events)
        system.wait_until_decided()
        oracle = Oracle(FLOOD, system.settings, events)
        assert len(oracle.actions) > 100
        assert sorted(map(str, system.actions())) == sorted(map(str, oracle.actions))
        assert system.users() == oracle.users


def test_two_workers_share_the_partitions_and_give_the_same_answer(tmp_path: Path) -> None:
    events = random_events(6_000, seed=8)
    with System(tmp_path) as system:
        system.push_rules(FLOOD)
        workers = [system.start_worker("one"), system.start_worker("two")]
        system.wait_until_ready()
        system.publish(events)
        system.wait_until_decided()
        oracle = Oracle(FLOOD, system.settings, events)
        assert all(worker.metric("floodgate_events_total") > 0 for worker in workers)
        assert {action["action_id"] for action in system.actions()} == oracle.action_ids
        assert system.users() == oracle.users


def test_bad_messages_become_dead_letters_and_the_partition_goes_on(tmp_path: Path) -> None:
    bad = [
        b"not json",
        b"[1]",
        b'{"event_id":7}',
        b"x" * 1_000_000,
    ]
    good = random_events(500)
    with System(tmp_path, partitions=1) as system:
        system.push_rules(FLOOD)
        system.start_worker("one")
        system.publish([*good[:200], *bad, *good[200:]])
        system.wait_until_decided()
        letters = system.read(system.settings.topics.dead_letters)
        assert [letter.value for letter in letters] == [value[:DEAD_LETTER_BYTES] for value in bad]
        reasons = [dict(letter.headers)["reason"] for letter in letters]
        assert reasons == [b"not_json", b"not_an_object", b"wrong_type", b"not_json"]
        assert all(dict(letter.headers)["topic"] == system.settings.topics.events.encode() for letter in letters)
        assert {action["action_id"] for action in system.actions()} == Oracle(FLOOD, system.settings, good).action_ids


def test_a_pushed_rulebook_takes_effect_on_all_workers_without_a_restart(tmp_path: Path) -> None:
    quiet = tmp_path / "quiet"
    quiet.mkdir()
    (quiet / "rules.yaml").write_text("version: 1\nrules:\n  all: {event: any, when: [true], then: {flag: new}}\n")
    with System(tmp_path) as system:
        system.push_rules(FLOOD)
        workers = [system.start_worker("one"), system.start_worker("two")]
        system.wait_until_ready()
        old = workers[0].rulebook()
        system.publish(random_events(500))
        system.push_rules(quiet)
        wait_until(lambda: all(worker.rulebook() != old for worker in workers), "both have switched")
        marker = random_events(400, seed=99)
        system.publish(marker)
        system.wait_until_decided()
        flagged = {action["event_id"] for action in system.actions() if action["rule"] == "all"}
        assert len(flagged) > 300
        assert all(worker.metric("floodgate_rule_hits_total") > 0 for worker in workers)


def test_a_rulebook_that_fails_its_check_is_refused_everywhere(tmp_path: Path) -> None:
    with System(tmp_path) as system:
        system.push_rules(FLOOD)
        worker = system.start_worker("one")
        wait_until(worker.ready, "the worker is ready")
        before = worker.rulebook()
        system.publish_rulebook({"rules.yaml": "version: 1\nrules: {r: {event: x, when: [oops], then: {flag: x}}}\n"})
        wait_until(lambda: worker.metric("floodgate_updates_refused_total") == 1, "it is refused")
        assert worker.rulebook() == before
        assert 'unknown name \\"oops\\"' in worker.log


@pytest.mark.parametrize(
    "learner", ["", ", river: \"feature_extraction.BagOfWords(on='text') | naive_bayes.MultinomialNB()\""]
)
def test_labels_train_a_model_that_every_worker_follows_and_a_restart_keeps(tmp_path: Path, learner: str) -> None:
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "rules.yaml").write_text(
        f"version: 1\nmodels: {{spam: {{texts: [text], min_labels: 20{learner}}}}}\n"
        "rules:\n  sure: {event: post, when: [score.spam > 0.7], then: {hide: content, target: event}}\n"
    )
    with System(tmp_path, snapshot_interval_ms=200) as system:
        system.push_rules(rules)
        workers = [system.start_worker("one"), system.start_worker("two")]
        system.wait_until_ready()
        system.publish(texts(0, 60))
        system.wait_until_decided()
        system.publish(texts(0, 60), labels(0, 60))
        wait_until(lambda: all(w.metric("floodgate_model_labels") == 60 for w in workers), "both follow the model")
        system.publish(texts(60, 80))
        system.wait_until_decided()
        hidden = {action["event_id"] for action in system.actions()}
        assert hidden == {f"t{index}" for index in range(60, 80) if index % 2}
        workers[0].kill()
        assert workers[1].stop() == 0
        workers[1].restart()
        wait_until(workers[1].ready, "it is ready again")
        assert workers[1].metric("floodgate_model_labels") == 60


def texts(start: int, end: int) -> list[bytes]:
    """Posts, every other one an advertisement, each by a user of its own."""
    return [
        orjson.dumps({"event_id": f"t{index}", "type": "post", "user_id": f"user-{index}", "ts": START_MS + index,
                      "text": "free crypto, join now" if index % 2 else "soup for lunch again"})
        for index in range(start, end)
    ]  # fmt: skip


def labels(start: int, end: int) -> list[bytes]:
    """What a moderator says of them."""
    return [
        orjson.dumps(
            {"event_id": f"t{index}", "label": "spam" if index % 2 else "ham", "ts": START_MS, "moderator": "m"}
        )
        for index in range(start, end)
    ]


def test_a_worker_stops_on_sigterm_with_everything_committed(tmp_path: Path) -> None:
    with System(tmp_path) as system:
        system.push_rules(FLOOD)
        worker = system.start_worker("one")
        system.publish(random_events(2_000))
        system.wait_until_lag_below(2_000)
        assert worker.stop() == 0


def test_a_worker_without_topics_says_what_to_do(tmp_path: Path) -> None:
    with System(tmp_path) as system:
        command = ["worker", "--broker", system.settings.brokers]
        result = CliRunner().invoke(cli, command, env={"FLOODGATE_APP_ID": "other"})
        assert isinstance(result.exception, TopicError)
        assert "floodgate topics create" in str(result.exception)


def test_labels_never_overtake_their_events(tmp_path: Path) -> None:
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "rules.yaml").write_text(
        "version: 1\nmodels: {spam: {texts: [text]}}\n"
        "rules:\n  sure: {event: post, when: [score.spam > 0.9], then: {hide: content, target: event}}\n"
    )
    with System(tmp_path, batch_max_events=20) as system:
        system.push_rules(rules)
        system.publish(texts(0, 1_500), labels(0, 1_500))  # all of it is there before a worker is
        worker = system.start_worker("one")
        wait_until(worker.ready, "the worker is ready")
        system.publish(texts(1_500, 3_000), labels(1_500, 3_000))
        wait_until(lambda: worker.metric("floodgate_labels_total") == 3_000, "all labels are joined")
        assert 'outcome="unmatched"' not in worker.get("/metrics")
        wait_until(lambda: worker.metric("floodgate_examples_learned_total") == 3_000, "all examples are learned")
