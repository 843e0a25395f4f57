"""What a backtest says is what the engine does."""

import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import msgspec
import orjson
import pytest

from engine.backtest.comparison import Comparison, Estimate, RuleReport, estimate
from engine.backtest.page import page
from engine.backtest.run import backtest
from engine.backtest.trial import SAMPLES, RuleTally, Sample
from engine.rulebook.compiler import load_rulebook
from engine.settings import Settings
from engine.stream.offline.arrivals import Arrival
from engine.stream.offline.engine import OfflineEngine
from tests.events import START_MS, random_events, swarm_events
from tests.system import RULEBOOKS

FLOOD = RULEBOOKS / "flood"
EVENTS = random_events(3_000, seed=5)
IDS = list(dict.fromkeys(orjson.loads(event)["event_id"] for event in EVENTS))
LABELS = [
    orjson.dumps({"event_id": event_id, "label": "spam" if number % 3 else "ham", "ts": START_MS * 2})
    for number, event_id in enumerate(IDS[:600])
]
RULES = """
version: 1
counters: {{n: {{count: post, by: user_id, over: 1m}}}}
rules:
  flood: {{event: post, when: [n > {limit}], then: {{flag: x}}}}
  quiet: {{event: post, when: [n > 1], then: {{flag: y}}, mode: shadow}}
"""


def tried(new: str, old: str | None = None) -> Comparison:
    rulebooks = [load_rulebook({"rules.yaml": text}) if text is not None else None for text in (new, old)]
    assert rulebooks[0] is not None
    return backtest(rulebooks[0], rulebooks[1], EVENTS, LABELS, Settings())


def rule(found: Comparison, name: str) -> RuleReport:
    return next(one for one in found.rules if one.rule == name)


def decided(text: str) -> list[Any]:
    """All decisions of the engine, without a backtest."""
    settings = Settings(decision_sample=0.0)
    messages = OfflineEngine(load_rulebook({"rules.yaml": text}), settings).run(
        Arrival("event", 0, one) for one in EVENTS
    )
    return [orjson.loads(message.value) for message in messages if message.topic == settings.topics.decisions]


def test_rules_meet_what_the_engine_decides() -> None:
    text = RULES.format(limit=2)
    found, wanted = tried(text), defaultdict(list)
    for decision in decided(text):
        for hit in decision["hits"]:
            wanted[hit["rule"]].append(decision)
    for name, met in wanted.items():
        one = rule(found, name)
        assert one.met == sum(one.met_by_step) == len(met)
        assert one.users == len({decision["user_id"] for decision in met})
        labelled = [IDS.index(decision["event_id"]) for decision in met if decision["event_id"] in IDS[:600]]
        assert one.precision == estimate(sum(number % 3 > 0 for number in labelled), len(labelled))
    assert (rule(found, "flood").acted, rule(found, "quiet").acted) == (len(wanted["flood"]), 0)
    assert found.users.acted_on == len({decision["user_id"] for decision in wanted["flood"]})
    assert found.events == len(EVENTS)
    assert found.users.active == len({orjson.loads(event)["user_id"] for event in EVENTS})
    assert found.overlaps[0].rules == ("flood", "quiet")


def test_an_edit_is_told_by_whom_it_meets() -> None:
    before, after = RULES.format(limit=4), RULES.format(limit=2)
    found = tried(after, before)
    old, new = ({one["user_id"] for one in decided(text) if one["outcome"] == "act"} for text in (before, after))
    assert set(found.users.newly) == new - old != set()
    assert found.users.no_longer == {}
    assert rule(found, "flood").newly_met == rule(found, "flood").met - (rule(found, "flood").before or 0)
    assert found.changes == ["changed rule flood\n  when: - n > 4, + n > 2"]
    back = tried(before, after)
    assert back.users.no_longer == found.users.newly


def test_the_same_events_give_the_same_report() -> None:
    texts = RULES.format(limit=2), RULES.format(limit=3)
    assert msgspec.json.encode(tried(*texts)) == msgspec.json.encode(tried(*texts))


def test_an_event_that_is_met_twice_is_no_trouble() -> None:
    tally = RuleTally("flood", "enforce")
    for number in range(2 * SAMPLES):
        tally.met += 1
        tally.choose(Sample("the same", f"user-{number}", START_MS, "why", None, None))
    assert len(tally.samples) == SAMPLES


