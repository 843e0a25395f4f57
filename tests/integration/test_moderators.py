"""A moderator who is wrong is found, and what they have said counts nowhere once they are quarantined."""

import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from tests.events import START_MS
from tests.system import System, wait_until

RULES = """
version: 1
models: {spam: {texts: [text], min_labels: 10}}
rules:
  links: {event: post, when: [event.links > 2], then: {flag: links}}
  scored: {event: post, when: [score.spam > 0.99], then: {flag: score}, mode: shadow}
"""
SPAM = ["free", "crypto", "prize", "bonus", "casino", "pills", "win", "cash"]
HAM = ["lunch", "meeting", "thanks", "park", "weekend", "book", "train", "dinner"]


def post(number: int) -> bytes:
    words = SPAM if number % 2 else HAM
    text = " ".join([words[number % 8], words[number // 2 % 8], words[number // 3 % 8], str(number)])
    links = 3 * (number % 2)
    ts = START_MS + 1_000 * number
    event = {"event_id": f"e{number}", "type": "post", "user_id": f"u{number}", "ts": ts, "text": text, "links": links}
    return orjson.dumps(event)


def label(number: int, moderator: str, right: bool = True) -> bytes:
    verdict = "spam" if (number % 2 == 1) is right else "ham"
    said = {"event_id": f"e{number}", "label": verdict, "ts": START_MS + 1_000_000, "moderator": moderator}
    return orjson.dumps(said)


def test_a_moderator_who_is_always_wrong_is_found_and_counts_nowhere_in_the_end(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(RULES)
    with System(tmp_path, snapshot_interval_ms=100, review_share=0.5) as system:
        system.push_rules(tmp_path / "rules.yaml")
        worker = system.start_worker("one")
        known = [label(number, f"m{number % 3}") for number in range(100)]
        system.publish([post(number) for number in range(100)], known)
        wait_until(lambda: worker.metric("floodgate_model_labels") == 100, "the model knows something")
        system.publish([post(number) for number in range(100, 160)])
        system.wait_until_decided()
        wrong = [label(number, "eve", right=False) for number in range(100, 129)]
        right = [label(number, f"m{number % 3}") for number in range(129, 160)]
        system.publish([], [*wrong, *right])
        wait_until(lambda: worker.metric("floodgate_model_labels") == 160, "all labels are learned")

        told = orjson.loads(system.run("labels", "moderators", "--json"))
        assert set(told) == {"eve", "m0", "m1", "m2"}
        assert (told["eve"]["model"]["opposed"], told["eve"]["model"]["judged"]) == (29, 29)
        assert told["eve"]["model"]["low"] > 0.85
        assert told["eve"]["trust"] < 0.1
        assert min(told[name]["trust"] for name in ("m0", "m1", "m2")) > 0.9
        assert told["eve"]["rules"]["opposed"] == 14  # of spam that a rule acted on
        assert told["m0"]["rules"]["opposed"] == 0
        assert system.run("labels", "moderators").index("eve") < system.run("labels", "moderators").index("m0")
        assert "29 of the 29 labels of eve are contradicted" in system.run("labels", "moderators", "--list", "eve")
        wait_until(lambda: 'floodgate_moderator_trust{moderator="eve"} 0.0' in worker.get("/metrics"), "it is alarming")

        backtest = ["rules", "backtest", str(tmp_path / "rules.yaml"), "--from-topic", "--since", "20000d", "--json"]
        assert orjson.loads(system.run(*backtest))["labelled"] == 160
        assert orjson.loads(system.run(*backtest, "--without", "eve"))["labelled"] == 131
        queue = len(system.run("labels", "queue", "--json", "--limit", "500").splitlines())
        system.run("learn", "quarantine", "eve")
        wait_until(lambda: worker.metric("floodgate_model_labels") == 131, "the model has learned anew")
        assert orjson.loads(system.run(*backtest))["labelled"] == 131
        assert "quarantined" in system.run("labels", "moderators")
        again = system.run("labels", "queue", "--json", "--limit", "500").splitlines()
        assert len(again) > queue  # what eve alone has judged waits for a label again


def test_many_labels_are_given_at_once_and_none_on_what_is_not_known(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(RULES)
    with System(tmp_path, snapshot_interval_ms=100) as system:
        system.push_rules(tmp_path / "rules.yaml")
        worker = system.start_worker("one")
        system.publish([post(number) for number in range(40)])
        system.wait_until_decided()
        with pytest.raises(subprocess.CalledProcessError) as refused:
            system.run("label", "e1", "e3", "nowhere", "e3", "spam", "--moderator", "mia")
        assert refused.value.returncode == 1
        assert refused.value.stdout.splitlines() == ["labelled e1 as spam", "labelled e3 as spam"]
        assert "the engine has not seen nowhere lately: not published; `--yes` publishes it" in refused.value.stderr
        assert "labelled nowhere as ham" in system.run("label", "nowhere", "ham", "--yes")
        given = "".join(f"e{number}\n" for number in range(4, 34))
        command = [sys.executable, "-m", "engine.cli", "label", "-", "ham", "--broker", system.settings.brokers]
        done = subprocess.run(
            [*command, "--config", str(worker.config)],
            input=given,
            capture_output=True,
            text=True,
            check=True,
        )
        assert len(done.stdout.splitlines()) == 30
        wait_until(lambda: worker.metric("floodgate_model_labels") == 32, "all are learned")

        system.publish(
            [], [b"junk", b"[]", b'{"revokes": "a", "user_id": "u", "ts": 1772452800000}']
        )  # as others write
        sheet = tmp_path / "verdicts.csv"
        sheet.write_text(
            "\ufeffEvent ID;Verdict\r\ne1;Ham\r\ne3;spam\r\ne35;Spam\r\ne35;spam\r\ngone;spam\r\n", "utf-8"
        )
        told = system.run("labels", "import", str(sheet), "--moderator", "mia").splitlines()
        assert told[1:] == [
            "3 are on events that the engine knows",
            "1 are on others, which it has not seen lately: gone (line 6)",
            "1 change an earlier verdict",
            "2 are duplicates: 1 of earlier labels, 1 within the file",
            "nothing has been published: add `--yes`",
        ]
        assert "published 4 labels" in system.run("labels", "import", str(sheet), "--moderator", "mia", "--yes")
        wait_until(lambda: worker.metric("floodgate_model_labels") == 33, "the new one is learned")
        with pytest.raises(subprocess.CalledProcessError) as nobody:
            system.run("learn", "quarantine", "nobody")
        assert nobody.value.returncode == 1
        assert "no model has learned from nobody" in nobody.value.stderr
        assert "do not count any more" in system.run("learn", "quarantine", "nobody", "--yes")
