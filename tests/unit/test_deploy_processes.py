"""What starts the processes beside the workers: commands that there are, ports and pages that they have, settings that
load, and the care that workers are started with."""

import asyncio
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import click
import kubernetes_validate
import pytest
import yaml

from engine.cli import cli
from engine.console.web.pages import PAGES
from engine.dev.pages import free_port, read_page
from engine.enrich.declared import declared
from engine.settings import Settings, load_settings
from engine.stream.admin.process_pages import process_pages
from engine.stream.kafka.topics import topic_specs
from engine.stream.worker.web import add_pages

DEPLOY = Path(__file__).parents[2] / "deploy"
SCRAPED = ("serve", "deliver", "intake", "enrich", "export")
PROCESSES = (*SCRAPED, "console")
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))["services"]
UNITS = {name: (DEPLOY / f"systemd/floodgate-{name}.service").read_text("utf-8") for name in PROCESSES}
WORKERS_UNIT = (DEPLOY / "systemd/floodgate.service").read_text("utf-8")
MANIFESTS = {
    name: list(yaml.safe_load_all((DEPLOY / f"kubernetes/{name}.yaml").read_text("utf-8")))
    for name in ("floodgate", *PROCESSES)
}
WORKLOADS = {
    name: next(one for one in manifests if one["kind"] in ("Deployment", "StatefulSet"))
    for name, manifests in MANIFESTS.items()
}
PODS = {name: workload["spec"]["template"]["spec"] for name, workload in WORKLOADS.items()}
CONTAINERS = {name: pod["containers"][0] for name, pod in PODS.items()}

each = pytest.mark.parametrize("name", PROCESSES)
each_scraped = pytest.mark.parametrize("name", SCRAPED)


def pages(settings: Settings, name: str) -> tuple[str, int]:
    """Where the pages of a process are."""
    own = settings
    return {
        "serve": (own.serve.pages_host, own.serve.pages_port),
        "deliver": (own.delivery.host, own.delivery.port),
        "intake": (own.intake.host, own.intake.port),
        "enrich": (own.web_host, own.web_port),
        "export": (own.export.host, own.export.port),
        "console": (own.console.host, own.console.port),
    }[name]


def of_unit(unit: str, key: str) -> list[str]:
    return re.findall(rf"^{key}=(.*)$", unit, re.MULTILINE)


def ports_of(name: str) -> dict[str, int]:
    return {one["name"]: one["containerPort"] for one in CONTAINERS[name]["ports"]}


@each
def test_the_command_line_is_understood(name: str, tmp_path: Path) -> None:
    settings = tmp_path / "settings.yaml"
    settings.touch()
    (start,) = of_unit(UNITS[name], "ExecStart")
    program, *unit = start.split()
    assert program == "/usr/local/bin/floodgate"
    for words in (unit, COMPOSE[name]["command"], CONTAINERS[name]["args"]):
        first, *rest = [str(settings) if word.endswith("settings.yaml") else word for word in words]
        command = cli.get_command(click.Context(cli), first)
        assert command is not None
        assert first == name
        context = command.make_context(first, rest)
        assert context.params["config"] == settings
        assert not context.args


@each_scraped
def test_whoever_asks_for_the_pages_finds_them(name: str) -> None:
    container, port = CONTAINERS[name], ports_of(name)["metrics"]
    environment = {one["name"]: one["value"] for one in container["env"] if "value" in one}
    assert pages(load_settings(None, environment), name) == ("0.0.0.0", port)
    asked = [container[f"{kind}Probe"]["httpGet"] for kind in ("startup", "liveness", "readiness")]
    assert [one["path"] for one in asked] == ["/healthz", "/healthz", "/readyz"]
    assert {one["port"] for one in asked} == {"metrics"}
    assert f"'http://127.0.0.1:{port}/healthz'" in " ".join(COMPOSE[name]["healthcheck"]["test"])
    scrapes = yaml.safe_load((DEPLOY / "prometheus/prometheus.yml").read_text("utf-8"))["scrape_configs"]
    (scrape,) = (one for one in scrapes if one["job_name"] == f"floodgate-{name}")
    assert scrape["dns_sd_configs"] == [{"names": [name], "type": "A", "port": port}]
    (allowed,) = (one for one in MANIFESTS[name] if one["kind"] == "NetworkPolicy")
    assert {one["port"] for rule in allowed["spec"]["ingress"] for one in rule["ports"]} == {*ports_of(name).values()}


@each
def test_a_unit_says_where_its_pages_are(name: str) -> None:
    lines = (line.replace("%S", "/var/lib").replace("%H", "host") for line in of_unit(UNITS[name], "Environment"))
    environment = dict(line.split("=", 1) for line in lines)
    told = re.search(r"pages are on (?:the port )?(\d+)", UNITS[name].replace("\n# ", " "))
    assert told is not None
    assert int(told[1]) == pages(load_settings(None, environment), name)[1]


def test_the_pages_are_there() -> None:
    asked = {
        CONTAINERS[name][f"{kind}Probe"]["httpGet"]["path"] for name in SCRAPED for kind in ("liveness", "readiness")
    }

    async def answers() -> set[str]:
        port = free_port()
        async with process_pages("127.0.0.1", port, lambda: b"", list):
            return {path for path in asked if await asyncio.to_thread(read_page, port, path)}

    paths: list[str] = []

    def page(path: str) -> Callable[[Any], Any]:
        paths.append(path)
        return lambda view: view

    host = SimpleNamespace(web=SimpleNamespace(), page=page)
    add_pages(cast(Any, host))
    assert asked == asyncio.run(answers())
    assert asked <= set(paths)


