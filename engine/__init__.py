"""Floodgate, a streaming anti-spam engine. These names are its public face; the rest may move.

rulebook = load_rulebook(Path("rules"))
evaluator = Evaluator(rulebook, scorers={})
"""

from engine.core.domain.decisions import Action, Decision
from engine.core.domain.events import Event, FieldMapping
from engine.core.domain.rules import Rulebook
from engine.core.evaluation.evaluator import Evaluator
from engine.core.state.entities import EntityRecord
from engine.errors import FloodgateError
from engine.rulebook import load_rulebook

__all__ = [
    "Action",
    "Decision",
    "EntityRecord",
    "Evaluator",
    "Event",
    "FieldMapping",
    "FloodgateError",
    "Rulebook",
    "load_rulebook",
]
