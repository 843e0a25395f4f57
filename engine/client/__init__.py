"""For services that carry actions out: `for action in engine.client.actions(…)`, each once."""

from engine.client.action import Action
from engine.client.reading import actions

__all__ = ["Action", "actions"]
