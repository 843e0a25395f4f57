"""How far each receiver is: what the brokers and the store know of it."""

from typing import NamedTuple

from kafka import TopicPartition

from engine.delivery.receiver import group_of
from engine.delivery.store import DeliveryStore
from engine.settings import Settings
from engine.stream.kafka.clients import consumer
from engine.stream.kafka.groups import read_offsets
from engine.stream.kafka.records import missing_topic


class Standing(NamedTuple):
    """`lag`: messages of the topic that are not done with; `set_aside`: actions that the receiver does not take."""

    receiver: str
    url: str
    lag: int
    set_aside: int


def read_standing(settings: Settings) -> list[Standing]:
    """Of all receivers of the settings. Raises BrokerError, TopicError, StoreError."""
    topic, own = settings.topics.actions, settings.delivery
    with consumer(settings) as client:
        tps = [TopicPartition(topic, number) for number in client.partitions_for_topic(topic) or ()]
        if not tps:
            raise missing_topic(topic)
        starts, ends = client.beginning_offsets(tps), client.end_offsets(tps)
    store = DeliveryStore(own.store)
    try:
        found = []
        for name, receiver in own.receivers.items():
            done = {tp: known.offset for tp, known in read_offsets(settings, group_of(settings, name)).items()}
            lag = sum(max(0, ends[tp] - max(done.get(tp, 0), starts[tp])) for tp in tps)
            found.append(Standing(name, receiver.url, lag, store.count_set_aside(name)))
    finally:
        store.close()
    return found
