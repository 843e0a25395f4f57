"""Recordings of labels that another tool has given."""

from pathlib import Path

import msgspec
import orjson
import pytest

from engine.backtest.run import backtest
from engine.cli.recordings import read_labels, recorded_or_on_topics
from engine.cli.times import Moment
from engine.mappings import LabelSettings
from engine.rulebook.compiler import load_rulebook
from engine.settings import Settings
from tests.events import START_MS

NAMES = {"event_id": "id", "label": "verdict", "ts": "at"}
SETTINGS = msgspec.structs.replace(
    Settings(), labels=LabelSettings(fields=NAMES, verdicts={"no": "spam"}, ts_unit="s")
)  # fmt: skip
AT_S = START_MS // 1000 + 9
LABELS = [
    {"id": "e0", "verdict": "no", "at": AT_S},
    {"event_id": "e1", "label": "spam", "ts": START_MS},
    {"id": "e2", "verdict": "perhaps", "at": AT_S},
    {"id": "e3", "verdict": "ham", "at": AT_S, "event_id": "e4", "label": "spam", "ts": START_MS},
]


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    path = tmp_path / "labels.jsonl"
    path.write_bytes(b"\n".join(map(orjson.dumps, LABELS)))
    return path


def test_a_backtest_counts_a_tools_labels_and_ours(
    tmp_path: Path, labels: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "events.jsonl"
    posts = [{"event_id": f"e{n}", "type": "post", "user_id": "u", "ts": START_MS + n} for n in range(5)]
    path.write_bytes(b"\n".join(map(orjson.dumps, posts)))
    found = recorded_or_on_topics(SETTINGS, path, labels, False, Moment(0, None), ())
    told = capsys.readouterr().err
    assert told.startswith("floodgate: 1 of 4 labels cannot be used and are left out; the first, line 3: `label` must")
    rules = load_rulebook({"r.yaml": "version: 1\nrules: {r: {event: post, when: [event.ts > 0], then: {flag: x}}}"})
    result = backtest(rules, None, *found, SETTINGS)
    (rule,) = result.rules
    assert (result.labelled, result.dead_letters) == (3, {"wrong_type": 1})
    assert rule.precision is not None
    assert (round(rule.precision.share, 2), rule.precision.of) == (0.67, 3)


def test_a_tools_labels_have_their_times_and_stay_as_they_were_recorded(labels: Path) -> None:
    found = list(read_labels(labels, SETTINGS.labels.mapping()))
    assert [one.ts_ms for one in found] == [AT_S * 1000, START_MS, 0, AT_S * 1000]
    assert [orjson.loads(one.value) for one in found] == LABELS
