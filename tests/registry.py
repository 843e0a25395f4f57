"""A schema registry for tests: a real one (Apicurio, which speaks Confluent's protocol) from Maven where it can be had,
else a small server that keeps the same contract; which of them it is, is told.

    python -m tests.registry PORT FILE      the small server; FILE has what it knows, between its starts too
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from engine.dev.pages import free_port
from tests.system import wait_until

VERSION = "2.6.13.Final"
"""The last line that runs on Java 17."""
_GET = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:get"
_ARTIFACT = f"io.apicurio:apicurio-registry-app:{VERSION}:tar.gz:all"
_REAL_PATH = "/apis/ccompat/v7"

WITHHELD = (1 << 32) - 1
"""A number at which the small server fails, as those do whose numbers are signed."""


def real_registry() -> Path | None:
    """Where the real one is, fetched if need be; None where it cannot be had."""
    java, maven = shutil.which("java"), shutil.which("mvn")
    if java is None or maven is None:
        return None
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "floodgate" / f"apicurio-{VERSION}"
    if not home.is_dir():
        command = [maven, "-B", "-q", _GET, f"-Dartifact={_ARTIFACT}", "-Dtransitive=false"]
        try:
            if subprocess.run(command, timeout=200, check=False, capture_output=True).returncode:
                return None
        except subprocess.TimeoutExpired:
            return None
        (archive,) = (Path.home() / ".m2/repository/io/apicurio/apicurio-registry-app" / VERSION).glob("*-all.tar.gz")
        fresh = home.with_name(f"{home.name}.{os.getpid()}")
        with tarfile.open(archive) as packed:
            packed.extractall(fresh, filter="data")
        if home.is_dir():  # another process was faster
            shutil.rmtree(fresh)
        else:
            fresh.rename(home)
    return home


class SchemaRegistry:
    """A registry as a process. `is_real`: Apicurio, else the small server."""

    def __init__(self, directory: Path, *, is_real: bool) -> None:
        self.port, self._directory, self.is_real = free_port(), directory, is_real
        self.url = f"http://127.0.0.1:{self.port}{_REAL_PATH if is_real else ''}"
        self.start()

    def start(self) -> None:
        """Start it."""
        with (self._directory / "registry.log").open("ab") as log:
            self._process = subprocess.Popen(self._command(), stdout=log, stderr=log)
        wait_until(self._answers, "the registry answers", 120)

    def _command(self) -> list[str]:
        if not self.is_real:
            return [sys.executable, "-m", "tests.registry", str(self.port), str(self._directory / "registry.json")]
        home = real_registry()
        assert home is not None
        # Class data sharing and one compiler: it is up in seconds, on few cores.
        options = ["-Xmx256m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]
        settings = [f"-Dquarkus.http.port={self.port}", "-Dquarkus.http.host=127.0.0.1"]
        (runner,) = home.glob("*runner.jar")
        libraries = f"{home}/*:{home}/lib/*"
        return ["java", *options, *settings, "-cp", libraries, "io.quarkus.runner.GeneratedMain"] if runner else []

    def _answers(self) -> bool:
        assert self._process.poll() is None, (self._directory / "registry.log").read_text()[-3_000:]
        try:
            self._ask("/subjects")
        except OSError:
            return False
        return True

    def register(
        self, subject: str, schema: Any, references: list[dict[str, Any]] | None = None, kind: str = "AVRO"
    ) -> int:
        """Register a schema; its number."""
        text = schema if isinstance(schema, str) else json.dumps(schema)
        body = {"schema": text, "references": references or [], "schemaType": kind}
        return int(self._ask(f"/subjects/{subject}/versions", body)["id"])

    def _ask(self, path: str, body: Any = None) -> Any:
        data = json.dumps(body).encode() if body is not None else None
        headers = {"content-type": "application/vnd.schemaregistry.v1+json"}
        request = urllib.request.Request(self.url + path, data, headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read())

    def leave(self) -> None:
        """It does not answer any more. The real one would forget what it knows if it were stopped."""
        if self.is_real:
            self._process.send_signal(signal.SIGSTOP)
        else:
            self.stop()

    def come_back(self) -> None:
        """It answers again, and knows what it knew."""
        if self.is_real:
            self._process.send_signal(signal.SIGCONT)
        else:
            self.start()

    def close(self) -> None:
        """End it."""
        self.stop()

    def stop(self) -> None:
        """SIGKILL."""
        self._process.kill()
        self._process.wait()


def serve(port: int, path: Path) -> None:
    """The small server: what the engine and the tests ask of a registry."""
    known: list[dict[str, Any]] = json.loads(path.read_text()) if path.exists() else []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = self.path.strip("/").split("/")
            if self.path == "/subjects":
                self._answer(200, sorted({one["subject"] for one in known}))
            elif parts[:2] == ["schemas", "ids"] and int(parts[2]) == WITHHELD:
                self._answer(500, {"error_code": 50001})
            elif parts[:2] == ["schemas", "ids"] and 0 < int(parts[2]) <= len(known):
                self._answer(200, known[int(parts[2]) - 1])
            elif len(parts) == 4 and parts[0] == "subjects":
                found = [one for one in known if one["subject"] == parts[1]]
                version = int(parts[3])
                self._answer(*((200, found[version - 1]) if 0 < version <= len(found) else (404, {})))
            else:
                self._answer(404, {"error_code": 40403})

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            known.append({"subject": self.path.split("/")[2], **body})
            path.write_text(json.dumps(known))
            self._answer(200, {"id": len(known)})

        def _answer(self, status: int, document: Any) -> None:
            data = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_request(self, *_: Any) -> None:
            """Nothing."""

    ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()


if __name__ == "__main__":
    serve(int(sys.argv[1]), Path(sys.argv[2]))
