"""A console for tests: a store with some rows, somebody who has signed in, and the console as a process."""

import os
import re
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpx2
import msgspec
import orjson
import psutil
from argon2 import PasswordHasher
from sqlalchemy import insert
from starlette.testclient import TestClient

from engine.console.store import accounts
from engine.console.store.database import Store
from engine.console.store.followed import ACTIONS, CASES, DECISIONS, EVENTS, HITS, LABELS, MENTIONS
from engine.console.store.recording import record
from engine.console.web.app import make_app
from engine.dev.pages import free_port, read_page
from engine.settings import Settings
from tests import forks
from tests.system import wait_until

PASSWORD = "correct horse battery staple"
START_MS = 1_790_000_000_000
CHEAP_HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
"""Argon2 is made to be slow; in tests nobody guesses."""


def open_store(directory: Path) -> Store:
    """A new store in a file."""
    return Store(f"sqlite:///{directory / 'console.db'}")


def add_event(store: Store, number: int, user_id: str = "u1", **fields: Any) -> str:
    """An event, and the entities that it names; returns its id."""
    event_id, ts = f"e{number}", START_MS + number * 1_000
    event = {"event_id": event_id, "type": "post", "user_id": user_id, "ts": ts, "text": f"text {number}", **fields}
    key = {"partition": 0, "offset": number}
    row = {**key, "event_id": event_id, "user_id": user_id, "type": event["type"], "ts": ts}
    named = [
        {**key, "kind": kind, "value": fields[kind], "ts": ts, "user_id": user_id}
        for kind in ("device_id", "url_domain") if kind in fields
    ]  # fmt: skip
    with store.write() as connection:
        record(connection, {EVENTS: [{**row, "document": orjson.dumps(event)}], MENTIONS: named}, {})
    return event_id


def add_decision(store: Store, number: int, user_id: str = "u1", rule: str = "", **values: Any) -> str:
    """A decision on the event of this number, with a hit of `rule`."""
    event_id, ts = f"e{number}", START_MS + number * 1_000
    clause = {"text": "posts_1m > 10", "value": 11, "result": True}
    hits = [{"rule": rule, "mode": "enforce", "effect": "acted", "clauses": [clause]}] if rule else []
    document = {
        "event_id": event_id, "user_id": user_id, "ts": ts, "type": "post", "outcome": "act" if rule else "none",
        "hits": hits, "scores": {}, "rulebook": "r1", "models": {}, **values,
    }  # fmt: skip
    key = {"partition": 0, "offset": number}
    row = {**key, "event_id": event_id, "user_id": user_id, "ts": ts, "type": "post", "outcome": document["outcome"]}
    row |= {"score": max(document["scores"].values(), default=None), "rulebook": "r1"}
    met = [{**key, "rule": hit["rule"], "mode": hit["mode"], "effect": hit["effect"], "ts": ts} for hit in hits]
    with store.write() as connection:
        record(connection, {DECISIONS: [{**row, "document": orjson.dumps(document)}], HITS: met}, {})
    return event_id


def add_action(store: Store, number: int, user_id: str = "u1", rule: str = "flood") -> str:
    """An action on the event of this number; returns its id."""
    action_id, ts = f"a{number}", START_MS + number * 1_000
    target = {"type": "user", "id": user_id}
    action = {
        "action_id": action_id, "ts": ts, "kind": "limit", "target": target, "event_id": f"e{number}",
        "user_id": user_id, "rule": rule, "reason": "too fast", "explanation": "posts_1m = 11 > 10", "rulebook": "r1",
    }  # fmt: skip
    row = {name: action[name] for name in ("action_id", "ts", "kind", "event_id", "user_id", "rule")}
    row |= {"published_ms": ts, "target_type": "user", "target_id": user_id, "area": "spam", "needs": None}
    with store.write() as connection:
        record(connection, {ACTIONS: [{**row, "document": orjson.dumps(action)}]}, {})
    return action_id


def add_case(store: Store, number: int, value: float = 1.0, **values: Any) -> str:
    """A case that waits; returns its event's id."""
    event_id = f"e{number}"
    row = {
        "source": "review", "key": event_id, "event_id": event_id, "user_id": "u1", "ts": START_MS, "type": "post",
        "area": "", "language": "", "model": "spam", "score": 0.5, "propensity": 0.2, "why": "uncertain",
        "value": value, "is_open": True, **values,
    }  # fmt: skip
    with store.write() as connection:
        connection.execute(insert(CASES).values(row))
    return event_id


