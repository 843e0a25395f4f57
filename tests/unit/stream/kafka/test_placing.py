"""A message is looked for where it was sent."""

from aiokafka.partitioner import DefaultPartitioner, murmur2
from hypothesis import given
from hypothesis import strategies as st

from engine.core.evaluation.routing import NOWHERE, RetroactiveMatch
from engine.state.store import ENTITY, entity_record_key
from engine.stream.handlers.hop_messages import belongs, state_key
from engine.stream.kafka.placing import among, partition_of_key
from engine.stream.worker.publishing import _partition_of


def test_a_key_is_where_kafkas_clients_send_it() -> None:
    place, every = among(7), list(range(7))
    keys = [entity_record_key(("url_domain", f"site{number}.com")).removeprefix(ENTITY) for number in range(200)]
    assert [place(key) for key in keys] == [DefaultPartitioner()(key, every, every) for key in keys]
    assert [place(key) for key in keys] == [_partition_of(key, tuple(every)) for key in keys]
    assert {place(key) for key in keys} == set(every)


@given(st.binary(max_size=40))
def test_any_key_is_hashed_as_kafkas_clients_hash_it(key: bytes) -> None:
    every = tuple(range(1_000))
    assert partition_of_key(key, every) == murmur2(key) % 0x80000000 % 1_000


def test_a_retroactive_match_belongs_at_its_user() -> None:
    match = RetroactiveMatch(NOWHERE, "r", "e", "post", "u", "u", 1, 2, "device_id", "d", "c", None, 1)
    assert [belongs(match, None, state_key(match, None), partition, among(3)) for partition in range(3)] == [
        False,
        False,
        True,
    ]
