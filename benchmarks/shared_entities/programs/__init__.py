"""The peers of workload 2, as programs of their own: they run in virtual environments without the engine.

Each takes `BROKERS EVENTS PARTITIONS DIRECTORY`. It reads the topic `events`, passes each event through repartition
topics from its user to its device, its address and its target, and decides it there. What that took goes to
`result.json` in the directory, and what was decided to `actions.jsonl`.
"""
