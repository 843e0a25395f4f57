"""YAML in, a checked and compiled Rulebook out."""

from engine.rulebook.compiler import check_rulebook, load_rulebook, read_directory, rulebook_id

__all__ = ["check_rulebook", "load_rulebook", "read_directory", "rulebook_id"]
