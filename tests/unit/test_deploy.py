"""What is in `deploy/` is well formed, speaks of what there is, and passes the validators that this machine has."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from engine.cli import worker
from engine.delivery.metrics import DeliveryMetrics
from engine.enrich.metrics import EnrichMetrics
from engine.export.metrics import ExportMetrics
from engine.serve.metrics import ServeMetrics
from engine.settings import load_settings
from engine.stream.handlers.metrics import Metrics
from engine.stream.supervisor.pages import ProcessMetrics

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
ALERTS = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text("utf-8"))["groups"][0]["rules"]
PANELS = json.loads((DEPLOY / "grafana" / "floodgate.json").read_text("utf-8"))["panels"]
MANIFESTS = [
    manifest
    for name in ("floodgate.yaml", "jobs.yaml")
    for manifest in yaml.safe_load_all((DEPLOY / "kubernetes" / name).read_text("utf-8"))
]


def metric_names() -> set[str]:
    """As Prometheus stores them."""
    names = set()
    registries = [one().registry for one in (Metrics, EnrichMetrics, DeliveryMetrics, ExportMetrics, ServeMetrics)]
    for metric in [*(metric for one in registries for metric in one.collect()), *ProcessMetrics([]).collect()]:
        kinds = {"counter": ["_total"], "histogram": ["_bucket", "_sum", "_count"]}
        names |= {metric.name + suffix for suffix in kinds.get(metric.type, [""])}
    return names


@pytest.mark.parametrize(
    "expression",
    [*(alert["expr"] for alert in ALERTS), *(target["expr"] for panel in PANELS for target in panel["targets"])],
)
def test_alerts_and_panels_ask_for_metrics_that_exist(expression: str) -> None:
    asked = set(re.findall(r"floodgate_\w+", expression))
    assert asked or "up{" in expression
    assert asked <= metric_names()


def test_every_alert_says_what_to_do() -> None:
    page = (ROOT / "docs" / "operators" / "observe.md").read_text("utf-8")
    for alert in ALERTS:
        assert f"| `{alert['alert']}` | " in page, alert["alert"]
        assert alert["annotations"]["summary"]
        assert alert["labels"]["severity"] in ("page", "ticket")


def test_the_base_has_every_manifest_or_says_when_to_add_it() -> None:
    directory = DEPLOY / "kubernetes"
    text = (directory / "kustomization.yaml").read_text("utf-8")
    named = set(re.findall(r"- (\S+\.yaml)", text))
    assert named == {path.name for path in directory.glob("*.yaml")} - {"kustomization.yaml"}
    assert yaml.safe_load(text)["resources"] == ["floodgate.yaml", "jobs.yaml"]


def test_what_is_started_are_commands_with_options_that_they_have() -> None:
    unit = (DEPLOY / "systemd" / "floodgate.service").read_text("utf-8")
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
    commands = [line.split()[1:] for line in unit.splitlines() if line.startswith("ExecStart=")]
    commands.append(compose["services"]["worker"]["command"])
    for command in commands:
        assert command[:3] == ["worker", "--processes", "auto"]
        options = [name for parameter in worker.command.params for name in parameter.opts]
        assert {word for word in command if word.startswith("--")} <= set(options)


@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda manifest: manifest["kind"])
def test_kubernetes_accepts_the_manifests(manifest: dict[str, Any]) -> None:
    kubernetes_validate.validate(manifest, "1.31", strict=True)


def test_the_settings_in_the_config_map_are_settings(tmp_path: Path) -> None:
    text = MANIFESTS[0]["data"]["settings.yaml"]
    for name in ("ca.pem", "password"):
        (tmp_path / name).write_text("")
    (tmp_path / "settings.yaml").write_text(text.replace("/etc/floodgate-kafka", str(tmp_path)))
    assert load_settings(tmp_path / "settings.yaml", {}).replication == 3


def test_compose_mounts_what_is_there() -> None:
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
    assert {"kafka", "worker", "prometheus", "grafana"} <= compose["services"].keys()
    mounts = [mount for service in compose["services"].values() for mount in service.get("volumes", [])]
    for mount in mounts:
        if mount.startswith("./"):
            assert (DEPLOY / mount.partition(":")[0]).exists(), mount


def test_compose_accepts_the_file(tmp_path: Path) -> None:
    if shutil.which("docker-compose") is None:
        pytest.skip("docker-compose is not installed")
    lines = (DEPLOY / "compose.yaml").read_text("utf-8").splitlines(keepends=True)
    path = tmp_path / "compose.yaml"
    path.write_text("".join(line for line in lines if not line.startswith("name:")))  # version 1 does not know it
    done = subprocess.run(
        ["docker-compose", "-f", str(path), "config", "--quiet"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_nothing_is_wrong_with_the_image() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    if not hadolint.exists():
        pytest.skip("hadolint cannot be had on this machine")
    done = subprocess.run([str(hadolint), str(DEPLOY / "Dockerfile")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_systemd_accepts_the_unit(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    unit = (DEPLOY / "systemd" / "floodgate.service").read_text("utf-8")
    path = tmp_path / "floodgate.service"
    path.write_text(unit.replace("/usr/local/bin/floodgate", "/bin/true"))
    done = subprocess.run(["systemd-analyze", "verify", str(path)], capture_output=True, text=True, check=False)
    assert not [line for line in done.stderr.splitlines() if "floodgate.service" in line], done.stderr


def test_prometheus_accepts_the_alerts() -> None:
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed")
    subprocess.run(["promtool", "check", "rules", str(DEPLOY / "prometheus" / "alerts.yml")], check=True)
