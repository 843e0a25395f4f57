"""A moderation tool keeps its own names: its labels teach, count and are shown as ours are, beside ours."""

from pathlib import Path
from typing import Any

import orjson
from kafka import KafkaProducer

from engine.stream.kafka.clients import options
from tests.events import START_MS
from tests.system import System, wait_until

RULES = """
version: 1
models: {spam: {texts: [text], min_labels: 10}}
rules:
  links: {event: post, when: [event.links > 2], then: {flag: links}}
  scored: {event: post, when: [score.spam > 0.99], then: {flag: score}, mode: shadow}
"""
LABELS = {
    "fields": {
        "event_id": "decision.event", "user_id": "decision.author", "label": "verdict", "moderator": "reviewer.name",
        "ts": "decided_at",
    },
    "verdicts": {"removed": "spam", "kept": "ham", "undone": "retracted"},
    "ts_unit": "s",
    "as_string": ["event_id"],
}  # fmt: skip
DECIDED_S = START_MS // 1000 + 1_000


def post(number: int) -> bytes:
    text, ts = f"free prize {number}" if number % 2 else f"lunch at {number}", START_MS + 1_000 * number
    event = {"event_id": str(number), "type": "post", "user_id": f"u{number}", "ts": ts, "text": text, "links": 3}
    return orjson.dumps(event)


def verdict(number: int, said: str | None = None, by: str = "mia") -> bytes:
    decision = {"event": number, "author": f"u{number}"}
    said = said or ("removed" if number % 2 else "kept")
    return orjson.dumps({"decision": decision, "verdict": said, "reviewer": {"name": by}, "decided_at": DECIDED_S})


def tell(system: System, verdicts: dict[int, bytes]) -> None:
    """Publish as the tool does, with the events' users as keys."""
    producer = KafkaProducer(**options(system.settings))
    for number, value in verdicts.items():
        producer.send(system.settings.topics.labels, key=f"u{number}".encode(), value=value)
    producer.flush()
    producer.close()


def test_the_verdicts_of_a_tool_teach_and_count_beside_ours(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(RULES)
    with System(tmp_path, snapshot_interval_ms=100, review_share=1.0, labels=LABELS) as system:
        system.push_rules(tmp_path / "rules.yaml")
        worker = system.start_worker("one")

        def outcome(name: str) -> int:
            said = f'floodgate_labels_total{{outcome="{name}"}} '
            return sum(int(float(line.split()[1])) for line in worker.get("/metrics").splitlines() if said in line)

        def run(*arguments: str) -> Any:
            return system.run(*arguments, "--config", str(worker.config))

        system.publish([post(number) for number in range(40)])
        system.wait_until_decided()
        tell(system, {number: verdict(number) for number in range(20)})
        wait_until(lambda: worker.metric("floodgate_model_labels") == 20, "the tool's labels are learned")
        assert outcome("matched") == 20
        assert set(orjson.loads(run("labels", "moderators", "--json"))) == {"mia"}

        run("label", "20", "21", "spam", "--moderator", "ben")
        wait_until(lambda: outcome("matched") == 22, "ours are learned")
        tell(system, {20: verdict(20, "kept"), 21: verdict(21, by="ann"), 0: verdict(0, "undone")})
        wait_until(lambda: outcome("retracted") == 1, "a verdict is taken back")
        wait_until(lambda: (outcome("changed"), outcome("confirmed")) == (1, 1), "both speak of the same events")
        assert "revoked 40 actions" in run("actions", "revoke", "--rule", "links")
        tell(system, {1: verdict(1, "escalated")})
        (refused,) = wait_until(lambda: system.read(system.settings.topics.dead_letters), "an unknown word is refused")
        assert dict(refused.headers)["reason"] == b"wrong_type"

        backtest = ["rules", "backtest", str(tmp_path / "rules.yaml"), "--json"]
        assert orjson.loads(run(*backtest, "--from-topic", "--since", "20000d"))["labelled"] == 21
        waiting = [orjson.loads(line) for line in run("labels", "queue", "--json", "--limit", "99").splitlines()]
        assert {int(one["event_id"]) for one in waiting} == {*range(22, 40)}

        events, recorded = tmp_path / "events.jsonl", tmp_path / "verdicts.jsonl"
        events.write_bytes(b"\n".join(map(post, range(40))))
        recorded.write_bytes(b"\n".join([*map(verdict, range(1, 20)), verdict(30)]))
        files = ["--events", str(events), "--labels", str(recorded)]
        assert orjson.loads(run(*backtest, *files))["labelled"] == 20
        evaluated = orjson.loads(run("learn", "evaluate", "--rules", str(tmp_path / "rules.yaml"), *files, "--json"))
        assert evaluated["n"] == 20
        told = run("labels", "import", str(recorded)).splitlines()
        assert told[-1] == "nothing has been published: add `--yes`"
        assert told[1] == "20 are on events that the engine knows"
        assert "19 of earlier labels" in told[-2]
        run("feed", *files)
        wait_until(lambda: outcome("matched") == 23, "a recording of them is learned")
        assert len(system.read(system.settings.topics.dead_letters)) == 1  # no revocation among them
