"""Floodgate, a streaming anti-spam engine. These names are its public face; the rest may move.

rulebook = load_rulebook(Path("rules"))
evaluator = Evaluator(rulebook, scorers={})
"""

from engine.core.decisions import Action, Decision
from engine.core.entities import EntityRecord
from engine.core.evaluator import Evaluator
from engine.core.events import Event, FieldMapping
from engine.core.rules import Rulebook
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