def test_samples_say_why() -> None:
    sample = rule(tried(RULES.format(limit=2)), "flood").samples[0]
    assert re.fullmatch(r"n > 2 \(\d+\)", sample.why)
    assert sample.counterfactual == "at n = 2 this would not have fired"


@pytest.mark.parametrize(
    ("found", "of", "wanted"),
    [(0, 0, None), (5, 10, Estimate(0.5, 0.2366, 0.7634, 10)), (10, 10, Estimate(1.0, 0.7225, 1.0, 10))],
)
def test_shares_have_wilsons_bounds(found: int, of: int, wanted: Estimate | None) -> None:
    assert estimate(found, of) == wanted


def test_the_page_stands_alone_and_trusts_no_name() -> None:
    events = [event.replace(b'"user-', b'"<script>-') for event in EVENTS]
    rulebook = load_rulebook({"rules.yaml": RULES.format(limit=2)})
    made = page(backtest(rulebook, None, events, [], Settings()), "Backtest of <b>")
    assert "&lt;script&gt;-" in made
    assert "<script" not in made
    assert "http" not in made
    assert "Backtest of &lt;b&gt;" in made


def test_what_cannot_be_used_is_told(tmp_path: Path) -> None:
    rulebook = load_rulebook({"rules.yaml": RULES.format(limit=2)})
    found = backtest(rulebook, None, [b"{", *EVENTS], [], Settings())
    assert found.dead_letters == {"not_json": 1}
    assert found.events == len(EVENTS) + 1


ALLOWING = """
version: 1
counters: {n: {count: post, by: user_id, over: 1m}}
rules:
  flood: {event: post, when: [n > 1], then: {flag: x}}
  trusted: {event: post, when: [verified == true], then: allow}
"""


def test_an_allow_rule_acts_on_nobody_and_its_loss_is_seen() -> None:
    rules = ALLOWING.replace("counters:", "fields: {verified: bool}\ncounters:")
    without = rules.replace("  trusted: {event: post, when: [verified == true], then: allow}\n", "")
    lost, won = tried(without, rules), tried(rules, without)
    assert lost.users.newly_count > 0
    assert won.users.newly_count == 0
    assert won.users.no_longer == lost.users.newly
    assert rule(won, "trusted").acted == 0


def test_something_worse_is_newly_done() -> None:
    text = RULES.format(limit=2)
    worse = text.replace("then: {flag: x}", "then: {suspend: account}")
    assert set(tried(worse, text).users.newly) == {one["user_id"] for one in decided(text) if one["outcome"] == "act"}


def test_only_labels_of_the_recorded_events_count() -> None:
    rulebook = load_rulebook({"rules.yaml": RULES.format(limit=2)})
    foreign = [orjson.dumps({"event_id": f"other{n}", "label": "spam", "ts": START_MS}) for n in range(50)]
    policy = [orjson.dumps({"event_id": one, "label": "ham", "ts": START_MS, "policy": "nsfw"}) for one in IDS[:600]]
    found = backtest(rulebook, None, EVENTS, [*LABELS, *foreign, *policy], Settings())
    assert found == tried(RULES.format(limit=2))


def test_a_small_cache_changes_nothing() -> None:
    """Shared entities come back from the database as they were."""
    rulebook, events = load_rulebook(RULEBOOKS / "swarm"), swarm_events(3_000)
    small, large = (backtest(rulebook, None, events, [], Settings(cached_entities=size)) for size in (30, 100_000))
    assert small == large
    assert any(one.met for one in large.rules)


def test_an_event_that_is_met_twice_is_labelled_once() -> None:
    """More would be met of the spam than there is."""
    rulebook = load_rulebook({"rules.yaml": RULES.format(limit=0)})
    first = next(event for event in EVENTS if orjson.loads(event)["type"] == "post")
    name, user = orjson.loads(first)["event_id"], orjson.loads(first)["user_id"]
    between = [orjson.dumps({"event_id": f"x{n}", "type": "post", "user_id": user, "ts": START_MS}) for n in range(100)]
    label = orjson.dumps({"event_id": name, "label": "spam", "ts": START_MS})
    found = rule(backtest(rulebook, None, [first, *between, first], [label], Settings()), "flood")
    assert found.met == 102  # it is remembered for so many events only
    assert found.recall == found.precision == estimate(1, 1)


