"""How Kafka is reached: with TLS and SASL as the settings say; by commands in ten seconds, or with a clear error."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import aiokafka.abc
import kafka.net.sasl.oauth
from kafka import KafkaConsumer, KafkaProducer
from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

from engine.errors import BrokerError, SettingsError
from engine.security import SecuritySettings
from engine.settings import Settings
from engine.stream.kafka import bounded_records

CONNECT_MS = 10_000
MAX_MESSAGE_BYTES = 8 << 20
DEFAULT_MESSAGE_BYTES = 1_048_588
"""What Kafka's topics take unless they are told."""

FETCH_MAX_WAIT_MS = 100
"""So long a fetch of a worker waits for messages. A broker answers what is asked on one connection in turn, so whatever
else is asked, as in a rebalance, waits as long."""

FOLLOWED_MAX_WAIT_MS = 500
"""The same where a topic is followed on which little comes. What is asked there beside it can wait."""


def tls(settings: Settings) -> ssl.SSLContext | None:
    """What encrypts connections, if they are to be. Raises SettingsError."""
    security = settings.security
    if not security.uses_tls:
        return None
    try:
        context = ssl.create_default_context(cafile=security.ca_file)
        if security.certificate_file:
            context.load_cert_chain(security.certificate_file, security.key_file)
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(f"a certificate of `security` cannot be used: {error}") from error
    return context


class _Renewed:
    """A token that something else renews in a file. While the file is being written, the last one serves."""

    def __init__(self, security: SecuritySettings) -> None:
        self._security, self._last = security, ""

    def read(self) -> str:
        """The token of this moment. Raises SettingsError when there has never been one."""
        try:
            self._last = self._security.token()
        except SettingsError:
            if not self._last:
                raise
        return self._last


class _Tokens(kafka.net.sasl.oauth.AbstractTokenProvider):  # type: ignore[misc]  # kafka-python has no types
    """Tokens for kafka-python's clients."""

    def __init__(self, security: SecuritySettings) -> None:
        super().__init__()
        self._renewed = _Renewed(security)

    def token(self) -> str:
        """The token of this moment."""
        return self._renewed.read()


class AsyncTokens(aiokafka.abc.AbstractTokenProvider):  # type: ignore[misc]  # aiokafka has no types
    """Tokens for aiokafka's clients."""

    def __init__(self, security: SecuritySettings) -> None:
        self._renewed = _Renewed(security)

    async def token(self) -> str:
        """The token of this moment: a small file is read."""
        return self._renewed.read()


def options(settings: Settings) -> dict[str, Any]:
    """What each client of kafka-python's is given."""
    return _options(settings, _Tokens)


def async_options(settings: Settings) -> dict[str, Any]:
    """What each client of aiokafka's is given."""
    return _options(settings, AsyncTokens)


def _options(settings: Settings, tokens: Any) -> dict[str, Any]:
    bounded_records.install()
    security = settings.security
    options: dict[str, Any] = {
        "bootstrap_servers": settings.bootstrap_servers,
        "client_id": settings.client_id,  # by which brokers can limit what an environment takes
        "security_protocol": security.protocol,
        "ssl_context": tls(settings),
    }
    if security.uses_sasl and security.uses_tokens:
        options |= {"sasl_mechanism": security.mechanism, "sasl_oauth_token_provider": tokens(security)}
    elif security.uses_sasl:
        options |= {
            "sasl_mechanism": security.mechanism,
            "sasl_plain_username": security.username,
            "sasl_plain_password": security.secret(),
        }
    return options


@contextmanager
def admin(settings: Settings) -> Iterator[KafkaAdminClient]:
    """An admin client. Raises BrokerError when no broker answers."""
    with _connected(KafkaAdminClient, settings) as client:
        yield client


@contextmanager
def consumer(settings: Settings) -> Iterator[KafkaConsumer]:
    """A consumer without a group. Raises BrokerError when no broker answers, then or later: it has asked again and
    again by itself."""
    with _connected(KafkaConsumer, settings, enable_auto_commit=False) as client:
        try:
            yield client
        except KafkaError as error:
            raise BrokerError(f"the brokers at {settings.brokers} do not tell what they have: {error!r}") from error


def producer(settings: Settings, **more: Any) -> KafkaProducer:
    """A producer that waits for all replicas. Raises BrokerError when no broker answers."""
    return _connect(KafkaProducer, settings, acks="all", max_request_size=MAX_MESSAGE_BYTES, **more)


@contextmanager
def _connected(kind: Any, settings: Settings, **more: Any) -> Iterator[Any]:
    client = _connect(kind, settings, **more)
    try:
        yield client
    finally:
        client.close()


def _connect(kind: Any, settings: Settings, **more: Any) -> Any:
    try:
        return kind(**options(settings), bootstrap_timeout_ms=CONNECT_MS, **more)
    except (KafkaError, ValueError, OSError) as error:
        raise BrokerError(f"no Kafka broker answers at {settings.brokers}: {error}") from error
