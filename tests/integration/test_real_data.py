"""The starter rules over real event streams, through real topics: what comes out equals the offline engine's.

The streams lie beside the project; without them these tests skip."""

from collections import Counter
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner

from engine.cli import cli
from engine.cli.recordings import read_lines
from tests.system import Oracle, System

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data"


@pytest.mark.parametrize(
    ("name", "rules"),
    [
        ("spamassassin", {"mail_burst"}),
        ("elastic_ssh_auth", {"login_stuffing"}),
        ("elastic_anonreviews_unlabelled", {"review_burst"}),
        ("youtube", set()),
    ],
)
def test_the_starter_rules_act_on_real_streams_as_they_do_offline(tmp_path: Path, name: str, rules: set[str]) -> None:
    path = DATA / name / "events.jsonl.gz"
    if not path.exists():
        pytest.skip(f"the real event stream {name} is not here")
    events = list(read_lines(path))[:30_000]
    with System(tmp_path, batch_max_events=1_000) as system:
        system.push_rules(ROOT / "rules")
        system.start_worker("one")
        system.publish(events)
        system.wait_until_decided()
        oracle = Oracle(ROOT / "rules", system.settings, events)
        actions = system.actions()
        assert {action["action_id"] for action in actions} == oracle.action_ids
        assert system.users() == oracle.users
        assert {action["rule"] for action in actions} == rules
        shadow = Counter(
            hit["rule"]
            for record in system.read(system.settings.topics.decisions)
            for hit in orjson.loads(record.value)["hits"]
            if hit["effect"] == "shadow"
        )
        assert bool(shadow) == (name == "youtube")


@pytest.mark.parametrize(
    ("name", "options", "most"),
    [("spamassassin", [], 0.09), ("spamassassin", ["--flip", "0.2"], 1.5), ("youtube", [], 1.6)],
)
def test_the_default_learner_is_as_good_as_it_was(name: str, options: list[str], most: float) -> None:
    events, labels = DATA / name / "events.jsonl.gz", DATA / name / "labels.jsonl.gz"
    if not events.exists():
        pytest.skip(f"the real event stream {name} is not here")
    arguments = ["learn", "evaluate", "--events", str(events), "--labels", str(labels), "--delay", "0", "--json"]
    result = CliRunner().invoke(cli, [*arguments, *options])
    assert result.exit_code == 0, result.output
    summary = orjson.loads(result.stdout)
    assert summary["one_minus_auc_pct"] <= most
    assert summary["n"] > 1_900
