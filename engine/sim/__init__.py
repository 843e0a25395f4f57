"""A seeded simulator of a small social platform: people with daily habits, attackers, a moderator.

Everything is a function of the seed. Each event carries its ground truth beside it, never inside it.
"""
