"""Logs: one JSON object a line, or coloured lines for people. Ours and Faust's alike."""

from collections.abc import MutableMapping
from functools import partial
from typing import Any

import structlog

from engine.core.values.shown import shown
from engine.stream.worker.log_limits import RateLimit

Config = dict[str, Any]


def logging_config(level: str, style: str, process: int | None = None) -> Config:
    """A configuration for `logging.config.dictConfig`; structlog's own loggers go the same way. `process`: of several
    that write to one log, which one says so in each line."""
    structlog.configure(
        processors=[structlog.stdlib.render_to_log_kwargs],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.ExtraAdder(),
        *([] if process is None else [partial(_name_process, process)]),
    ]
    last: list[Any] = [_show_values, structlog.dev.ConsoleRenderer()]
    if style == "json":
        last = [structlog.processors.JSONRenderer(), _show_line]
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "floodgate": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": shared,
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    structlog.processors.format_exc_info,
                    *last,
                ],
            }
        },
        "filters": {"limits": {"()": RateLimit}},
        "handlers": {
            "stderr": {"class": "logging.StreamHandler", "formatter": "floodgate", "filters": ["limits"]},
        },
        # Faust's default sets the root logger to DEBUG, a quarter of the CPU on tables.
        "root": {"level": level.upper(), "handlers": ["stderr"]},
        "loggers": {"aiokafka": {"level": "ERROR"}, "kafka": {"level": "ERROR"}},
    }


def _name_process(process: int, _: Any, __: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    line["worker_process"] = process
    return line


_LONG = ("event", "exception", "stack")
"""What may have several lines."""


def _show_values(_: Any, __: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Strangers' texts (ids, errors, names) are not executed by a terminal, and begin no line of their own. What is no
    text is rendered as Python writes it, which spells these characters too."""
    for name, value in line.items():
        if isinstance(value, str):
            line[name] = shown(value) if name in _LONG else shown(value).replace("\n", "\\n")
    return line


def _show_line(_: Any, __: str, line: str) -> str:
    """JSON spells all that is executable but one character, and means the same when that is spelt."""
    return shown(line)
