"""A confined process: `python -m engine.enrich.confinement.child`. It answers one request after the other.

The first message says what it is: `target` (module:function, which is given `given` and returns what answers), and how
much memory it may take. It imports what it needs, then gives up what it may, and only then reads what may be hostile.
"""

import os
from importlib import import_module
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
        _write(answers, frames.pack(_answer(answer, request)))


def _answer(answer: Any, request: Any) -> dict[str, Any]:
    try:
        return {"found": answer(request)}
    except Missing as missing:
        return {"missing": missing.reason}
    except MemoryError:
        return {"missing": "too_much_memory"}
    except Exception as error:  # a hostile input may raise anything
        return {"missing": "failed", "error": f"{type(error).__name__}: {error}"[:500]}


def _write(file: Any, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]


if __name__ == "__main__":
    main()
