"""Each role has the access that it needs to Kafka, and no more."""

import shlex
from pathlib import Path

import msgspec
import pytest

from engine.enrichment_settings import EnricherSettings, EnrichmentSettings
from engine.settings import Settings, TopicNames, load_settings
from engine.stream.kafka.access import Role, commands, roles
from engine.stream.kafka.topics import topic_specs
from tests.unit.stream.signed import listed, secured

SETTINGS = Settings()
ROLES = {role.name: role for role in roles(SETTINGS)}
PEOPLE_WRITE = {"labels", "rulebooks"}


def who_writes(topic: str) -> set[str]:
    return {role.name for role in ROLES.values() if topic in role.writes}


def test_producers_write_events_and_touch_nothing_else() -> None:
    role = ROLES["producer"]
    assert (role.reads, role.writes, role.groups, role.transactions) == ((), ("events",), (), ())


def test_whoever_looks_how_workers_stand_sees_how_topics_are_configured() -> None:
    assert [name for name, role in ROLES.items() if role.inspects] == ["operator"]
    lines = [line for line in commands(SETTINGS, "User:{}") if "DescribeConfigs" in line]
    assert {line.rpartition(" ")[2] for line in lines} == set(ROLES["operator"].reads)
    assert all("'User:operator'" in line for line in lines)


def test_what_is_enforced_and_reported_is_the_workers() -> None:
    for topic in ("decisions", "review", "floodgate-entities-changelog"):
        assert who_writes(topic) == {"worker"}
    assert who_writes("dead-letters") == {"worker", "intake"}
    assert who_writes("actions") == {"worker", "operator"}  # who takes actions back
    assert who_writes("hops") == {"worker", "operator"}  # who makes the engine forget


def test_operators_alone_delete_dead_letters_and_no_other_records() -> None:
    assert {name: role.empties for name, role in ROLES.items() if role.empties} == {"operator": ("dead-letters",)}


def test_workers_change_nothing_that_people_say() -> None:
    assert not PEOPLE_WRITE & set(ROLES["worker"].writes)
    assert not {"events"} & set(ROLES["worker"].writes)


def test_where_people_sign_workers_may_put_back_what_they_have_said(tmp_path: Path) -> None:
    settings = secured(SETTINGS, publishers_file=listed(tmp_path / "publishers.yaml", {}))
    (worker,) = (role for role in roles(settings) if role.name == "worker")
    assert PEOPLE_WRITE & set(worker.writes) == {"rulebooks"}


def test_who_labels_pushes_no_rules_and_the_other_way_round() -> None:
    assert who_writes("labels") == {"moderation", "operator"}  # who upholds an appeal labels the event
    assert who_writes("rulebooks") == {"policy", "operator"}


def test_who_reads_only_writes_nothing() -> None:
    for name in ("enforcement", "analysis"):
        assert ROLES[name].writes == ROLES[name].transactions == ()


def test_each_topic_that_there_is_is_written_and_read_by_somebody_and_no_other_is_named() -> None:
    topics = {spec.name for spec in topic_specs(SETTINGS)}
    assert {topic for role in ROLES.values() for topic in role.writes} == topics
    assert {topic for role in ROLES.values() for topic in role.reads} == topics


@pytest.mark.parametrize(
    ("command", "role", "reads", "writes"),
    [
        ("feed, of events", "producer", "", "events"),
        ("label", "moderation", "review decisions actions events", "labels"),
        ("labels import", "moderation", "review decisions actions events labels models", "labels"),
        ("labels queue", "moderation", "review labels models", ""),
        ("labels moderators", "operator", "examples decisions models", ""),
        ("explain", "moderation", "decisions actions rulebooks", ""),
        ("explain", "analysis", "decisions actions rulebooks", ""),
        ("explain", "policy", "decisions actions rulebooks", ""),
        ("rules push, rollback", "policy", "rulebooks events", "rulebooks"),
        ("rules promote", "policy", "rulebooks labels decisions models", "rulebooks"),
        ("rules pause, lists add", "policy", "rulebooks", "rulebooks"),
        ("backtest, suggest", "policy", "events labels rulebooks models", ""),
        ("learn show", "policy", "models", ""),
        ("actions revoke", "operator", "actions", "actions"),
        ("actions appeal", "operator", "actions", "actions labels"),
        ("learn quarantine, restore, pin", "operator", "models", "models examples"),
        ("dead-letters list, show, send", "operator", "dead-letters", "events labels"),
        ("forget", "operator", "events labels hops examples decisions review dead-letters", "hops rulebooks"),
        ("status", "operator", "events labels hops examples rulebooks models", ""),
    ],
)  # fmt: skip
def test_each_command_has_a_role_that_may_run_it(command: str, role: str, reads: str, writes: str) -> None:
    assert set(reads.split()) <= set(ROLES[role].reads), command
    assert set(writes.split()) <= set(ROLES[role].writes), command


