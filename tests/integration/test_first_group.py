"""A group is asked for where there has never been one."""

from engine.dev.broker.process import BrokerProcess
from engine.dev.kafka.cluster import KafkaCluster
from engine.settings import Settings
from engine.stream.kafka.clients import admin
from engine.stream.kafka.groups import read_group
from tests.system import wait_until


def test_it_is_told_that_there_is_none(kafka: KafkaCluster) -> None:
    """`kafka`: skips where there is no Apache Kafka; another group may have been there."""
    broker = BrokerProcess()
    try:
        with KafkaCluster() as fresh:
            for address in (broker.address, fresh.address, fresh.address, kafka.address):
                group, offsets = read_group(Settings(brokers=address), "nobodys")
                assert group["group_state"] in ("without workers", "Dead")
                assert (group["members"], offsets) == ([], {})
            with admin(Settings(brokers=fresh.address)) as client:
                wait_until(  # the controller has made it, of which the broker learns
                    lambda: client.describe_topics(["__consumer_offsets"])[0]["error_code"] == 0, "its topic is there"
                )
    finally:
        broker.stop()
