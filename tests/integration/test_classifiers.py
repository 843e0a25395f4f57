"""Other people's classifiers: from `raw-events` to the action, with one that does not answer beside them."""

from pathlib import Path
from typing import Any

import orjson

from tests.enriching import EnrichWorker, publish_raw
from tests.system import System, wait_until
from tests.unit.enrich.classifiers.served import LOOPBACK, classifier
from tests.unit.enrich.classifiers.test_templates import POLICY, Chat

RULES = """
version: 1
fields:
  spam_score: {type: number, from: enriched.toxic.spam}
  verdict: {type: text, from: enriched.policy.verdict}
  policy_missing: {type: text, from: enriched.missing.policy}
rules:
  scored:
    event: post
    when: [spam_score >= 0.5]
    then: {hide: event}
    mode: enforce
    meta: {owner: spam, reason: scored}
  against_policy:
    event: post
    when: ['verdict == "breaks"']
    then: {limit: posting, for: 1h}
    mode: enforce
    meta: {owner: spam, reason: against_policy}
  not_read:
    event: post
    when: ['policy_missing == "over_budget"']
    then: {review: event}
    mode: enforce
    meta: {owner: spam, reason: not_read}
"""


def post(number: int, text: str) -> dict[str, Any]:
    return {
        "event_id": f"e{number}", "type": "post", "user_id": f"u{number}", "ts": 1_790_000_000_000 + number,
        "text": text, "address": "home",
    }  # fmt: skip


def test_a_score_a_verdict_and_why_there_is_none(tmp_path: Path) -> None:
    (tmp_path / "policy.txt").write_text(POLICY)
    send = {"allow_networks": LOOPBACK, "send": {"text": "text"}}
    with classifier() as scoring, classifier(Chat) as chat, System(
        tmp_path, partitions=1,
        enrichment={
            "enrichers": {
                "toxic": {
                    "kind": "http", "limit_ms": 20_000, "turn_ms": 3_000,
                    "options": {"url": scoring.url, "answers": {"spam": "scores.spam"}, **send},
                },
                "policy": {
                    "kind": "http", "limit_ms": 20_000, "turn_ms": 15_000,
                    "options": {
                        "url": chat.url, "prompt_file": str(tmp_path / "policy.txt"), "budget": {"per_hour": 2},
                        "only": '"5" in event.text', "answer_json": "choices.0.message.content",
                        "request": {
                            "messages": [
                                {"role": "system", "content": "$prompt"}, {"role": "user", "content": "$sent_json"},
                            ]
                        },
                        "answers": {"verdict": {"at": "verdict", "one_of": ["breaks", "keeps"]}}, **send,
                    },
                },
            }
        },
    ) as system:  # fmt: skip
        system.publish_rulebook({"rules.yaml": RULES})
        system.start_worker("engine")
        worker = EnrichWorker(system, "enrich")
        texts = ["buy buy buy", "HANG", "followers for $5", "5 o'clock", "another 5", "buy", "good morning"]
        try:
            publish_raw(system.settings, [post(number, text) for number, text in enumerate(texts)], b"u")
            wait_until(lambda: len(system.read(system.settings.topics.events)) == len(texts), "all went on")
        finally:
            worker.kill()
        system.wait_until_decided()
        assert {(one["rule"], one["event_id"]) for one in system.actions()} == {
            ("scored", "e0"), ("against_policy", "e2"), ("not_read", "e4"),
        }  # fmt: skip
        events = [orjson.loads(record.value) for record in system.read(system.settings.topics.events)]
        assert events[1]["enriched"] == {"missing": {"toxic": "timeout"}}
        assert len(events[2]["enriched"]["policy"]["prompt"]) == 16
        assert [set(body) for body in scoring.asked] == [{"text"}] * len(texts)
