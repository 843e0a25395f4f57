"""YAML in, a checked and compiled Rulebook out (`compiler.py`)."""
