"""A Kafka-protocol broker for laptops and tests: single node, loopback, in memory. Not for production.

It speaks the parts of the protocol that kafka-python, aiokafka, librdkafka and Faust use with their
default settings: produce and fetch with long polling, classic consumer groups, topic administration,
idempotent and transactional producers. It keeps everything in memory and forgets it when it stops.
"""
