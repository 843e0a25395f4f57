"""For those who write enrichers: what holds of each of them, as tests of their own."""

from engine.testing.enrichers import EnricherTests

__all__ = ["EnricherTests"]
