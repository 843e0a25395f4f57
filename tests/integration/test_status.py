"""`floodgate status`, on both kinds of broker."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from engine.dev.kafka.cluster import KafkaCluster
from tests.events import random_events
from tests.system import RULEBOOKS, System, wait_until


@pytest.mark.parametrize("kind", ["embedded", "kafka"])
def test_status_tells_workers_lag_and_what_is_in_use(tmp_path: Path, kind: str, request: pytest.FixtureRequest) -> None:
    cluster: KafkaCluster | None = request.getfixturevalue("kafka") if kind == "kafka" else None
    with System(tmp_path, cluster.address if cluster else None) as system:
        system.push_rules(RULEBOOKS / "flood")
        system.publish(random_events(300, seed=61))
        with pytest.raises(subprocess.CalledProcessError) as nobody:
            system.run("status")
        assert nobody.value.returncode == 1
        assert f"problem: {system.settings.topics.events} 0-3 has no worker" in nobody.value.stdout
        worker = system.start_worker("one")
        system.wait_until_decided()
        fine = ("group stable", "0-3  0 behind", f"127.0.0.1:{worker.port}", worker.rulebook())
        told = wait_until(
            lambda: (said := system.status()) and all(one in said for one in fine) and said, "the worker is told of"
        )
        assert "nobody" not in told
        assert "problem" not in told

        system.publish_rulebook({"rules.yaml": "version: 1\nrules: {r: {event: x, when: [oops], then: {flag: x}}}\n"})

        def refused() -> Any:
            with pytest.raises(subprocess.CalledProcessError) as told:
                system.run("status", "--json")
            found = json.loads(told.value.stdout)
            return found["members"][0]["page"] and found

        standing = wait_until(refused, "the worker tells what it decides by")
        [problem] = standing["problems"]
        assert "is used by no worker: it fails its check" in problem
        assert standing["members"][0]["page"]["rulebook"] == worker.rulebook()
        assert "is used by no worker: it fails its check" in system.run("rules", "history")