def test_another_step_of_a_ladder_is_another_thing_that_is_done() -> None:
    text = """
version: 1
ladders: {{l: {{decay: 1d, steps: [{{at: 1, {does}}}]}}}}
rules:
  met: {{event: post, when: [event.n != 1], then: {{ladder: l}}}}
  other: {{event: post, when: [user_id != "x"], then: {{ladder: l}}}}
"""
    same = tried(text.format(does="flag: a"), text.format(does="flag: a"))
    harder = tried(text.format(does="suspend: account"), text.format(does="flag: a"))
    assert same.users.newly_count == 0
    assert harder.users.newly_count == harder.users.acted_on > 0


SPEAKING = """
version: 1
fields: {verified: bool}
rules:
  words: {event: post, any: ['"prize" in text', verified == true], then: {flag: x}}
  quiet: {event: post, when: ['"prize" in text'], then: {suspend: account}, mode: shadow}
"""


def speaking(count: int) -> Comparison:
    rulebook = load_rulebook({"rules.yaml": SPEAKING})
    events = [
        orjson.dumps({"event_id": f"e{n}", "type": "post", "user_id": f"u{n}", "ts": START_MS + n * 600_000,
                      "text": f"a <b>prize</b> for {n}" + "!" * 400, "verified": False}) for n in range(count)
    ]  # fmt: skip
    return backtest(rulebook, None, events, [], Settings())


def test_samples_tell_what_events_say_and_no_clause_that_did_not_hold() -> None:
    sample = rule(speaking(3), "words").samples[1]
    assert sample.text.startswith("a <b>prize</b> for 1!!!")
    assert len(sample.text) == 300
    assert '"prize" in text' in sample.why
    assert "verified" not in sample.why


def test_the_page_has_times_texts_and_all_samples_on_demand() -> None:
    made = page(speaking(20), "Backtest")
    assert "a &lt;b&gt;prize&lt;/b&gt; for 0!" in made
    assert made.count("<details><summary>all 20 samples</summary>") == 2
    assert "all 3 samples" not in page(speaking(3), "Backtest")
    axis = re.search(r"<div class=axis>(.*?)</div>", made)
    assert axis is not None
    times = re.findall(r"<span>(.*?)</span>", axis.group(1))
    assert times == sorted(times)
    assert len(times) == 5
    assert times[0] == re.search(r"<p class=dim>([0-9-]* [0-9]*:)", made).group(1) + "00"  # type: ignore[union-attr]


def test_what_a_rule_in_shadow_would_do_is_no_action() -> None:
    text = SPEAKING.replace("then: {flag: x}}", "then: {flag: x}, mode: shadow}")
    rulebook = load_rulebook({"rules.yaml": text})
    event = {"event_id": "e", "type": "post", "user_id": "u", "ts": START_MS, "text": "a prize", "verified": True}
    found = backtest(rulebook, None, [orjson.dumps(event)], [], Settings())
    assert (found.users.acted_on, [one.acted for one in found.rules], [one.met for one in found.rules]) == (
        0, [0, 0], [1, 1],
    )  # fmt: skip


def test_rules_read_the_ages_that_the_settings_have_computed() -> None:
    settings = msgspec.convert({"events": {"computed": {"account_age": {"age_of": "actor.created_at"}}}}, Settings)
    new = load_rulebook(
        {
            "rules.yaml": """
version: 1
fields: {account_age: {type: duration, unit: ms}}
rules:
  young: {event: post, when: [account_age < 7d], then: {flag: x}}
  odd: {event: post, when: ['"account_age" in invalid_fields'], then: {flag: y}}
"""
        }
    )
    day_ms = 86_400_000
    events = [
        orjson.dumps(
            {"event_id": str(n), "type": "post", "user_id": f"u{n}", "ts": START_MS, "actor": {"created_at": since}}
        )
        for n, since in enumerate((START_MS - 6 * day_ms, START_MS - 8 * day_ms, START_MS - 1, "always", None))
    ]  # fmt: skip
    found = backtest(new, None, events, [], settings)
    assert (rule(found, "young").met, rule(found, "odd").met) == (2, 1)
