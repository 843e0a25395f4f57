"""Each alert fires when it should, is silent when nothing is wrong, and resolves: told by Prometheus' own tool.

A case gives series as promtool writes them, one value a minute (`0+5x10`: 0, then 5 more each minute, ten times), and
the minutes at which the alert fires and does not.
"""

import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from tests.promtool import find_promtool

ALERTS = Path(__file__).parents[2] / "deploy" / "prometheus" / "alerts.yml"

EVENTS = 'floodgate_events_total{instance="a"}'
IGNORED = 'floodgate_events_ignored_total{instance="a"}'
CONTACT = "floodgate_last_contact_timestamp_seconds"
PROGRESS = "floodgate_last_progress_timestamp_seconds"
STEADY = "0+600x240"


class Case(NamedTuple):
    """One alert over some hours. `firing` and `silent`: minutes."""

    alert: str
    series: dict[str, str]
    firing: tuple[int, ...]
    silent: tuple[int, ...]


def share(name: str, few: int, many: int) -> dict[str, str]:
    """A share of the events, too high for an hour from the second hour on."""
    return {EVENTS: STEADY, name: f"0+{few}x60 {60 * few}+{many}x60 {60 * (few + many)}+{few}x120"}


def rare(name: str) -> dict[str, str]:
    """A counter that is first seen at 1, after an hour."""
    return {name: "_x60 1x180"}


def born(name: str) -> dict[str, str]:
    """A counter that begins at 0, and counts one after an hour."""
    return {name: "0x60 1x180"}


