"""The schemas of the public topics say what the engine takes and writes: no more, no less."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import orjson
import pytest

from engine.core.domain.events import FieldMapping
from engine.errors import EventError, LabelError
from engine.rulebook.compiler import load_rulebook
from engine.rulebook.language.schema import Json
from engine.settings import Settings
from engine.sim.world import simulate_day
from engine.stream.admin.revocation import compensation
from engine.stream.admin.schemas import PUBLIC, topic_schema, topic_table
from engine.stream.handlers.label_messages import read_label
from engine.stream.offline.arrivals import Arrival, merge
from engine.stream.offline.engine import OfflineEngine
from tests.events import START_MS, random_events, swarm_events
from tests.mmdb import write_mmdb
from tests.system import RULEBOOKS

ROOT = Path(__file__).parents[4]
SETTINGS = Settings(decision_sample=1.0)
OUTPUTS = ("actions", "decisions")
ALL_THERE_IS = """
version: 1
fields: {verified: bool}
counters:
  posts: {count: post, by: user_id, over: 10m}
  on_device: {count: post, by: device_id, over: 10m}
  ring_users: {distinct: user_id, by: ring, over: 10m}
enrich:
  ip: {mmdb: city.mmdb, as: [country]}
clusters:
  ring: {of: post, share: device_id, within: 10m}
models:
  words: {texts: [text], numbers: [posts], hints: {posts: 2}, min_labels: 0}
ladders:
  steps: {decay: 7d, steps: [{at: 1, warn: user}, {at: 2, limit: posting, for: 1h, needs: review}]}
rules:
  scored:
    event: post
    when: [score.words > 0.01, posts >= 2]
    then: {limit: posting, for: 1h, needs: review}
    enforce: {delay: 1m..5m}
    meta: {area: spam, severity: high, tell: "You post too much."}
  climbing: {event: post, when: [posts >= 3], then: {ladder: steps}}
  shared: {event: post, when: [on_device >= 4], then: {hide: content, target: event, also: earlier, lookback: 10m}}
  ringed: {event: post, when: [ring_users >= 2], then: {flag: ring}}
  from_berlin: {event: post, when: ['country == "DE"'], then: {flag: berlin}, mode: shadow}
  quiet: {event: post, when: [posts >= 1, verified], then: {suspend: user}, mode: shadow}
