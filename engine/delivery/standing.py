"""How far each receiver is: what the brokers and the store know of it."""

from typing import NamedTuple

from kafka import TopicPartition
from kafka.admin import KafkaAdminClient
from kafka.errors import CoordinatorNotAvailableError, GroupIdNotFoundError, KafkaError

from engine.delivery.receiver import group_of
from engine.delivery.store import DeliveryStore
from engine.errors import BrokerError, TopicError
from engine.settings import Settings
from engine.stream.kafka.clients import admin, consumer


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
            raise TopicError(f"topic {topic} does not exist. Run `floodgate topics create`")
        starts, ends = client.beginning_offsets(tps), client.end_offsets(tps)
    store = DeliveryStore(own.store)
    try:
        with admin(settings) as asking:
            found = []
            for name, receiver in own.receivers.items():
                done = _committed(asking, group_of(settings, name))
                lag = sum(max(0, ends[tp] - max(done.get(tp, 0), starts[tp])) for tp in tps)
                found.append(Standing(name, receiver.url, lag, store.count_set_aside(name)))
    finally:
        store.close()
    return found


def _committed(client: KafkaAdminClient, group: str) -> dict[TopicPartition, int]:
    try:
        offsets = client.list_group_offsets([group])[group]
    except (CoordinatorNotAvailableError, GroupIdNotFoundError, KeyError):  # it has never delivered anything
        return {}
    except KafkaError as error:
        raise BrokerError(f"the group {group} could not be asked for: {error!r}") from error
    return {tp: known.offset for tp, known in offsets.items()}