def test_people_find_the_console_behind_a_proxy_alone() -> None:
    container = CONTAINERS["console"]
    environment = {one["name"]: one["value"] for one in container["env"]}
    told, beside = load_settings(None, environment).console, load_settings(None, COMPOSE["console"]["environment"])
    assert (told.host, told.secure_cookies) == ("0.0.0.0", True)
    assert ports_of("console") == {"pages": told.port}
    probes = [container[f"{kind}Probe"]["httpGet"] for kind in ("startup", "liveness", "readiness")]
    assert probes == 3 * [{"path": "/healthz", "port": "pages"}]
    assert "/healthz" in [page.path for page in PAGES if page.is_open]
    (allowed,) = (one["spec"]["ingress"] for one in MANIFESTS["console"] if one["kind"] == "NetworkPolicy")
    proxy = {"podSelector": {"matchLabels": {"floodgate-shows": "yes"}}}
    assert allowed == [{"from": [proxy], "ports": [{"port": told.port}]}]
    assert told.store == beside.console.store == "sqlite:////var/lib/floodgate/console.db"
    for volumes in (COMPOSE["console"]["volumes"], [one["mountPath"] for one in container["volumeMounts"]]):
        assert any(volume.endswith("/var/lib/floodgate") for volume in volumes)
    assert COMPOSE["console"]["ports"] == [f"127.0.0.1:{told.port}:{told.port}"]
    assert f"'http://127.0.0.1:{told.port}/healthz'" in " ".join(COMPOSE["console"]["healthcheck"]["test"])


def test_questions_come_where_settings_say() -> None:
    settings = load_settings(None, {})
    assert ports_of("serve")["questions"] == settings.serve.port
    (service,) = (one for one in MANIFESTS["serve"] if one["kind"] == "Service")
    assert service["spec"]["ports"] == [{"name": "questions", "port": settings.serve.port}]
    assert COMPOSE["serve"]["ports"] == [f"127.0.0.1:{settings.serve.port}:{settings.serve.port}"]


@each
def test_it_is_started_with_the_care_that_workers_are(name: str) -> None:
    for key in (
        "NoNewPrivileges", r"Private\w+", r"Protect\w+", r"Restrict\w+", r"Capability\w+", r"Lock\w+", "Restart",
        "RestartSec", "StartLimitIntervalSec", "WantedBy",
    ):  # fmt: skip
        assert of_unit(UNITS[name], key) == of_unit(WORKERS_UNIT, key) != []
    users = (["floodgate-export"], ["floodgate-console"])
    assert of_unit(UNITS[name], "DynamicUser") == ["yes"] or of_unit(UNITS[name], "User") in users
    assert CONTAINERS[name]["securityContext"] == CONTAINERS["floodgate"]["securityContext"]
    assert PODS[name]["securityContext"] == PODS["floodgate"]["securityContext"]
    assert "memory" in CONTAINERS[name]["resources"]["limits"]
    mounted = {one["name"] for one in CONTAINERS[name]["volumeMounts"]}
    claims = {one["metadata"]["name"] for one in WORKLOADS[name]["spec"].get("volumeClaimTemplates", [])}
    assert mounted == {one["name"] for one in PODS[name]["volumes"]} | claims


def test_there_is_one_of_those_that_may_not_be_two() -> None:
    for name in ("deliver", "intake", "export", "console"):
        assert WORKLOADS[name]["kind"] == "StatefulSet"
        assert WORKLOADS[name]["spec"]["replicas"] == 1


@each
def test_kubernetes_accepts_the_manifests(name: str) -> None:
    for manifest in MANIFESTS[name]:
        kubernetes_validate.validate(manifest, "1.31", strict=True)


def test_the_settings_of_compose_load_as_they_are_and_filled_in(tmp_path: Path) -> None:
    path, filled_in = DEPLOY / "compose" / "settings.yaml", tmp_path / "settings.yaml"
    settings = load_settings(path, {})
    assert settings.serve.tokens_file == "/etc/floodgate-compose/tokens"
    assert settings.topics.replies in [one.name for one in topic_specs(settings)]
    rest = path.read_text("utf-8").partition("brokers:")[2]
    filled_in.write_text("brokers:" + re.sub(r"^( *)# ", r"\1", rest, flags=re.MULTILINE))
    settings = load_settings(filled_in, {})
    assert all(
        (settings.delivery.receivers, settings.intake.sources, settings.enrichment.enrichers, settings.export.to)
    )
    assert [name for name, _ in declared(settings.enrichment)] == ["toxicity"]


def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    paths = [tmp_path / f"floodgate-{name}.service" for name in PROCESSES]
    for name, path in zip(PROCESSES, paths, strict=True):
        path.write_text(UNITS[name].replace("/usr/local/bin/floodgate", "/bin/true"))
    done = subprocess.run(["systemd-analyze", "verify", *map(str, paths)], capture_output=True, text=True, check=False)
    assert not [line for line in done.stderr.splitlines() if "floodgate-" in line], done.stderr


def test_systemd_makes_the_users(tmp_path: Path) -> None:
    if shutil.which("systemd-sysusers") is None:
        pytest.skip("systemd-sysusers is not installed")
    text = (DEPLOY / "systemd/floodgate.sysusers").read_bytes()
    (tmp_path / "etc").mkdir()
    subprocess.run(["systemd-sysusers", f"--root={tmp_path}", "-"], input=text, check=True, capture_output=True)
    groups = {line.partition(":")[0] for line in (tmp_path / "etc/group").read_text("utf-8").splitlines()}
    users = {line.partition(":")[0] for line in (tmp_path / "etc/passwd").read_text("utf-8").splitlines()}
    assert groups >= {group for unit in UNITS.values() for group in of_unit(unit, "SupplementaryGroups")}
    assert users >= {user for unit in UNITS.values() for user in of_unit(unit, "User")}