def add_label(store: Store, number: int, label: str, event_id: str, moderator: str = "m1") -> None:
    """A label that has come on its topic."""
    row = {"partition": 0, "offset": number, "event_id": event_id, "label": label, "moderator": moderator}
    with store.write() as connection:
        record(connection, {LABELS: [{**row, "policy": None, "propensity": None, "ts": START_MS + number}]}, {})


def settings_of(**console: Any) -> Settings:
    """Settings with these of the console."""
    return msgspec.convert({"console": console}, Settings)


def sign_in(store: Store, role: str, name: str = "", **console: Any) -> TestClient:
    """A browser in which somebody of this role has signed in. Its requests carry the token of their session."""
    name = name or role
    with store.write() as connection:
        if accounts.find_account(connection, name) is None:
            accounts.add_account(connection, name, role, PASSWORD, START_MS)
    client = TestClient(make_app(settings_of(**console), store), follow_redirects=False)
    enter(client, name)
    return client


def enter(client: httpx2.Client, name: str) -> None:
    """Sign in; requests carry the token of the session from then on."""
    token = token_in(client.get("/login").text)
    given = {"name": name, "password": PASSWORD, "token": token, "next": ""}
    assert client.post("/login", data=given).status_code == 303
    client.headers["x-csrf-token"] = csrf_in(client.get("/account").text)


def token_in(page: str) -> str:
    """The token of the login form."""
    return found(r'name="token" value="([^"]+)"', page)


def without_tokens(page: str) -> str:
    """The page without the tokens of its session, which are random: any few letters may be found in them."""
    return page.replace(csrf_in(page), "")


def csrf_in(page: str) -> str:
    """The token of a session's forms."""
    return found(r'name="csrf-token" content="([^"]+)"', page)


def found(pattern: str, page: str) -> str:
    """What a pattern finds."""
    match = re.search(pattern, page)
    assert match is not None, page
    return match[1]


def rows_of(store: Store, table: Any) -> list[Mapping[str, Any]]:
    """All rows of a table."""
    with store.read() as connection:
        return [dict(row._mapping) for row in connection.execute(table.select())]


class ConsoleProcess:
    """`floodgate console` as a process of its own, with a store in a file."""

    def __init__(self, settings: Settings, directory: Path, **console: Any) -> None:
        self._directory, self.port = directory, free_port()
        self.url = f"sqlite:///{directory / 'console.db'}"
        document = msgspec.to_builtins(settings)
        document["console"] |= {"store": self.url, "port": self.port, "undo_s": 0, **console}
        self._config = directory / "console.json"
        self._config.write_bytes(msgspec.json.encode(document))
        self._password = directory / "console.password"
        self._password.write_text(PASSWORD)
        self._process: forks.Forked | None = None
        self._has_users = False
        self._clients: list[httpx2.Client] = []

    @property
    def address(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        """Everything it has logged."""
        return (self._directory / "console.log").read_text("utf-8", "replace")

    def memory_mb(self) -> float:
        """Of the process, in memory; 0 where there is none."""
        try:
            return psutil.Process(self._process.pid).memory_info().rss / 1e6 if self._process is not None else 0.0
        except psutil.NoSuchProcess:
            return 0.0

    def add_user(self, name: str, role: str) -> None:
        """An account. The first is made as an operator makes it, others have passwords that are compared at once."""
        if self._has_users:
            store = Store(self.url)
            with store.write() as connection, patch.object(accounts, "_hasher", CHEAP_HASHER):
                accounts.add_account(connection, name, role, PASSWORD, START_MS)
            store.close()
            return
        self._has_users = True
        given = ["user", "add", name, "--role", role, "--password-file", str(self._password)]
        forks.run("engine.cli", ["console", "--config", str(self._config), *given], dict(os.environ), check=True)

    def start(self, *options: str) -> None:
        """Until it answers."""
        with (self._directory / "console.log").open("ab") as log:
            command = ["console", "--config", str(self._config), *options]
            self._process = forks.start("engine.cli", command, dict(os.environ), log, log)
        wait_until(lambda: read_page(self.port, "/healthz") == "ok\n", "the console answers")

    def kill(self) -> None:
        """SIGKILL."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(60)

    def stop(self) -> int:
        """SIGTERM; its exit code."""
        assert self._process is not None
        for client in self._clients:
            client.close()
        self._clients.clear()
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(90)

    def client(self, name: str) -> httpx2.Client:
        """Somebody's browser, who has signed in."""
        client = httpx2.Client(base_url=self.address, follow_redirects=False, timeout=60)
        self._clients.append(client)
        enter(client, name)
        return client