CASES = [
    Case("FloodgateWorkerDown", {'up{job="floodgate"}': "1x60 0x10 1x60"}, (63, 69), (30, 61, 80)),
    Case(
        "FloodgateWorkerDown",
        {'up{job="floodgate"}': "1x140", 'floodgate_process_up{process="2"}': "1x60 0x10 1x60"},
        (63, 69),
        (30, 61, 80),
    ),
    Case("FloodgateProcessDown", {'up{job="floodgate-serve"}': "1x60 0x10 1x60"}, (66, 69), (30, 63, 80)),
    Case(
        "FloodgateWorkerRestarts",
        {'floodgate_process_starts_total{process="2"}': "1x60 1+1x10 11x60"},
        (67, 75),
        (30, 62, 95),
    ),
    # Killed once, then all are restarted with the supervisor: each counts anew from 1.
    Case("FloodgateWorkerRestarts", {'floodgate_process_starts_total{process="2"}': "1x60 2x5 1x60"}, (), (30, 61, 70)),
    Case("FloodgateNotReady", {"floodgate_ready": "1x60 0x20 1x60"}, (72, 79), (30, 65, 90)),
    # A rolling restart: not ready for a minute at a time.
    Case("FloodgateNotReady", {"floodgate_ready": "1x10 0 1x10 0 1x10 0 1x30"}, (), (10, 21, 32, 50)),
    Case("FloodgateBrokersAway", {CONTACT: "0+60x30 1800x20 3120+60x60"}, (33, 49), (20, 30, 60)),
    Case("FloodgateStalled", {PROGRESS: "0+60x30 1800x20 3120+60x60", CONTACT: "0+60x110"}, (36, 49), (20, 32, 60)),
    # An outage pages once, as that.
    Case("FloodgateStalled", {PROGRESS: "0+60x30 1800x20", CONTACT: "0+60x30 1800x20"}, (), (20, 36, 49)),
    Case(
        "FloodgateBehind",
        {'floodgate_seconds_behind{topic="events",partition="1",instance="a"}': "2x60 400x20 3x60"},
        (66, 79),
        (30, 62, 90),
    ),
    # A steady lag of busy minutes is none: the oldest message is young.
    Case(
        "FloodgateBehind",
        {'floodgate_seconds_behind{topic="events",partition="1",instance="a"}': "200x120"},
        (),
        (10, 60, 110),
    ),
    Case(
        "FloodgateNoEvents",
        {EVENTS: "0+600x120 72000x60 72600+600x60", IGNORED: "0x242"},
        (145, 150),
        (60, 119, 125, 205),
    ),
    Case("FloodgateNoEvents", {EVENTS: "0x120", IGNORED: "0+600x120"}, (), (30, 60, 110)),
    Case(
        "FloodgateMisroutedEvents",
        share('floodgate_events_misrouted_total{instance="a"}', 0, 6),
        (90, 119),
        (50, 62, 150),
    ),
    Case(
        "FloodgateLearnsNothing",
        {
            'floodgate_labels_total{outcome="matched"}': "0+2x240",
            'floodgate_examples_learned_total{model="m"}': "0+2x60 120x100 121+2x80",
        },
        (155, 160),
        (50, 130, 170),
    ),
    Case(
        "FloodgateLagGrows",
        {'floodgate_lag{topic="events",partition="1"}': "0x60 10000+1000x40 100x60"},
        (80, 99),
        (30, 65, 120),
    ),
    Case(
        "FloodgateDeadLetters", share('floodgate_dead_letters_total{reason="no_user"}', 0, 6), (80, 119), (50, 62, 150)
    ),
    Case(
        "FloodgateUnreadableBatches",
        rare('floodgate_dead_letters_total{topic="events",reason="unreadable_batch"}'),
        (61, 74),
        (59, 90),
    ),
    Case(
        "FloodgateRefusedPublications",
        rare('floodgate_dead_letters_total{topic="labels",reason="not_a_publishers"}'),
        (61, 74),
        (59, 90),
    ),
    Case(
        "FloodgateRefusedPublications",
        rare('floodgate_dead_letters_total{topic="labels",reason="not_a_label"}'),
        (),
        (61, 74),
    ),
    Case("FloodgateSkewedEvents", share("floodgate_events_skewed_total", 0, 12), (95, 119), (50, 62, 150)),
    Case(
        "FloodgateInvalidFields", share('floodgate_invalid_fields_total{field="ip"}', 0, 12), (95, 119), (50, 62, 150)
    ),
    Case("FloodgateConflictingIds", share("floodgate_conflicting_ids_total", 0, 12), (95, 119), (50, 62, 150)),
    Case("FloodgateBudgetSpent", born('floodgate_rule_hits_total{rule="r",effect="budget"}'), (61, 68), (59, 80)),
    Case("FloodgateBudgetSpent", rare('floodgate_rule_hits_total{rule="r",effect="budget"}'), (61, 68), (59, 80)),
    Case("FloodgateBudgetSpent", rare('floodgate_rule_hits_total{rule="r",effect="acted"}'), (), (61, 68)),
    Case(
        "FloodgateUpdateRefused",
        born('floodgate_updates_refused_total{topic="rulebooks", at="run"}'),
        (61, 73),
        (59, 90),
    ),
    Case(
        "FloodgateUpdateRefused",
        rare('floodgate_updates_refused_total{topic="rulebooks", at="run"}'),
        (61, 73),
        (59, 90),
    ),
    Case(
        "FloodgateUpdateRefused",
        rare('floodgate_updates_refused_total{topic="rulebooks", at="start"}'),
        (),
        (59, 61, 90),
    ),
    Case(
        "FloodgateRulebooksDiffer",
        {
            'floodgate_rulebook_info{rulebook="old",instance="a"}': "1x60 _x60",
            'floodgate_rulebook_info{rulebook="new",instance="a"}': "_x60 1x60",
            'floodgate_rulebook_info{rulebook="old",instance="b"}': "1x80 _x40",
            'floodgate_rulebook_info{rulebook="new",instance="b"}': "_x80 1x40",
        },
        (70, 79),
        (30, 62, 95),
    ),
    Case(
        "FloodgateActionsSurge",
        {'floodgate_actions_total{rule="r"}': "0+2x120 240+60x30 2040+2x90"},
        (130, 150),
        (60, 200),
    ),
    Case(
        "FloodgateActionsSurge", {'floodgate_actions_total{rule="new"}': "_x120 0+60x30 1800x90"}, (135, 149), (60, 190)
    ),
    Case("FloodgateActionsSurge", {'floodgate_actions_total{rule="new"}': "_x120 0+2x120"}, (), (130, 150)),
    Case("FloodgateLateEvents", share("floodgate_events_late_total", 0, 12), (95, 119), (50, 62, 150)),
    Case(
        "FloodgatePersistSlow",
        {
            'floodgate_batch_persist_seconds_bucket{le="1"}': "0+100x60 6000x30 6000+100x60",
            'floodgate_batch_persist_seconds_bucket{le="2.5"}': "0+100x150",
            'floodgate_batch_persist_seconds_bucket{le="+Inf"}': "0+100x150",
        },
        (80, 89),
        (40, 62, 120),
    ),
    Case("FloodgateModelDrift", born('floodgate_model_drift_total{model="m",of="loss"}'), (61, 110), (59, 130)),
    Case("FloodgateModelDrift", born('floodgate_model_drift_total{model="m",of="scores"}'), (), (61, 110)),
    Case(
        "FloodgateModeratorDoubted",
        {'floodgate_moderator_trust{moderator="eve"}': "1x60 0.1x40 0.9x60"},
        (77, 99),
        (50, 70, 120),
    ),
    Case(
        "FloodgateChallengerBetter",
        {
            'floodgate_challenger_gain{model="m",bound="low"}': "-0.1x60 0.1x140",
            'floodgate_challenger_stands{model="m"}': "0x150 1x50",
        },
        (122, 149),
        (50, 110, 160),
    ),
    Case(
        "FloodgateChallengerSunk",
        {
            'floodgate_challenger_gain{model="m",bound="high"}': "0.1x60 -0.1x140",
            'floodgate_challenger_stands{model="m"}': "1x120 0x80",
        },
        (78, 119),
        (50, 70, 130),
    ),
    Case(
        "FloodgateSliceOff",
        {'floodgate_slice_off{model="m",slice="event.country",value="de"}': "_x60 -0.2x90"},
        (122, 149),
        (50, 110, 170),
    ),
    Case(
        "FloodgateKeysRefused", {'floodgate_keys_refused_total{kind="ip"}': "0x60 0+20x30 600x60"}, (75, 90), (50, 120)
    ),
    # A value that says since when: the second at which the hour was over.
    Case(
        "FloodgateDeliveryFails",
        {'floodgate_delivery_failing_since_timestamp_seconds{receiver="r"}': "0x60 3660x20 0x60"},
        (67, 80),
        (30, 64, 90),
    ),
    Case(
        "FloodgateDeliverySetAside",
        {'floodgate_delivery_set_aside{receiver="r"}': "0x60 2x30 0x60"},
        (77, 90),
        (50, 70, 95),
    ),
    Case(
        "FloodgateExportFails",
        {"floodgate_export_failing_since_timestamp_seconds": "0x60 3660x30 0x60"},
        (78, 90),
        (30, 70, 95),
    ),
    Case(
        "FloodgateEnricherMissing",
        {
            'floodgate_enricher_answers_total{enricher="e",answer="found"}': "0+100x180",
            'floodgate_enricher_missing_total{enricher="e",reason="too_slow"}': "0+5x60 300+60x60 3900+5x60",
        },
        (90, 119),
        (50, 62, 150),
    ),
    Case(
        "FloodgateServeUnanswered",
        {
            'floodgate_serve_questions_total{surface="s",outcome="answered"}': "0+600x180",
            'floodgate_serve_questions_total{surface="s",outcome="timeout"}': "0+1x60 60+30x20 660+1x100",
        },
        (72, 80),
        (50, 63, 100),
    ),
    Case(
        "FloodgateServeSlow",
        {
            'floodgate_serve_seconds_bucket{surface="s",le="0.03"}': "0+60x60 3600+50x30 5100+60x90",
            'floodgate_serve_seconds_bucket{surface="s",le="0.5"}': "0+60x180",
            'floodgate_serve_seconds_bucket{surface="s",le="+Inf"}': "0+60x180",
        },
        (80, 90),
        (50, 65, 120),
    ),
    Case(
        "FloodgateServeRefuses",
        {'floodgate_serve_refused_total{reason="unauthorized"}': "0x60 0+30x30 900x60"},
        (80, 90),
        (50, 65, 120),
    ),
]


