"""Metadata, topics, configurations."""

import uuid
from typing import Any

from kafka.protocol.admin import (
    AlterConfigsResponse,
    CreatePartitionsResponse,
    CreateTopicsResponse,
    DeleteRecordsResponse,
    DeleteTopicsResponse,
    DescribeConfigsResponse,
    IncrementalAlterConfigsResponse,
)
from kafka.protocol.metadata import MetadataResponse

from engine.dev.broker import codes
from engine.dev.broker.groups import Groups
from engine.dev.broker.topics import BrokerSettings, Topics

NODE_ID = 1
_TOPIC_RESOURCE = 2
_ASKS_FOR_CREATION_FROM_VERSION = 4


class AdminApi:
    """The handlers by API key; each takes (request, version, client id)."""

    def __init__(self, topics: Topics, groups: Groups, settings: BrokerSettings) -> None:
        self._topics, self._groups, self._settings = topics, groups, settings
        self.address = (settings.host, settings.port)
        self._cluster = f"development-{uuid.uuid4().hex[:12]}"  # what is in memory is another one each time
        self.handlers = {
            3: self.metadata, 19: self.create_topics, 20: self.delete_topics, 21: self.delete_records,
            32: self.describe_configs, 33: self.alter_configs, 37: self.create_partitions,
            44: self.alter_configs_incrementally,
        }  # fmt: skip

    def metadata(self, request: Any, version: int, _client: str) -> Any:
        """Who the brokers are (this one) and which topics there are."""
        everything = request.topics is None or (not request.topics and version == 0)
        names = list(self._topics.by_name) if everything else [topic.name for topic in request.topics]
        create = self._settings.auto_create_topics and not everything
        if version >= _ASKS_FOR_CREATION_FROM_VERSION:
            create = create and request.allow_auto_topic_creation
        host, port = self.address
        return MetadataResponse(
            throttle_time_ms=0, cluster_id=self._cluster, controller_id=NODE_ID,
            brokers=[MetadataResponse.MetadataResponseBroker(node_id=NODE_ID, host=host, port=port, rack=None)],
            topics=[self._describe(name, create) for name in names],
        )  # fmt: skip

    def _describe(self, name: str, create: bool) -> Any:
        topic = self._topics.by_name.get(name)
        if topic is None and create and self._topics.legal(name):
            topic = self._topics.create(name)
        made = MetadataResponse.MetadataResponseTopic
        partitions = [
            made.MetadataResponsePartition(
                error_code=0, partition_index=log.index, leader_id=NODE_ID, leader_epoch=0,
                replica_nodes=[NODE_ID], isr_nodes=[NODE_ID], offline_replicas=[],
            )
            for log in (topic.partitions if topic else [])
        ]  # fmt: skip
        error = codes.NONE if topic else codes.UNKNOWN_TOPIC_OR_PARTITION
        return made(error_code=error, name=name, is_internal=False, partitions=partitions)

    def create_topics(self, request: Any, _version: int, _client: str) -> Any:
        """New topics."""
        results = []
        for topic in request.topics:
            partitions = len(topic.assignments) or topic.num_partitions
            error = codes.NONE
            if topic.name in self._topics.by_name:
                error = codes.TOPIC_ALREADY_EXISTS
            elif not self._topics.legal(topic.name):
                error = codes.INVALID_TOPIC
            elif partitions == 0 or partitions < -1:
                error = codes.INVALID_PARTITIONS
            elif not request.validate_only:
                config = {entry.name: entry.value for entry in topic.configs if entry.value is not None}
                self._topics.create(topic.name, partitions, config)
            results.append(
                CreateTopicsResponse.CreatableTopicResult(name=topic.name, error_code=error, error_message=None)
            )
        return CreateTopicsResponse(throttle_time_ms=0, topics=results)

    def delete_topics(self, request: Any, _version: int, _client: str) -> Any:
        """Topics are gone at once, with their committed offsets."""
        results = []
        for name in request.topic_names:
            deleted = self._topics.delete(name)
            self._groups.forget_topic(name)
            error = codes.NONE if deleted else codes.UNKNOWN_TOPIC_OR_PARTITION
            results.append(DeleteTopicsResponse.DeletableTopicResult(name=name, error_code=error))
        return DeleteTopicsResponse(throttle_time_ms=0, responses=results)

    def create_partitions(self, request: Any, _version: int, _client: str) -> Any:
        """More partitions for a topic."""
        results = []
        for asked in request.topics:
            topic = self._topics.by_name.get(asked.name)
            error = codes.NONE
            if topic is None:
                error = codes.UNKNOWN_TOPIC_OR_PARTITION
            elif asked.count <= len(topic.partitions):
                error = codes.INVALID_PARTITIONS
            elif not request.validate_only:
                self._topics.grow(topic, asked.count)
            results.append(
                CreatePartitionsResponse.CreatePartitionsTopicResult(
                    name=asked.name, error_code=error, error_message=None
                )
            )
        return CreatePartitionsResponse(throttle_time_ms=0, results=results)

    def delete_records(self, request: Any, _version: int, _client: str) -> Any:
        """Forget records before an offset (-1: all)."""
        made = DeleteRecordsResponse.DeleteRecordsTopicResult
        topics = []
        for topic in request.topics:
            parts = []
            for part in topic.partitions:
                log = self._topics.partition(topic.name, part.partition_index)
                error = codes.UNKNOWN_TOPIC_OR_PARTITION
                if log is not None:
                    upto = log.end if part.offset == -1 else part.offset
                    error = codes.NONE if 0 <= upto <= log.end else codes.OFFSET_OUT_OF_RANGE
                    if error == codes.NONE:
                        log.delete_before(upto)
                parts.append(
                    made.DeleteRecordsPartitionResult(
                        partition_index=part.partition_index,
                        low_watermark=log.start if log else -1,
                        error_code=error,
                    )
                )
            topics.append(made(name=topic.name, partitions=parts))
        return DeleteRecordsResponse(throttle_time_ms=0, topics=topics)

    def describe_configs(self, request: Any, _version: int, _client: str) -> Any:
        """A topic's configuration, or an empty one for a broker."""
        made = DescribeConfigsResponse.DescribeConfigsResult
        results = []
        for resource in request.resources:
            topic = self._topics.by_name.get(resource.resource_name)
            config: dict[str, str] = {}
            if resource.resource_type == _TOPIC_RESOURCE and topic is not None:
                config = {
                    "cleanup.policy": "delete",
                    "retention.bytes": str(self._topics.retention_bytes(topic)),
                    "max.message.bytes": str(self._topics.max_message_bytes(topic.name)),
                    "min.insync.replicas": "1",
                    **topic.config,
                }
            missing = resource.resource_type == _TOPIC_RESOURCE and topic is None
            entries = [
                made.DescribeConfigsResourceResult(
                    name=name, value=value, read_only=False, config_source=1, is_default=False, is_sensitive=False,
                    synonyms=[], config_type=2, documentation=None,
                )
                for name, value in config.items()
                if not resource.configuration_keys or name in resource.configuration_keys
            ]  # fmt: skip
            results.append(
                made(
                    error_code=codes.UNKNOWN_TOPIC_OR_PARTITION if missing else codes.NONE,
                    error_message=None,
                    resource_type=resource.resource_type,
                    resource_name=resource.resource_name,
                    configs=entries,
                )
            )
        return DescribeConfigsResponse(throttle_time_ms=0, results=results)

    def alter_configs(self, request: Any, _version: int, _client: str) -> Any:
        """Set a topic's configuration."""
        made = AlterConfigsResponse.AlterConfigsResourceResponse
        return AlterConfigsResponse(throttle_time_ms=0, responses=self._alter(request, made))

    def alter_configs_incrementally(self, request: Any, _version: int, _client: str) -> Any:
        """Change entries of a topic's configuration."""
        made = IncrementalAlterConfigsResponse.AlterConfigsResourceResponse
        return IncrementalAlterConfigsResponse(throttle_time_ms=0, responses=self._alter(request, made))

    def _alter(self, request: Any, made: Any) -> list[Any]:
        responses = []
        for resource in request.resources:
            topic = self._topics.by_name.get(resource.resource_name)
            if topic is not None:
                config = {entry.name: entry.value for entry in resource.configs if entry.value is not None}
                self._topics.configure(topic, config)
            responses.append(
                made(
                    error_code=codes.NONE if topic else codes.UNKNOWN_TOPIC_OR_PARTITION,
                    error_message=None,
                    resource_type=resource.resource_type,
                    resource_name=resource.resource_name,
                )
            )
        return responses
