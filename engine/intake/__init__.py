"""Producers' own topics into events: other formats, other names, other keys."""
