"""The simulator: what is watched, and the verdict at its end."""

from typing import Any

import pytest

from engine.console.store.database import Store
from engine.console.trying import simulations
from engine.sim.world import simulate_day
from tests.rules_console import FLOOD, SaidControl, rules_client, standing_of


def test_the_simulated_day_ends_with_a_verdict(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def few(seed: int) -> Any:
        return [one for one in simulate_day(seed, people=20) if one.attack in (None, "post_flood")][:3_000]

    monkeypatch.setattr(simulations, "simulate_day", few)
    client = rules_client(store, "analyst", SaidControl(standing_of({"flood.yaml": FLOOD})))
    started = client.post("/simulator", data={"draft": "0", "hours": "0"})
    page = client.get(started.headers["location"]).text
    assert "What was caught" in page
    assert "Innocent accounts acted on" in page
    assert "the simulated day" in client.get("/simulator").text


def test_without_rules_there_is_nothing_to_watch(store: Store) -> None:
    client = rules_client(store, "analyst", SaidControl(standing_of()))
    assert client.post("/simulator", data={"draft": "0"}).status_code == 409


def test_others_only_look(store: Store) -> None:
    client = rules_client(store, "viewer", SaidControl(standing_of()))
    assert client.get("/simulator").status_code == 200
    assert client.post("/simulator", data={"draft": "0"}).status_code == 403
