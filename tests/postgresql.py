"""A PostgreSQL server for tests, with its data in a temporary directory."""

import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from pathlib import Path
from types import TracebackType
from typing import Any

from sqlalchemy import create_engine
from sqlalchemy.schema import CreateSchema

from engine.console.store.database import Store
from engine.dev.pages import free_port

_DEBIAN = Path("/usr/lib/postgresql")


class PostgresqlMissingError(Exception):
    """There is no PostgreSQL on this machine."""


class PostgresqlServer:
    """One server on loopback. A context manager. Raises PostgresqlMissingError."""

    def __init__(self) -> None:
        self._programs = _find_programs()
        self._directory = Path(tempfile.mkdtemp(prefix="floodgate-postgresql-"))
        if os.geteuid() == 0:  # it refuses to run as root
            user = pwd.getpwnam("postgres")
            os.chown(self._directory, user.pw_uid, user.pw_gid)
        self.url = f"postgresql+psycopg://postgres@127.0.0.1:{(port := free_port())}/postgres"
        self._run("initdb", "--auth=trust", "--username=postgres", "--no-sync", "--encoding=UTF8", "--locale=C")
        options = f"-p {port} -k {self._directory} -c fsync=off -c listen_addresses=127.0.0.1"
        self._run("pg_ctl", "-o", options, "-w", "-l", str(self._directory / "log"), "start")

    def __enter__(self) -> "PostgresqlServer":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._run("pg_ctl", "-m", "immediate", "stop")
        shutil.rmtree(self._directory, ignore_errors=True)

    def new_url(self) -> str:
        """Of a schema that is empty."""
        schema, engine = f"store_{uuid.uuid4().hex}", create_engine(self.url)
        with engine.begin() as connection:
            connection.execute(CreateSchema(schema))
        engine.dispose()
        return f"{self.url}?options=-csearch_path%3D{schema}"

    def new_store(self) -> Store:
        """A store of its own."""
        return Store(self.new_url())

    def _run(self, program: str, *arguments: str) -> None:
        more: dict[str, Any] = {"user": "postgres"} if os.geteuid() == 0 else {}
        command = [str(self._programs / program), "-D", str(self._directory / "data"), *arguments]
        subprocess.run(command, check=True, cwd=self._directory, stdout=subprocess.DEVNULL, **more)


def _find_programs() -> Path:
    found = shutil.which("pg_ctl")
    directories = [Path(found).parent] if found is not None else sorted(_DEBIAN.glob("*/bin"))
    if not directories:
        raise PostgresqlMissingError("there is no PostgreSQL: apt-get install postgresql")
    return directories[-1]
