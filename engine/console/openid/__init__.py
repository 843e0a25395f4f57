"""Signing in at an OpenID provider: what is asked of it, and what of its answers is believed."""
