"""The reference data of a worker: what the rulebook in use names, and what of it is missing."""

import asyncio
from pathlib import Path

from engine.rulebook.compiler import load_rulebook
from engine.settings import Settings
from engine.stream.handlers.metrics import Metrics
from engine.stream.worker.reference_data import ReferenceData
from tests.mmdb import write_mmdb

RULES = """
version: 1
enrich: {ip: {mmdb: city.mmdb, as: [country]}}
rules: {r: {event: post, when: ['country == "DE"'], then: {flag: x}}}
"""
BUILT = b'floodgate_database_built_timestamp_seconds{file="city.mmdb"}'


def test_what_a_rulebook_names_is_had_and_what_is_missing_is_told(tmp_path: Path) -> None:
    metrics = Metrics()
    data = ReferenceData(Settings(reference_data_dir=str(tmp_path)), metrics, lambda: None)
    assert (data.is_known, data.missing()) == (True, [])
    data.use(load_rulebook({"r.yaml": RULES}))
    assert (data.is_known, data.missing()) == (True, ["file city.mmdb"])  # which keeps nobody waiting
    assert BUILT + b" 0.0" in metrics.expose()
    write_mmdb(tmp_path / "city.mmdb", {"192.0.2.0/24": {"country": {"iso_code": "DE"}}}, built_s=1_793_664_000)
    asyncio.run(data.look_at_files())
    assert data.missing() == []
    assert data.references.version("city.mmdb") == "2026-11-03"
    assert BUILT + b" 1.793664e+09" in metrics.expose()
    data.use(load_rulebook({"r.yaml": "version: 1\n"}))
    assert data.references.version("city.mmdb") is None


def test_a_table_is_waited_for(tmp_path: Path) -> None:
    data = ReferenceData(Settings(reference_data_dir=str(tmp_path)), Metrics(), lambda: None)
    text = "version: 1\ntables: {profile: {topic: users, key: user_id, fields: {plan: text}}}\n"
    data.use(load_rulebook({"r.yaml": text}))
    assert not data.is_known
    data.use(load_rulebook({"r.yaml": "version: 1\n"}))
    assert data.is_known
