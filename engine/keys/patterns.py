"""Patterns of RE2, as texts that senders write are searched for them."""

from typing import Any

import re2


def quietly_compiled(pattern: str) -> Any:
    """A compiled pattern. It writes nothing to the log, whatever text it reads: RE2 would tell of each text at which a
    pattern with long gaps (`a.{0,200}b`) has too many states, and senders write such texts as often as they like."""
    options = re2.Options()
    options.log_errors = False
    return re2.compile(pattern, options)
