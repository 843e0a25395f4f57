"""Floodgate."""