def test_who_looks_how_workers_stand_sees_their_group_and_does_not_join_it() -> None:
    assert {role.name for role in ROLES.values() if "floodgate" in role.watches} == {"operator"}
    assert {role.name for role in ROLES.values() if "floodgate" in role.groups} == {"worker"}


def test_topics_have_their_configured_names() -> None:
    names = TopicNames(**{name: f"t-{name}" for name in TopicNames.__struct_fields__})
    settings = msgspec.structs.replace(SETTINGS, topics=names, app_id="gate")
    named = {topic for role in roles(settings) for topic in (*role.reads, *role.writes)}
    assert all(topic.startswith("t-") or topic == "gate-entities-changelog" for topic in named)
    assert {role.name: role.groups for role in roles(settings)}["worker"] == ("gate",)


def test_in_an_environment_nothing_is_called_as_in_another() -> None:
    settings = load_settings(None, {"FLOODGATE_ENVIRONMENT": "blue", "FLOODGATE_PUBLISH_SCORES": "true"})
    for role in roles(settings):
        names = (*role.reads, *role.writes, *role.groups, *role.watches, *role.transactions, *role.empties, *role.sees)
        assert all(name.startswith("blue-") for name in names), role


def options(line: str) -> dict[str, list[str]]:
    """What `kafka-acls.sh` is told: its options and their values."""
    words, found, last = shlex.split(line), dict[str, list[str]](), ""
    assert words[0] == "kafka-acls.sh"
    for word in words[1:]:
        if word.startswith("--"):
            last = word
            found.setdefault(last, [])
        else:
            found[last].append(word)
    return found


@pytest.mark.parametrize("role", ROLES.values(), ids=ROLES.keys())
def test_each_line_allows_one_thing_of_one_role(role: Role) -> None:
    principal = f"User:CN=fg {role.name},O=x"
    lines = [options(line) for line in commands(SETTINGS, "User:CN=fg {},O=x") if f"fg {role.name}," in line]
    assert all(one["--allow-principal"] == [principal] and one["--add"] == [] for one in lines)
    assert all(one["--bootstrap-server"] == [SETTINGS.brokers] for one in lines)
    allowed = {(operation, *one["--topic"]) for one in lines if "--topic" in one for operation in one["--operation"]}
    wanted = {("Read", topic) for topic in role.reads} | {("Write", topic) for topic in role.writes}
    wanted |= {("Delete", topic) for topic in role.empties}
    wanted |= {("DescribeConfigs", topic) for topic in role.reads if role.inspects}
    assert allowed == wanted | {("Describe", topic) for topic in (*role.reads, *role.writes, *role.sees)}
    grouped = [one for one in lines if "--group" in one]
    groups = {(*one["--group"], *one.get("--resource-pattern-type", [])) for one in grouped
              if one["--operation"] == ["Read"]}  # fmt: skip
    assert groups == {(name.rstrip("*"), "prefixed") if "*" in name else (name,) for name in role.groups}
    watched = [one for one in grouped if one["--operation"] == ["Describe"]]
    assert [tuple(one["--group"]) for one in watched] == [(name,) for name in role.watches]
    assert len(grouped) == len(groups) + len(watched)
    assert sum("--cluster" in one for one in lines) == bool(role.writes)
    assert not any("All" in one["--operation"] for one in lines)
    assert not any("*" in value for one in lines for values in one.values() for value in values)


def test_a_workers_transactions_are_those_of_its_application() -> None:
    lines = [options(line) for line in commands(SETTINGS, "User:{}") if "--transactional-id" in line]
    assert [(one["--allow-principal"], one["--transactional-id"], one["--resource-pattern-type"]) for one in lines] == [
        (["User:worker"], ["floodgate-"], ["prefixed"])
    ]


def test_each_role_is_told_before_its_lines() -> None:
    told = [line for line in commands(SETTINGS, "User:{}") if line.startswith("#")]
    assert told == [f"# {role.name}: {role.does}" for role in ROLES.values()]


def test_the_stage_before_events_has_a_role_where_there_is_one() -> None:
    settings = Settings(enrichment=EnrichmentSettings({"length": EnricherSettings()}))
    named = {role.name: role for role in roles(settings)}
    assert "enrich" not in ROLES
    assert (named["enrich"].reads, named["enrich"].writes) == (("raw-events", "events"), ("events", "dead-letters"))
    assert (named["enrich"].groups, named["enrich"].transactions) == (("floodgate-enrich",), ("floodgate-enrich-*",))
    assert named["producer"].writes == ("raw-events",)
    assert "raw-events" in named["operator"].writes
    assert "floodgate-enrich" in named["operator"].watches
