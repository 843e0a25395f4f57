"""Our settings in Faust's terms."""

from pathlib import Path
from typing import Any

from faust.auth import OAuthCredentials, SASLCredentials, SSLCredentials

from engine.settings import Settings
from engine.stream.kafka import bounded_records, fetched_records
from engine.stream.kafka.clients import MAX_MESSAGE_BYTES, AsyncTokens, tls
from engine.stream.worker.fencing import MAX_BATCH_BYTES
from engine.stream.worker.membership import HEARTBEAT_S
from engine.stream.worker.tables import EntityTable, RecoveringTables


def _name(instance_id: str) -> dict[str, Any]:
    """For a worker that keeps its name: what it is assigned goes by an address (faust/assignor/partition_assignor.py,
    `on_assignment`), so that stays the same too. Nobody calls it there."""
    return {"consumer_group_instance_id": instance_id, "canonical_url": f"http://{instance_id}"} if instance_id else {}


def faust_options(settings: Settings) -> dict[str, Any]:
    """What a Faust application is made with."""
    return {
        "broker": [f"kafka://{server}" for server in settings.bootstrap_servers],
        "broker_credentials": faust_credentials(settings),
        "store": "rocksdb://",
        "Table": EntityTable,
        "TableManager": RecoveringTables,
        "datadir": str(Path(settings.data_dir).absolute()),
        "topic_partitions": settings.partitions,
        "topic_replication_factor": settings.replication,
        "table_standby_replicas": settings.standby_replicas,
        "topic_allow_declare": False,  # `floodgate topics create` makes them
        "topic_disable_leader": True,
        "consumer_auto_offset_reset": "earliest",
        "broker_commit_interval": settings.commit_interval_ms / 1000,
        "broker_session_timeout": settings.session_timeout_ms / 1000,
        "broker_heartbeat_interval": HEARTBEAT_S,
        **_name(settings.instance_id),
        "broker_client_id": settings.client_id,
        "broker_request_timeout": max(30.0, settings.session_timeout_ms / 1000),
        "broker_max_poll_records": 4 * settings.batch_max_events,
        "consumer_max_fetch_size": 16 << 20,
        "producer_acks": -1,
        "producer_linger": 0,
        "producer_max_batch_size": MAX_BATCH_BYTES,
        "producer_max_request_size": MAX_MESSAGE_BYTES,
        "stream_wait_empty": True,
        "web_bind": settings.web_host,
        "web_host": settings.web_host,
        "web_port": settings.web_port,
    }


def faust_credentials(settings: Settings) -> Any:
    """What Faust's clients are given. Raises SettingsError."""
    bounded_records.install()
    fetched_records.install()
    security, context = settings.security, tls(settings)
    if security.uses_sasl and security.uses_tokens:
        return OAuthCredentials(oauth_cb=AsyncTokens(security), ssl_context=context)
    if security.uses_sasl:
        return SASLCredentials(
            username=security.username, password=security.secret(), mechanism=security.mechanism, ssl_context=context
        )
    return SSLCredentials(context=context) if context is not None else None
