"""`floodgate kafka`."""

import signal
import time

import click

from engine.cli.output import echo
from engine.dev.kafka.cluster import KafkaCluster
from engine.dev.kafka.install import VERSION


@click.command("kafka")
@click.option("--nodes", default=1, show_default=True, type=click.IntRange(1, 9), help="Brokers in the cluster.")
def command(nodes: int) -> None:
    """Run Apache Kafka on this machine until it is interrupted; its data goes with it.

    The first start fetches it with Maven. Prints what to give to --broker.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    started = time.monotonic()
    with KafkaCluster(nodes) as cluster:
        echo(f"Kafka {VERSION} is up after {time.monotonic() - started:.1f} s, for development: {cluster.address}")
        try:
            signal.pause()
        except KeyboardInterrupt:
            echo("stopped")
