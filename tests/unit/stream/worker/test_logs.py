"""Logs are lines, and nothing in them is executed by the terminal that shows them."""

import json
import logging
import logging.config

import pytest
import structlog

from engine.core.values.shown import shown
from engine.stream.worker.logs import logging_config

HOSTILE = "a\x1b[2J\x9b31m\x9d52;c;x\x9c\u202eb\u2066c\u200ed\u2028e\rf\x7fg\x00"


pytestmark = pytest.mark.usefixtures("restored_logging")


def logged(style: str, capsys: pytest.CaptureFixture[str]) -> str:
    logging.config.dictConfig(logging_config("info", style))
    log = structlog.stdlib.get_logger("floodgate.test")
    log.info("acted", event_id=HOSTILE, names=[HOSTILE], more={HOSTILE: 1}, error=ValueError(HOSTILE), two="one\ntwo")
    logging.getLogger("other").warning("from elsewhere: %s", HOSTILE)
    try:
        raise ValueError(HOSTILE)
    except ValueError:
        log.exception("it failed", user_id=HOSTILE)
    return capsys.readouterr().err


def without_colours(text: str) -> str:
    for code in ("0", "1", "2", "31", "32", "33", "34", "35", "36", "31;1", "32;1", "33;1", "41"):
        text = text.replace(f"\x1b[{code}m", "")
    return text


def test_a_console_executes_nothing_and_shows_one_line_for_each(capsys: pytest.CaptureFixture[str]) -> None:
    text = without_colours(logged("console", capsys))
    assert shown(text) == text
    assert "\\u001b[2J" in text
    assert "ValueError" in text
    assert "one\\ntwo" in text
    assert not [line for line in text.splitlines() if line.startswith("two")]


def test_json_means_the_same_and_executes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    text = logged("json", capsys)
    assert shown(text) == text
    acted, elsewhere, failed = (json.loads(line) for line in text.splitlines())
    assert acted["event_id"] == failed["user_id"] == HOSTILE
    assert acted["names"] == [HOSTILE]
    assert elsewhere["event"] == f"from elsewhere: {HOSTILE}"
    assert HOSTILE in failed["exception"]


def test_of_several_that_write_to_one_log_each_says_which_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    for process in (3, None):
        logging.config.dictConfig(logging_config("info", "json", process))
        structlog.stdlib.get_logger("floodgate.test").info("ours")
        logging.getLogger("other").warning("another's")
    lines = map(json.loads, capsys.readouterr().err.splitlines())
    assert [line.get("worker_process") for line in lines] == [3, 3, None, None]
