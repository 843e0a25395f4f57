"""Commands as people run them."""

import gzip
import os
import subprocess
import sys
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner

from engine.cli import cli
from engine.stream.admin.publishing import read_models
from tests import forks
from tests.events import random_events
from tests.system import RULEBOOKS, System, wait_until

FLOOD = RULEBOOKS / "flood"
STARTER = Path(__file__).parents[2] / "rules"
SIX = Path(__file__).parents[1] / "golden" / "cases" / "six_mistakes.yaml"


def test_check_prints_every_error_with_its_position_and_exits_1(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(SIX.read_text("utf-8"))
    result = CliRunner().invoke(cli, ["rules", "check", str(tmp_path)])
    assert result.exit_code == 1
    assert result.output.count(": error: ") == 6
    assert "rules.yaml:15:9: error: unknown name" in result.output


def test_check_is_silent_about_a_good_rulebook_but_for_one_line() -> None:
    result = CliRunner().invoke(cli, ["rules", "check", str(STARTER)])
    assert result.exit_code == 0
    assert result.output.count("\n") == 1
    assert "tests passed" in result.output


def test_replay_is_deterministic_and_writes_all_its_files(tmp_path: Path) -> None:
    events = tmp_path / "events.jsonl.gz"
    events.write_bytes(gzip.compress(b"\n".join([*random_events(2_000), b"broken", b""])))
    for out in ("one", "two"):
        arguments = ["replay", "--rules", str(FLOOD), "--events", str(events), "--out", str(tmp_path / out)]
        assert CliRunner().invoke(cli, arguments).exit_code == 0
    for name in ("actions.jsonl", "decisions.jsonl", "dead-letters.jsonl", "summary.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
        assert (tmp_path / "one" / name).stat().st_size
    summary = orjson.loads((tmp_path / "one" / "summary.json").read_bytes())
    assert summary["dead_letters_by_reason"] == {"not_json": 1}
    assert summary["actions"] == sum(summary["actions_by_rule"].values()) > 0
    letter = orjson.loads((tmp_path / "one" / "dead-letters.jsonl").read_bytes())
    assert letter["original"] == "broken"


def test_feed_publishes_events_and_labels_to_the_same_partitions(tmp_path: Path) -> None:
    events, labels = tmp_path / "events.jsonl", tmp_path / "labels.jsonl"
    events.write_bytes(b"\n".join(random_events(300)))
    ids = [f"e{index}" for index in range(0, 300, 10)]
    labels.write_bytes(
        b"\n".join(orjson.dumps({"event_id": one, "label": "ham", "ts": 1_760_000_100_000}) for one in ids)
    )
    with System(tmp_path) as system:
        output = system.run("feed", "--events", str(events), "--labels", str(labels))
        assert "30 labels" in output
        where = {orjson.loads(r.value)["event_id"]: r.partition for r in system.read(system.settings.topics.events)}
        sent = {orjson.loads(r.value)["event_id"]: r.partition for r in system.read(system.settings.topics.labels)}
        assert sent == {one: where[one] for one in ids}
        assert "labelled e7 as spam" in system.run("label", "e7", "spam", "--user", "someone")
        assert "all topics exist" in system.run("topics", "create")
        assert "rulebook versions" in system.run("topics", "check")


def test_the_overview_names_every_command() -> None:
    result = CliRunner().invoke(cli, ["--help"])
    assert result.exit_code == 0
    assert "replay" in result.output


def test_errors_that_people_can_mend_are_told_in_one_line(tmp_path: Path) -> None:
    broken = tmp_path / "events.jsonl.gz"
    broken.write_bytes(b"not gzip")
    out = str(tmp_path / "out")
    for arguments, told in (
        (["topics", "check", "--broker", "127.0.0.1:1"], "no Kafka broker answers"),
        (["topics", "check", "--broker", "nonsense"], "`brokers` are host:port"),
        (["replay", "--rules", str(FLOOD), "--events", str(broken), "--out", out], "cannot be read to its end"),
    ):
        ended = forks.run("engine.cli", arguments, os.environ)
        assert ended.returncode == 2, ended.stderr
        assert told in ended.stderr
        assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("command", ["dead-letters list", "forget", "hits", "pseudonym", "rules promote", "rules pull"])
def test_what_the_tutorial_does_not_start_starts_by_itself(command: str) -> None:
    """Other tests fork commands from a process that has imported everything: here nothing is there before."""
    arguments = [sys.executable, "-m", "engine.cli", *command.split(), "--help"]
    assert "Usage: floodgate" in subprocess.run(arguments, capture_output=True, text=True, check=True).stdout


def write_stream(directory: Path) -> tuple[Path, Path]:
    """Events of which every third is spam, and their labels."""
    events, labels = directory / "events.jsonl", directory / "labels.jsonl"
    kinds = [at % 3 == 0 for at in range(300)]
    events.write_bytes(
        b"\n".join(
            orjson.dumps(
                {"event_id": f"e{at}", "type": "post", "user_id": f"u{at % 50}", "ts": 1_760_000_000_000 + 1_000 * at,
                 "text": f"win crypto {at}" if spam else f"see you at lunch {at}", "author": {"age": at % 7}}
            )
            for at, spam in enumerate(kinds)
        )
    )  # fmt: skip
    labels.write_bytes(
        b"\n".join(
            orjson.dumps(
                {"event_id": f"e{at}", "label": "spam" if spam else "ham", "ts": 1_760_000_000_500 + 1_000 * at}
            )
            for at, spam in enumerate(kinds)
        )
    )
    return events, labels


def test_evaluate_scores_before_it_learns_and_compares(tmp_path: Path) -> None:
    events, labels = write_stream(tmp_path)
    arguments = ["learn", "evaluate", "--events", str(events), "--labels", str(labels)]
    rival = "feature_extraction.BagOfWords(on='text') | naive_bayes.MultinomialNB()"
    result = CliRunner().invoke(cli, [*arguments, "--json", "--against", rival])
    assert result.exit_code == 0, result.output
    document = orjson.loads(result.stdout)
    assert document["n"] == 300
    assert document["labels"] == 299
    assert document["roc_auc"] > 0.95
    assert set(document["against"][rival]) > {"roc_auc", "one_minus_auc_pct_lower_by", "from", "to"}
    table = CliRunner().invoke(cli, [*arguments, "--delay", "50", "--against", rival])
    assert "one_minus_auc_pct" in table.output
    assert "95 % between" in " ".join(table.output.split())


def test_evaluate_tells_how_long_labels_took(tmp_path: Path) -> None:
    events, labels = write_stream(tmp_path)
    arguments = ["learn", "evaluate", "--events", str(events), "--labels", str(labels), "--presume-after", "learned"]
    told = CliRunner().invoke(cli, [*arguments, "--presume", "--delay", "20"])
    assert told.exit_code == 0, told.output
    assert "labels of spam come after " in told.output
    assert "50% within 2" in told.output  # seconds: an event comes each second
    wrong = CliRunner().invoke(cli, arguments)
    assert (wrong.exit_code, "--presume-after goes with --presume" in wrong.output) == (2, True)


def test_evaluate_says_what_is_missing(tmp_path: Path) -> None:
    events, labels = write_stream(tmp_path)
    other = tmp_path / "other.jsonl"
    other.write_bytes(b'{"event_id": "x", "label": "spam", "ts": 1760000000000}\nbroken\n')
    arguments = ["learn", "evaluate", "--events", str(events), "--labels"]
    told = forks.run("engine.cli", [*arguments, str(other)], os.environ)
    assert told.returncode == 2
    assert "no label of" in told.stderr
    for options in (["--against", "os.system('x')"], ["--rules", str(FLOOD)]):
        told = forks.run("engine.cli", [*arguments, str(labels), *options], os.environ)
        assert told.returncode == 2
        assert "is not an estimator that may be used" in told.stderr or "--model" in told.stderr


def test_moderators_see_what_is_worth_a_label_and_import_what_they_say(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(
        "version: 1\nmodels: {spam: {texts: [text], min_labels: 4}}\n"
        "rules: {r: {event: any, when: [score.spam > 0.5], then: {review: x}}}\n"
    )
    with System(tmp_path, review_share=0.2, snapshot_interval_ms=100) as system:
        system.push_rules(tmp_path / "rules.yaml")
        worker = system.start_worker("one")
        system.publish(random_events(200))
        system.wait_until_decided()
        queue = [orjson.loads(line) for line in system.run("labels", "queue", "--json", "--limit", "500").splitlines()]
        assert 100 < len(queue) <= 200
        assert {one["why"] for one in queue} == {"unknown"}
        assert "events wait for a label" in system.run("labels", "queue")
        csv = tmp_path / "verdicts.csv"
        verdicts = [
            f"{one['event_id']},{'spam' if at % 2 else 'ham'},{one['ts']},{one['propensity']}"
            for at, one in enumerate(queue)
        ]
        csv.write_text("\n".join(["event_id,label,ts,propensity", *verdicts[:50]]))
        told = system.run("labels", "import", str(csv), "--moderator", "anna")
        assert "50 are on events that the engine knows\n0 change an earlier verdict\n" in told
        assert "nothing has been published" in told
        assert "published 50 labels" in system.run("labels", "import", str(csv), "--moderator", "anna", "--yes")
        wait_until(lambda: worker.metric("floodgate_model_labels") == 50, "the model has learned from them")
        assert "anna" in system.run("learn", "status")
        saved = tmp_path / "spam.model"
        assert "spam-50" in system.run("learn", "export", "spam", "--out", str(saved))
        before = read_models(system.settings)["spam"]
        csv.write_text("\n".join(["event_id,label,ts,propensity", *verdicts[50:80]]))
        system.run("labels", "import", str(csv), "--yes")
        wait_until(lambda: worker.metric("floodgate_model_labels") == 80, "the model has learned more")
        assert "goes on from spam-50, pinned" in system.run("learn", "restore", "spam", str(saved), "--pin")
        wait_until(lambda: worker.metric("floodgate_model_labels") == 50, "the model is what it was")
        after = read_models(system.settings)["spam"]
        assert after.pinned
        assert after.ngrams.weights == before.ngrams.weights
        assert "pinned" in system.run("learn", "status")
        assert "learns again" in system.run("learn", "pin", "spam", "--lift")
        wait_until(lambda: not read_models(system.settings)["spam"].pinned, "the model learns again")
        left = system.run("labels", "queue", "--json", "--limit", "500").splitlines()
        assert len(left) == len(queue) - 80
        csv.write_text("event_id,label,ts\ne,spam,1772449200000\ne,perhaps,6\n,spam,5\n")
        with pytest.raises(subprocess.CalledProcessError) as refused:
            system.run("labels", "import", str(csv))
        assert refused.value.returncode == 2
        assert "line 3: `label` must be one of" in refused.value.stderr
        assert "line 4: `event_id` or `action_id`" in refused.value.stderr
        assert "nothing has been published" in refused.value.stderr


def test_rules_that_cost_too_much_are_refused_by_their_check() -> None:
    rules = str(Path(__file__).parents[2] / "rules")
    fine = CliRunner().invoke(cli, ["rules", "check", rules, "--costs"])
    assert fine.exit_code == 0
    assert "bytes, at most" in fine.output
    ordered = CliRunner().invoke(cli, ["rules", "check", rules, "--order"])
    assert "no: it reads of each user alone" in ordered.output
    assert "yes: it counts by target_id" in ordered.output
    dear = CliRunner().invoke(cli, ["rules", "check", rules, "--max-us", "150", "--max-bytes", "50000"])
    assert dear.exit_code == 1
    assert "post events cost about " in dear.output
    assert "a target_id keeps" in dear.output
