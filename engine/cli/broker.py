"""`floodgate broker`."""

import click

from engine.dev.broker.process import run_broker
from engine.dev.broker.topics import BrokerSettings


@click.command("broker")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port", default=9092, show_default=True, type=click.IntRange(0, 65_535), help="The port; 0 takes a free one."
)
@click.option(
    "--partitions", default=4, show_default=True, type=click.IntRange(1),
    help="Partitions of topics that are created by use.",
)  # fmt: skip
@click.option(
    "--retention-mb", default=256, show_default=True, type=click.IntRange(0),
    help="Megabytes kept in each partition; 0 keeps all.",
)  # fmt: skip
def command(host: str, port: int, partitions: int, retention_mb: int) -> None:
    """Run the embedded broker: single node, in memory, for development, not production."""
    retention_bytes = retention_mb * 1_000_000 if retention_mb else -1
    run_broker(BrokerSettings(host=host, port=port, default_partitions=partitions, retention_bytes=retention_bytes))
