"""The console: a screen for moderators, analysts and operators.

`store`: what has been read, and what only the console knows; `following`: topics into the store; `outgoing`: what
people decide out to topics; `web`: pages and the JSON API.
"""