def test_every_alert_has_a_case_that_fires_and_is_silent_before_and_after() -> None:
    alerts = {rule["alert"] for rule in yaml.safe_load(ALERTS.read_text("utf-8"))["groups"][0]["rules"]}
    assert alerts == {
        case.alert for case in CASES if case.firing and min(case.silent) < min(case.firing) < max(case.silent)
    }


def test_they_fire_when_they_should_and_only_then(tmp_path: Path) -> None:
    promtool("check", "rules", ALERTS)
    promtool("test", "rules", *written(tmp_path))


def written(directory: Path) -> list[Path]:
    """A file of cases for each alert, with that alert alone: otherwise each minute of a case is one of all alerts."""
    (group,) = yaml.safe_load(ALERTS.read_text("utf-8"))["groups"]
    paths = []
    for rule in group["rules"]:
        name, cases = rule["alert"], [as_promtool(case) for case in CASES if case.alert == rule["alert"]]
        alone, path = directory / f"{name}.yml", directory / f"{name}.test.yml"
        alone.write_text(yaml.safe_dump({"groups": [{**group, "rules": [rule]}]}, sort_keys=False))
        told = {"rule_files": [alone.name], "evaluation_interval": "1m", "tests": cases}
        path.write_text(yaml.safe_dump(told, sort_keys=False))
        paths.append(path)
    return paths


def promtool(*arguments: str | Path) -> None:
    done = subprocess.run([find_promtool(), *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-6_000:] + done.stdout[-3_000:]


def as_promtool(case: Case) -> dict[str, Any]:
    """Whether the alert fires at each of the minutes, whatever it says."""
    asked = f'count(ALERTS{{alertname="{case.alert}",alertstate="firing"}})'
    return {
        "name": f"{case.alert} {case.series}",
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in case.series.items()],
        "promql_expr_test": [
            {"expr": asked, "eval_time": f"{minute}m", "exp_samples": [{"labels": "{}", "value": 1}] if fires else []}
            for minutes, fires in ((case.firing, True), (case.silent, False))
            for minute in minutes
        ],
    }