"""


def closed(schema: Json) -> Json:
    """The same, where no field may come that it does not name."""
    found = {name: closed(one) if isinstance(one, dict) else one for name, one in schema.items()}
    return {**found, "additionalProperties": False} if "required" in found and "properties" in found else found


def posts() -> list[bytes]:
    """Some accounts that share their devices and flood."""
    made = [
        {"event_id": f"p{number}", "type": "post", "user_id": f"u{number % 4}", "ts": START_MS + 1_000 * number,
         "device_id": f"d{number % 2}", "ip": "192.0.2.1", "text": "buy now", "verified": number % 3 == 0}
        for number in range(40)
    ]  # fmt: skip
    return [orjson.dumps(event) for event in made]


def label(number: int) -> Arrival:
    value = {"event_id": f"p{number}", "user_id": f"u{number % 4}", "label": "spam", "ts": START_MS + 1_000 * number}
    return Arrival("label", START_MS + 1_000 * number + 1, orjson.dumps(value))


def replayed(
    rules: Any, events: Iterable[bytes], labels: Iterable[Arrival] = (), settings: Settings = SETTINGS
) -> Iterator[tuple[str, Any]]:
    """What the engine publishes on public topics."""
    arrivals = merge([Arrival("event", orjson.loads(event)["ts"], event) for event in events], labels)
    for message in OfflineEngine(load_rulebook(rules), settings).run(arrivals):
        if message.topic in OUTPUTS:
            yield message.topic, orjson.loads(message.value)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, Any]]:
    """The topics and messages of some replays, with a revocation of each action of one."""
    directory, labels = tmp_path_factory.mktemp("reference"), [label(number) for number in range(30)]
    write_mmdb(directory / "city.mmdb", {"192.0.2.0/24": {"country": {"iso_code": "DE"}}})
    settings = msgspec.structs.replace(SETTINGS, reference_data_dir=str(directory))
    found = list(replayed({"all.yaml": ALL_THERE_IS}, posts(), labels, settings))
    found += [("actions", compensation(one, "mo", "", 1)) for topic, one in found if topic == "actions"]
    found += replayed(RULEBOOKS / "flood", random_events(700))
    found += replayed(RULEBOOKS / "swarm", swarm_events(700))
    found += replayed(ROOT / "rules", [orjson.dumps(one.event) for one in simulate_day(1, 40)[:2_000]])
    return found


def of(topic: str, published: list[tuple[str, Any]]) -> list[Any]:
    found = [one for name, one in published if name == topic]
    assert len(found) > 100
    return found


@pytest.mark.parametrize("topic", PUBLIC)
def test_a_schema_is_a_schema_and_describes_each_field(topic: str) -> None:
    schema = topic_schema(topic)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert all(field["description"] for field in schema["properties"].values())


@pytest.mark.parametrize("topic", OUTPUTS)
def test_whatever_is_published_is_in_its_schema(topic: str, published: list[tuple[str, Any]]) -> None:
    validator = jsonschema.Draft202012Validator(closed(topic_schema(topic)))
    messages = of(topic, published)
    for message in messages:
        validator.validate(message)
    with pytest.raises(jsonschema.ValidationError):
        validator.validate({**messages[0], "more": 1})


@pytest.mark.parametrize("topic", OUTPUTS)
def test_whatever_is_in_a_schema_is_published(topic: str, published: list[tuple[str, Any]]) -> None:
    seen: set[str] = set().union(*of(topic, published))
    assert seen == set(topic_schema(topic)["properties"])


def test_a_revocation_names_what_it_takes_back() -> None:
    schema = topic_schema("actions")
    action = next(one for topic, one in replayed({"all.yaml": ALL_THERE_IS}, posts()) if topic == "actions")
    jsonschema.validate(action, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**action, "kind": "revoke"}, schema)


EVENT = {"event_id": "e", "type": "post", "user_id": "ann", "ts": START_MS}


@pytest.mark.parametrize(
    "changes",
    [
        {}, {"ts": "2026-03-02T07:00:00Z"}, {"ts": True}, {"ts": None}, {"ts": 1.5}, {"event_id": ""}, {"event_id": 5},
        {"type": "x" * 256}, {"type": "x" * 257}, {"user_id": None}, {"ip": 5}, {"ip": None}, {"text": ["a"]},
        {"device_id": "d", "target_id": "t", "links": 3}, {"target_id": {}},
    ],
)  # fmt: skip
def test_an_event_that_fits_is_taken_whole_and_no_other(changes: dict[str, Any]) -> None:
    event = {**EVENT, **changes}
    fits = jsonschema.Draft202012Validator(topic_schema("events")).is_valid(event)
    try:
        is_whole = "invalid_fields" not in FieldMapping().read(dict(event), START_MS).fields
    except EventError:
        is_whole = False
    assert fits is is_whole


@pytest.mark.parametrize("name", ["event_id", "type", "user_id"])
def test_what_is_required_of_an_event_must_be_there(name: str) -> None:
    event = {key: value for key, value in EVENT.items() if key != name}
    assert not jsonschema.Draft202012Validator(topic_schema("events")).is_valid(event)
    with pytest.raises(EventError):
        FieldMapping().read(event, START_MS)


LABEL = {"event_id": "e", "label": "spam", "ts": START_MS}


@pytest.mark.parametrize(
    "changes",
    [
        {}, {"label": "ham"}, {"label": "bad"}, {"ts": "2026-03-02"}, {"ts": 1.5}, {"ts": None}, {"event_id": ""},
        {"event_id": 5}, {"action_id": "a"}, {"moderator": "mo"}, {"moderator": ""}, {"moderator": "m" * 257},
        {"propensity": 0.1}, {"propensity": 0}, {"propensity": 1.1}, {"policy": "ads"}, {"policy": ""},
        {"user_id": "u"},
        {"user_id": 5}, {"type": "x" * 257}, {"more": 1},
    ],
)  # fmt: skip
def test_a_label_that_fits_is_taken_and_no_other(changes: dict[str, Any]) -> None:
    document = {**LABEL, **changes}
    fits = jsonschema.Draft202012Validator(topic_schema("labels")).is_valid(document)
    try:
        read_label(document)
        is_taken = True
    except LabelError:
        is_taken = False
    assert fits is is_taken


@pytest.mark.parametrize("topic", PUBLIC)
def test_the_page_has_the_fields_of_the_schema(topic: str) -> None:
    """After a wanted change: floodgate topics schema TOPIC --table, into docs/contract.md"""
    assert f"\n\n{topic_table(topic)}\n" in (ROOT / "docs" / "contract.md").read_text("utf-8")
