"""How long a rulebook needs its state to be kept."""

from engine.core.domain.rules import Rulebook


def longest_kept(rulebook: Rulebook) -> tuple[str, int]:
    """What is remembered, or waited for, the longest: its name, and how long in ms; 0 where nothing is."""
    kept = [(memory.keep_ms, name) for name, memory in rulebook.memories.items()]
    kept += [(outcome.until_ms, name) for name, outcome in rulebook.outcomes.items()]
    longest_ms, name = max(kept, default=(0, ""))
    return name, longest_ms
