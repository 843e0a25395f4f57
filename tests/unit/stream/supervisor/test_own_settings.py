"""No two workers on a machine share anything that is one's own."""

import pytest

from engine.errors import SettingsError
from engine.settings import Settings
from engine.stream.supervisor.own_settings import own_settings


def test_each_has_a_directory_a_port_and_a_name_of_its_own() -> None:
    own = own_settings(Settings(data_dir="/var/lib/floodgate", web_port=6066, instance_id="host"), 3)
    assert [(each.data_dir, each.web_port, each.instance_id) for each in own] == [
        ("/var/lib/floodgate/1", 6067, "host-1"),
        ("/var/lib/floodgate/2", 6068, "host-2"),
        ("/var/lib/floodgate/3", 6069, "host-3"),
    ]


def test_without_a_name_they_have_none() -> None:
    assert {each.instance_id for each in own_settings(Settings(), 2)} == {""}


def test_all_else_is_the_same() -> None:
    settings = Settings(brokers="kafka:9092", partitions=32, data_dir="d", web_port=1, instance_id="i")
    (own,) = own_settings(settings, 1)
    assert own == Settings(brokers="kafka:9092", partitions=32, data_dir="d/1", web_port=2, instance_id="i-1")


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (Settings(web_port=65_530), "`web_port` is a port number, not 65536"),
        (Settings(instance_id="i" * 199), "`instance_id` is letters"),
    ],
)
def test_where_there_is_no_room_it_says_so(settings: Settings, says: str) -> None:
    with pytest.raises(SettingsError, match=f"6 processes cannot work: of the last one, {says}"):
        own_settings(settings, 6)
