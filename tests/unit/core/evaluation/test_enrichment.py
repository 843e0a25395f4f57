"""What reference data makes of an event: fields that no sender can set, carried to its entities, told in decisions."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import orjson
import pytest

from engine.core.domain.reference import Lookup, Row
from engine.core.evaluation.enrichment import enrich
from engine.reference.recorded import RecordedTables, read_recorded_rows
from engine.rulebook.compiler import load_rulebook
from engine.security import PrivacySettings
from engine.settings import Settings
from engine.stream.offline.arrivals import Arrival
from engine.stream.offline.engine import OfflineEngine
from tests.events import START_MS
from tests.mmdb import write_mmdb

SOURCES = {
    "rules.yaml": """
version: 1
fields: {merchant_id: text, lat1: number, lon1: number}
enrich: {ip: {mmdb: city.mmdb, as: [country, asn, lat, lon]}}
tables:
  profile:  {topic: users, key: user_id, fields: {plan: text, country: text}}
  merchant: {file: merchants.csv, key: merchant_id, fields: {risk: number}}
  network:  {file: networks.jsonl, key: asn, fields: {bad: bool}}
counters:
  asn_users_1h:  {distinct: user_id, of: payment, by: asn, over: 1h}
  countries_1d:  {distinct: country, of: payment, by: user_id, over: 1d}
  free_users_1h: {distinct: user_id, of: payment, by: ip, over: 1h, where: profile.plan == "free"}
rules:
  abroad:    {event: payment, when: [country != profile.country], then: {flag: abroad}}
  risky:     {event: payment, when: [merchant.risk > 0.5], then: {flag: risky}}
  network:   {event: payment, when: [network.bad, asn_users_1h >= 2], then: {flag: network}}
  travels:   {event: payment, when: [countries_1d >= 2], then: {flag: travels}}
  free_ring: {event: payment, when: [free_users_1h >= 2, 'country == "DE"'], then: {flag: free_ring}}
  far:       {event: payment, when: ["km(lat, lon, lat1, lon1) > 1000"], then: {flag: far}}
  plain:     {event: post, when: ['text == "x"'], then: {flag: plain}}
