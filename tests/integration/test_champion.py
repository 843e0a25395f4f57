"""A challenger on real topics: compared, promoted by a command, followed by the workers, and lifted again."""

import subprocess
from pathlib import Path
from typing import Any

import orjson
import pytest

from engine.learning.comparison import FEWEST, Comparison
from engine.stream.admin.publishing import read_models
from tests.events import START_MS
from tests.system import System, wait_until

RULES = """
version: 1
models:
  spam:  {categories: [event.country], challenger: words, min_labels: 10}
  words: {texts: [text], min_labels: 10}
rules:
  likely: {event: post, when: [score.spam > 0.5], then: {flag: likely}}
"""
FIRST = 40


class Posts:
    """Every other one is spam, by its text; the countries tell nothing."""

    def __init__(self, system: System) -> None:
        self._system, self._sent = system, 0

    def send(self, many: int, labelled: bool = True) -> None:
        posts, labels = list[dict[str, Any]](), list[dict[str, Any]]()
        for at in range(self._sent, self._sent + many):
            named = {"event_id": f"e{at}", "user_id": f"u{at % 7}", "ts": START_MS + 1_000 * at}
            text = "free crypto money" if at % 2 else "see you at lunch"
            posts.append({**named, "type": "post", "text": text, "country": "ab"[at // 2 % 2]})
            labels.append({**named, "label": "spam" if at % 2 else "ham"})
        self._sent += many
        self._system.publish(map(orjson.dumps, posts))
        self._system.wait_until_decided()
        if labelled:
            self._system.publish([], map(orjson.dumps, labels))

    def answered(self) -> str:
        """Whose score stood at the newest of some more posts."""
        self.send(4, labelled=False)
        newest = f"e{self._sent - 1}"
        decisions = [orjson.loads(one.value) for one in self._system.read(self._system.settings.topics.decisions)]
        return str(next(one["models"]["spam"] for one in decisions if one["event_id"] == newest).partition("-")[0])


def test_a_challenger_is_promoted_and_lifted(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(RULES)
    with System(tmp_path, snapshot_interval_ms=100, decision_sample=1.0) as system:
        system.push_rules(tmp_path / "rules.yaml")
        worker = system.start_worker("one")
        wait_until(worker.ready, "it is ready")
        posts = Posts(system)

        def compared() -> Comparison:
            models = read_models(system.settings)
            return models["spam"].compared if "spam" in models else Comparison()

        posts.send(FIRST)
        wait_until(lambda: worker.metric("floodgate_model_labels") == 2 * FIRST, "both have learned")
        with pytest.raises(subprocess.CalledProcessError) as refused:
            system.run("learn", "promote", "spam")
        assert "too few labels tell" in refused.value.stderr
        posts.send(FEWEST + 10)
        wait_until(lambda: len(compared()) == FEWEST + 10, "both are compared")
        assert posts.answered() == "spam"
        told = orjson.loads(system.run("learn", "compare", "--json"))["spam"]
        assert (told["challenger"], told["promoted"]) == ("words", False)
        assert told["gain"]["low"] > 0
        assert "words is better" in system.run("learn", "compare", "--model", "spam")
        assert "is answered by its challenger" in system.run("learn", "promote", "spam")
        wait_until(lambda: posts.answered() == "words", "the challenger stands")
        assert "its scores are those of words" in system.run("learn", "status")
        worker.kill()
        worker.restart()
        wait_until(worker.ready, "it is ready again")
        assert posts.answered() == "words"
        assert "stands for itself again" in system.run("learn", "promote", "spam", "--lift")
        wait_until(lambda: posts.answered() == "spam", "the model stands")
        assert len(compared()) == FEWEST + 10
