"""`floodgate features` from files to a table."""

from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner

from engine.cli import cli
from tests.events import START_MS, swarm_events
from tests.system import RULEBOOKS


@pytest.fixture
def recording(tmp_path: Path) -> list[str]:
    """Options that name some events and labels."""
    events = swarm_events(400)
    labels = [
        {"event_id": f"s{at}", "label": "spam" if at % 3 else "ham", "ts": START_MS + (at + 90) * 400}
        for at in range(0, 200, 5)
    ]
    (tmp_path / "events.jsonl").write_bytes(b"\n".join(events))
    (tmp_path / "labels.jsonl").write_bytes(b"\n".join(map(orjson.dumps, labels)))
    return ["--events", str(tmp_path / "events.jsonl"), "--labels", str(tmp_path / "labels.jsonl")]


def test_a_table_of_a_whole_rulebook(tmp_path: Path, recording: list[str]) -> None:
    out = tmp_path / "features.jsonl"
    done = CliRunner().invoke(
        cli, ["features", "--rules", str(RULEBOOKS / "swarm"), *recording, "--type", "post", "--out", str(out)]
    )
    assert done.exit_code == 0, done.output
    rows = [orjson.loads(line) for line in out.read_bytes().splitlines()]
    assert f"{len(rows)} events" in done.output
    assert {row["type"] for row in rows} == {"post"}
    assert len({frozenset(row) for row in rows}) == 1
    assert {row["label"] for row in rows} == {"spam", "ham", None}
    assert all(row["label_ts"] > row["ts"] for row in rows if row["label"])


def test_parquet_reads_back_as_json_lines(tmp_path: Path, recording: list[str]) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    for name in ("features.jsonl", "features.parquet"):
        asked = ["features", "--rules", str(RULEBOOKS / "swarm"), *recording, "--out", str(tmp_path / name)]
        assert CliRunner().invoke(cli, asked).exit_code == 0
    rows = [orjson.loads(line) for line in (tmp_path / "features.jsonl").read_bytes().splitlines()]
    table = parquet.read_table(tmp_path / "features.parquet")
    assert table.column_names == list(rows[0])
    for name in ("event_id", "user_id", "label", "ip"):
        assert table[name].to_pylist() == [row[name] for row in rows]
