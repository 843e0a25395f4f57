"""The public topics as an AsyncAPI document, made of their schemas and of the settings: for code generators and
catalogues."""

from typing import Any

from engine.build import find_build
from engine.settings import Settings
from engine.stream.admin.schemas import PUBLIC, VERSION, topic_schema
from engine.stream.kafka.topics import topic_specs

_SENDS = frozenset(("actions", "decisions", "scores"))
"""What Floodgate writes; it reads the others."""


def asyncapi(settings: Settings) -> dict[str, Any]:
    """The document, AsyncAPI 3.0."""
    specs = {spec.name: spec for spec in topic_specs(settings)}
    channels, operations, messages = {}, {}, {}
    for topic in PUBLIC:
        name = getattr(settings.topics, topic)
        spec = specs.get(name)
        if spec is None:  # it is published only where that is wanted
            continue
        channels[topic] = {
            "address": name,
            "description": spec.holds,
            "messages": {topic: {"$ref": f"#/components/messages/{topic}"}},
            "bindings": {
                "kafka": {"topic": name, "partitions": spec.partitions, "replicas": settings.replication}
            },
        }  # fmt: skip
        deed = "send" if topic in _SENDS else "receive"
        operations[f"{deed}_{topic}"] = {
            "action": deed,
            "channel": {"$ref": f"#/channels/{topic}"},
            "messages": [{"$ref": f"#/channels/{topic}/messages/{topic}"}],
        }
        messages[topic] = {
            "name": topic,
            "contentType": "application/json",
            "payload": topic_schema(topic),
            "bindings": {"kafka": {"key": {"type": "string", "description": spec.key}}},
        }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Floodgate",
            "version": f"{VERSION}.0.0",
            "description": f"What producers write and consumers read; made by Floodgate {find_build().version}.",
        },
        "defaultContentType": "application/json",
        "servers": {
            f"broker{number}": {
                "host": broker,
                "protocol": "kafka-secure" if settings.security.uses_tls else "kafka",
            }
            for number, broker in enumerate(settings.bootstrap_servers, 1)
        },
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages},
    }
