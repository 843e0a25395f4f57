"""Floodgate, a streaming anti-spam engine. These names are its public face; the rest may move.

rulebook = load_rulebook(Path("rules"))
evaluator = Evaluator(rulebook, scorers={})
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.core.domain.decisions import Action, Decision
    from engine.core.domain.events import Event, FieldMapping
    from engine.core.domain.rules import Rulebook
    from engine.core.evaluation.evaluator import Evaluator
    from engine.core.state.entities import EntityRecord
    from engine.errors import FloodgateError
    from engine.learning.ngrams import HashedNgrams
    from engine.rulebook.compiler import load_rulebook

__all__ = [
    "Action",
    "Decision",
    "EntityRecord",
    "Evaluator",
    "Event",
    "FieldMapping",
    "FloodgateError",
    "HashedNgrams",
    "Rulebook",
    "load_rulebook",
]

_HOMES = {
    "Action": "engine.core.domain.decisions",
    "Decision": "engine.core.domain.decisions",
    "EntityRecord": "engine.core.state.entities",
    "Evaluator": "engine.core.evaluation.evaluator",
    "Event": "engine.core.domain.events",
    "FieldMapping": "engine.core.domain.events",
    "FloodgateError": "engine.errors",
    "HashedNgrams": "engine.learning.ngrams",
    "Rulebook": "engine.core.domain.rules",
    "load_rulebook": "engine.rulebook.compiler",
}


def __getattr__(name: str) -> Any:
    """Each name is imported when it is asked for: a command pays for what it uses."""
    if name not in _HOMES:
        raise AttributeError(f"module 'engine' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
