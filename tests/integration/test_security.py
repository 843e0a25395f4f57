"""Kafka with TLS and SASL: commands and workers get in with the right credentials, and say so where they do not."""

import base64
import os
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import orjson
import pytest
import trustme
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from engine.dev.kafka.cluster import KafkaCluster
from engine.errors import BrokerError, KafkaMissingError, SettingsError
from engine.security import SecuritySettings
from engine.settings import Settings, load_settings
from engine.stream.kafka.clients import admin, options, tls
from tests import forks
from tests.events import random_events
from tests.system import RULEBOOKS, Oracle, System

FLOOD = RULEBOOKS / "flood"
PASSWORD = "correct horse"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with an authority's certificate, and a broker's with its key."""
    directory = tmp_path_factory.mktemp("certificates")
    made = trustme.CA()
    made.cert_pem.write_to_path(directory / "ca.pem")
    issued = made.issue_cert("127.0.0.1", "localhost")
    key = load_pem_private_key(issued.private_key_pem.bytes(), None)
    pkcs8 = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())  # the only form that Java reads
    (directory / "broker.pem").write_bytes(pkcs8 + b"".join(one.bytes() for one in issued.cert_chain_pems))
    trustme.CA().cert_pem.write_to_path(directory / "other-ca.pem")
    return directory


@pytest.fixture(scope="module")
def guarded(authority: Path) -> Iterator[str]:
    """The address of a Kafka that wants TLS and a password."""
    more = {
        "sasl.enabled.mechanisms": "SCRAM-SHA-512,PLAIN,OAUTHBEARER",
        "listener.name.client.oauthbearer.sasl.jaas.config":  # tokens without a signature: Kafka's own, for tests
            "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required;",
        "listener.name.client.scram-sha-512.sasl.jaas.config":
            "org.apache.kafka.common.security.scram.ScramLoginModule required;",
        "listener.name.client.plain.sasl.jaas.config":
            "org.apache.kafka.common.security.plain.PlainLoginModule required "
            f'user_floodgate="{PASSWORD}";',
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(authority / "broker.pem"),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(authority / "ca.pem"),
    }  # fmt: skip
    try:
        cluster = KafkaCluster(protocol="SASL_SSL", more=more, scram={"floodgate": PASSWORD})
    except KafkaMissingError as error:
        pytest.skip(f"Apache Kafka could not be had: {error}")
    with cluster:
        yield cluster.address


def security(authority: Path, **others: str) -> SecuritySettings:
    settings = {
        "protocol": "SASL_SSL", "ca_file": str(authority / "ca.pem"), "username": "floodgate", "password": PASSWORD,
    }  # fmt: skip
    return msgspec.convert({**settings, **others}, SecuritySettings)


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-512", "PLAIN"])
def test_a_worker_and_the_commands_get_in(tmp_path: Path, guarded: str, authority: Path, mechanism: str) -> None:
    events = random_events(1_000, seed=51)
    with System(tmp_path, guarded, security=msgspec.to_builtins(security(authority, mechanism=mechanism))) as system:
        system.push_rules(FLOOD)
        system.publish(events)
        worker = system.start_worker("one")
        system.wait_until_decided()
        assert system.users() == Oracle(FLOOD, system.settings, events).users
        assert PASSWORD not in worker.log


def token(user: str, expires_in_s: int = 3_600) -> str:
    """A JSON Web Token that nobody has signed."""
    now = int(time.time())
    parts = ({"alg": "none"}, {"sub": user, "iat": now - 3_600, "exp": now + expires_in_s})
    encoded = [base64.urlsafe_b64encode(orjson.dumps(part)).rstrip(b"=").decode() for part in parts]
    return ".".join([*encoded, ""])


def test_with_a_token_from_a_file_that_is_renewed(tmp_path: Path, guarded: str, authority: Path) -> None:
    path = tmp_path / "token"
    path.write_text(token("floodgate", expires_in_s=-60))
    bearer = {
        "protocol": "SASL_SSL",
        "ca_file": str(authority / "ca.pem"),
        "mechanism": "OAUTHBEARER",
        "token_file": str(path),
    }
    stale = Settings(brokers=guarded, security=msgspec.convert(bearer, SecuritySettings))
    with pytest.raises(BrokerError), admin(stale):
        pass
    path.write_text(token("floodgate"))
    events = random_events(1_000, seed=52)
    with System(tmp_path, guarded, security=bearer) as system:
        system.push_rules(FLOOD)
        system.publish(events)
        worker = system.start_worker("one")
        system.wait_until_decided()
        assert system.users() == Oracle(FLOOD, system.settings, events).users
        assert path.read_text() not in worker.log


@pytest.mark.parametrize(
    "wrong",
    [{"password": "wrong"}, {"username": "someone"}, {"ca_file": "other-ca.pem"}, {"protocol": "PLAINTEXT"}],
    ids=lambda wrong: next(iter(wrong)),
)
def test_others_do_not(guarded: str, authority: Path, wrong: dict[str, str]) -> None:
    given = msgspec.to_builtins(security(authority)) | wrong
    given["ca_file"] = str(authority / given["ca_file"])
    environment = {f"FLOODGATE_SECURITY__{name.upper()}": value for name, value in given.items() if value}
    refused = forks.run("engine.cli", ["topics", "check", "--broker", guarded], {**os.environ, **environment})
    assert refused.returncode == 2
    assert "no Kafka broker answers" in refused.stderr
    assert PASSWORD not in refused.stderr


def test_the_password_is_not_shown(authority: Path) -> None:
    assert PASSWORD not in repr(Settings(security=security(authority)))


def test_a_password_may_stand_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.write_text(f"{PASSWORD}\n")
    environment = {
        "FLOODGATE_SECURITY__PROTOCOL": "SASL_PLAINTEXT",
        "FLOODGATE_SECURITY__USERNAME": "floodgate",
        "FLOODGATE_SECURITY__PASSWORD_FILE": str(path),
    }
    assert load_settings(None, environment).security.secret() == PASSWORD


def test_while_a_token_is_being_renewed_the_last_one_serves(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("first")
    security = SecuritySettings(protocol="SASL_PLAINTEXT", mechanism="OAUTHBEARER", token_file=str(path))
    provider = options(Settings(security=security))["sasl_oauth_token_provider"]
    assert provider.token() == "first"
    path.write_text("")
    assert provider.token() == "first"
    path.write_text("second")
    assert provider.token() == "second"


def test_an_empty_password_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.write_text("\n")
    security = SecuritySettings(protocol="SASL_PLAINTEXT", username="floodgate", password_file=str(path))
    with pytest.raises(SettingsError, match="empty"):
        security.secret()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"PROTOCOL": "SASL_SSL"}, "username"),
        ({"CA_FILE": "/nowhere"}, "ca_file"),
        ({"PASSWORD_FILE": "x" * 5_000}, "password_file"),
        ({"KEY_FILE": __file__}, "certificate_file"),
        ({"PASSWORD": "a", "PASSWORD_FILE": __file__}, "two passwords"),
    ],
)
def test_what_cannot_work_is_refused_by_name(settings: dict[str, str], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        load_settings(None, {f"FLOODGATE_SECURITY__{name}": value for name, value in settings.items()})


def test_a_file_without_a_certificate_is_refused() -> None:
    with pytest.raises(SettingsError, match="certificate"):
        tls(Settings(security=SecuritySettings(protocol="SSL", ca_file=__file__)))
