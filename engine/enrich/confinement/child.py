"""A confined process: `python -m engine.enrich.confinement.child`. It answers one request after the other.

The first message says what it is: `target` (module:function, which is given `given` and returns what answers), and how
much memory it may take. It imports what it needs, then gives up what it may, and only then reads what may be hostile.
What answers may be a generator: then all that it yields but the last is what it has found so far.
"""

import os
from collections.abc import Iterator
from importlib import import_module
from inspect import isgenerator
from typing import Any

from engine.enrich.answers import Missing
from engine.enrich.confinement import frames
from engine.enrich.confinement.limits import confine, end_with_parent


def main() -> None:
    """Until the worker closes the pipe, or ends this process."""
    end_with_parent()
    requests, answers = os.fdopen(os.dup(0), "rb", buffering=0), os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # what a library prints is no answer; nobody reads it
    begin = frames.read(requests)
    module, _, name = begin["target"].partition(":")
    try:
        answer = getattr(import_module(module), name)(begin["given"])
    except Exception as error:
        answers.write(frames.pack({"error": f"{type(error).__name__}: {error}"[:500]}))
        return
    answers.write(frames.pack({"ready": confine(begin["memory_mb"])}))
    while True:
        try:
            request = frames.read(requests)
        except EOFError:
            return
        for part in _answers(answer, request):
            _write(answers, frames.pack(part))


def _answers(answer: Any, request: Any) -> Iterator[dict[str, Any]]:
    try:
        found = answer(request)
        if isgenerator(found):
            parts, found = found, None
            for found in parts:
                yield {"so_far": found}
        yield {"found": found}
    except Missing as missing:
        yield {"missing": missing.reason}
    except MemoryError:
        yield {"missing": "too_much_memory"}
    except Exception as error:  # a hostile input may raise anything
        yield {"missing": "failed", "error": f"{type(error).__name__}: {error}"[:500]}


def _write(file: Any, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]


if __name__ == "__main__":
    main()