""",
    "merchants.csv": "merchant_id,risk\nm1,0.9\nm2,0.1\n",
    "networks.jsonl": '{"asn": 64500, "bad": true}\n',
}
DE = {
    "country": {"iso_code": "DE"},
    "autonomous_system_number": 64_500,
    "location": {"latitude": 52.5, "longitude": 13},
}
FR = {"country": {"iso_code": "FR"}, "autonomous_system_number": 64_501}
PROFILES = [
    b'{"key": "ann", "fields": {"plan": "free", "country": "FR"}, "ts": 0}',
    b'{"key": "ben", "fields": {"plan": "free", "country": "DE"}}',
]
HIDING = PrivacySettings(key="0123456789abcdef0123456789abcdef")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    write_mmdb(tmp_path / "city.mmdb", {"192.0.2.0/24": DE, "198.51.100.0/24": FR})
    return Settings(reference_data_dir=str(tmp_path), decision_sample=1.0)


def decided(settings: Settings, *events: Mapping[str, Any], sources: Mapping[str, str] = SOURCES) -> list[Any]:
    """The decisions on events, one after the other."""
    tables = RecordedTables({"profile": read_recorded_rows(PROFILES, "profiles")})
    engine = OfflineEngine(load_rulebook(sources), settings, tables=tables)
    lines = [
        orjson.dumps({"event_id": f"e{at}", "type": "payment", "user_id": "ann", "ts": START_MS + at, **event})
        for at, event in enumerate(events)
    ]
    messages = list(engine.run(Arrival("event", 0, line) for line in lines))
    assert not [message for message in messages if message.topic == settings.topics.dead_letters]
    return [orjson.loads(message.value) for message in messages if message.topic == settings.topics.decisions]


def hits(decision: Mapping[str, Any]) -> set[str]:
    return {hit["rule"] for hit in decision["hits"]}


def test_rules_read_what_is_looked_up(settings: Settings) -> None:
    (decision,) = decided(settings, {"ip": "192.0.2.1", "merchant_id": "m1", "lat1": 40.7, "lon1": -74})
    assert hits(decision) == {"abroad", "risky", "far"}
    assert decision["enrichment"] == {"city.mmdb": "2026-11-03"}
    (clause,) = next(hit["clauses"] for hit in decision["hits"] if hit["rule"] == "abroad")
    assert clause["value"] == {"country": "DE", "profile.country": "FR"}


def test_what_nothing_is_known_of_is_unknown(settings: Settings) -> None:
    (decision,) = decided(settings, {"ip": "203.0.113.1", "merchant_id": "m9", "user_id": "eve", "lat1": 1, "lon1": 1})
    assert hits(decision) == set()


def test_counters_count_it_and_count_by_it(settings: Settings) -> None:
    decisions = decided(
        settings,
        {"ip": "192.0.2.1"},
        {"ip": "192.0.2.1", "user_id": "ben"},
        {"ip": "198.51.100.1"},
    )
    last = [next(each for each in reversed(decisions) if each["event_id"] == f"e{at}") for at in range(3)]
    assert [hits(each) for each in last] == [{"abroad"}, {"network", "free_ring"}, {"travels"}]
    assert all(each["enrichment"] == {"city.mmdb": "2026-11-03"} for each in last)


CLAIMS = {
    "country": "FR", "asn": 1, "reference country": "FR", "reference profile country": "DE", "merchant.risk": 0,
    "reference merchant risk": 0, "merchant": {"risk": 0}, "reference": {"country": "FR"},
    "reference versions": {"city.mmdb": "1999-01-01"}, "profile": {"country": "DE"}, "profile.country": "DE",
}  # fmt: skip


def test_a_sender_sets_none_of_it(settings: Settings) -> None:
    event = {"ip": "192.0.2.1", "merchant_id": "m1"}
    assert decided(settings, event | CLAIMS)[0]["hits"] == decided(settings, event)[0]["hits"]
    assert decided(settings, event | CLAIMS)[0]["enrichment"] == {"city.mmdb": "2026-11-03"}
    unknown = {"ip": "203.0.113.1", "user_id": "eve"}
    assert hits(decided(settings, unknown | CLAIMS | {"reference merchant risk": 1})[0]) == set()


def test_nor_in_events_that_need_none(settings: Settings) -> None:
    (decision,) = decided(settings, {"type": "post", "text": "x", "reference versions": {"city.mmdb": "1999-01-01"}})
    assert hits(decision) == {"plain"}
    assert "enrichment" not in decision


def test_without_the_database_its_values_are_unknown_and_tables_still_tell(tmp_path: Path) -> None:
    settings = Settings(reference_data_dir=str(tmp_path / "nothing"), decision_sample=1.0)
    (decision,) = decided(settings, {"ip": "192.0.2.1", "merchant_id": "m1", "reference country": "DE"})
    assert hits(decision) == {"risky"}
    assert "enrichment" not in decision


def test_ids_are_looked_up_as_they_are_before_they_are_hidden(settings: Settings) -> None:
    hidden = msgspec.structs.replace(settings, privacy=HIDING)
    (decision,) = decided(hidden, {"ip": "192.0.2.1", "merchant_id": "m1"})
    assert hits(decision) == {"abroad", "risky"}
    assert decision["user_id"] != "ann"


def test_a_row_counts_from_when_it_was_known(settings: Settings) -> None:
    late = [b'{"key": "ann", "fields": {"country": "FR"}, "ts": %d}' % (START_MS + 1)]
    engine = OfflineEngine(
        load_rulebook(SOURCES), settings, tables=RecordedTables({"profile": read_recorded_rows(late, "profiles")})
    )
    event = {"type": "payment", "user_id": "ann", "ip": "192.0.2.1"}
    lines = [orjson.dumps({"event_id": f"e{at}", "ts": START_MS + at, **event}) for at in range(2)]
    messages = engine.run(Arrival("event", 0, line) for line in lines)
    decisions = [orjson.loads(each.value) for each in messages if each.topic == settings.topics.decisions]
    assert [hits(decision) for decision in decisions] == [set(), {"abroad"}]


class _Noting:
    """Reference data that notes what it is asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, int]] = []

    def find(self, lookup: Lookup, key: str, at_ms: int) -> Row | None:
        self.asked.append((lookup.source, key, at_ms))
        return tuple([None for _ in lookup.columns])

    def version(self, source: str) -> str | None:
        return None


def test_each_source_is_asked_once_and_not_where_nothing_needs_it() -> None:
    rulebook, reference = load_rulebook(SOURCES), _Noting()
    for kind in ("payment", "post"):
        program = rulebook.program(kind)
        assert program is not None
        enrich({"ip": "192.0.2.1", "user_id": "ann"}, rulebook, program, reference, 5)
    assert reference.asked == [("city.mmdb", "192.0.2.1", 5), ("profile", "ann", 5)]
