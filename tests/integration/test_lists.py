"""Live lists: an entry holds on every worker, until it is removed or over, whichever rulebook comes."""

import subprocess
from pathlib import Path

import orjson
import pytest

from tests.events import START_MS
from tests.system import System, WorkerProcess, wait_until

RULES = """
version: 1
lists:
  bad_words: {live: true, values: [casino]}
rules:
  bad_word:
    event: post
    when: [event.word in lists.bad_words]
    then: {flag: word}
"""


def post(number: int, word: str) -> bytes:
    """Users spread over all partitions."""
    one = {"event_id": f"{word}-{number}", "type": "post", "user_id": f"u{number}", "ts": START_MS, "word": word}
    return orjson.dumps(one)


def known(workers: list[WorkerProcess]) -> list[float]:
    return [worker.metric("floodgate_list_entries") for worker in workers]


def send(system: System, word: str, first: int = 0) -> int:
    """Twenty posts; returns how many of them were flagged."""
    before = len(system.actions())
    system.publish([post(number, word) for number in range(first, first + 20)])
    system.wait_until_decided()
    return len(system.actions()) - before


def test_an_entry_holds_everywhere_until_it_is_removed_or_over(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(RULES)
    with System(tmp_path) as system:
        system.push_rules(tmp_path / "rules.yaml")
        workers = [system.start_worker("one"), system.start_worker("two")]
        system.wait_until_ready()
        assert (send(system, "casino"), send(system, "lottery"), send(system, "jackpot")) == (20, 0, 0)

        assert "added to bad_words: 2" in system.run(
            "lists", "add", "bad_words", "lottery", "jackpot2", "--note", "raid"
        )
        wait_until(lambda: known(workers) == [2, 2], "both know them")
        assert send(system, "lottery2") == 0
        assert send(system, "jackpot2") == 20
        assert "raid" in system.run("lists", "show", "bad_words")

        (tmp_path / "rules.yaml").write_text(RULES.replace("flag: word", "flag: bad_word"))
        system.push_rules(tmp_path / "rules.yaml")
        workers[0].kill()
        workers[0].restart()
        wait_until(workers[0].ready, "it is back")
        assert send(system, "lottery", first=20) == 20

        system.run("lists", "remove", "bad_words", "jackpot2")
        wait_until(lambda: known(workers) == [1, 1], "both have heard of it")
        assert send(system, "jackpot2", first=20) == 0
        system.run("lists", "add", "bad_words", "bingo", "--for", "1s")
        wait_until(lambda: "over" in system.run("lists", "show", "bad_words"), "it is over")
        wait_until(lambda: known(workers) == [1, 1], "both have let go of it")
        assert send(system, "bingo") == 0
        system.run("lists", "add", "bad_words", "bingo")
        assert "for good" in system.run("lists", "show", "bad_words")
        wait_until(lambda: known(workers) == [2, 2], "both have it again")
        assert send(system, "bingo", first=20) == 20
        assert system.run("lists", "show").strip() == "bad_words: 2"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("add", "no_such_list", "x"), "live are: bad_words"),
        (("add", "bad_words", "x", "--for", "ever"), "'ever' is not a duration"),
        (("add", "bad_words", "x", "--for", "9000000d"), "longer than ten years"),
        (("remove", "bad_words", "casino"), "has no such entries: casino"),
    ],
)
def test_what_cannot_be_done_is_told(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    (tmp_path / "rules.yaml").write_text(RULES)
    with System(tmp_path) as system:
        system.push_rules(tmp_path / "rules.yaml")
        with pytest.raises(subprocess.CalledProcessError) as refused:
            system.run("lists", *arguments)
        assert said in " ".join(refused.value.stderr.split())
