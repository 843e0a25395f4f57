"""Values: computed from an event alone, read like fields, and what may hang on them."""

from itertools import pairwise

import orjson
import pytest

from engine.core.domain.events import Event
from engine.rulebook.compiler import check_rulebook, load_rulebook
from engine.rulebook.inline_tests.stage import ExampleStage
from engine.settings import Settings
from engine.stream.offline.arrivals import Arrival
from engine.stream.offline.engine import OfflineEngine

RULES = """
version: 1
fields: {email: text, bio: text, mentions: list, amount: number, kind: text}
lists: {bots: {values: [curl]}}
values:
  box: mailbox(email)
  links: count(text, "https?://")
  loud: share(text, "[A-Z]") > 0.5
  hosts: domains(bio)
  doubled: links * 2
  bonus: amount / 2
counters:
  COUNTER
rules:
  r: {event: any, when: [CLAUSE], then: {flag: x}, mode: shadow}
"""
START_MS = 1_790_812_800_000


def rulebook(counter: str = "n: {count: any, by: user_id, over: 1h}", clause: str = "n >= 2") -> dict[str, str]:
    return {"rules.yaml": RULES.replace("COUNTER", counter).replace("CLAUSE", f"'{clause}'")}


def fired(sources: dict[str, str], *sent: dict[str, object]) -> list[int]:
    """The numbers of the events at which the rule fires, through the offline engine."""
    settings = Settings()
    engine, at = OfflineEngine(load_rulebook(sources), settings), []
    for number, fields in enumerate(sent, 1):
        ts = START_MS + number * 1_000
        document = {"event_id": f"e{number}", "type": "post", "user_id": f"u{number}", "ts": ts, **fields}
        messages = engine.run([Arrival("event", ts, orjson.dumps(document), ts)])
        at += [number for message in messages if message.topic == settings.topics.decisions]
    return at


@pytest.mark.parametrize(
    ("counter", "sent", "expected"),
    [
        ("n: {count: any, by: box, over: 1h}", [{"email": "a.n@gmail.com"}, {"email": "an+1@gmail.com"}], [2]),
        ("n: {count: any, by: box, over: 1h}", [{"email": "a.n@gmail.com"}, {"email": "am@gmail.com"}], []),
        ("n: {count: any, by: box, over: 1h}", [{"email": "nobody"}, {"email": "nobody"}, {}], []),
        ("n: {count: any, by: [box, type], over: 1h}", [{"email": "a.n@gmail.com"}, {"email": "an@gmail.com"}], [2]),
        ("n: {count: any, by: links, over: 1h}", [{"text": "http://a"}, {"text": "b"}, {"text": "https://c"}], [3]),
        ("n: {distinct: box, of: any, by: type, over: 1h}", [{"email": "a.n@gmail.com"}, {"email": "an@gmail.com"}],
         []),
        ("n: {distinct: box, of: any, by: type, over: 1h}", [{"email": "a@x.io"}, {"email": "b@x.io"}], [2]),
        ("n: {sum: links, of: any, by: type, over: 1h}", [{"text": "http://a"}, {"text": "http://b http://c"}], [2]),
        ("n: {sum: doubled, of: any, by: type, over: 1h}", [{"text": "http://a"}, {}], [1, 2]),
        ("n: {distinct: bonus, of: any, by: type, over: 1h}", [{"amount": 1}, {"amount": "1"}, {"amount": 2}], [3]),
        ("n: {count: any, where: loud, by: type, over: 1h}", [{"text": "AB"}, {"text": "ab"}, {"text": "ABC"}], [3]),
        ("n: {count: any, by: hosts, over: 1h}", [{"bio": "x.com y.com"}, {"bio": "see http://y.com"}], [2]),
        ("n: {count: any, by: mentions, over: 1h}", [{"mentions": ["a", "b"]}, {"mentions": ["b"]}], [2]),
        ("n: {count: any, by: mentions, over: 1h}", [{"mentions": "b"}, {"mentions": ["b"]}], []),
        ("n: {distinct: mentions, of: any, by: type, over: 1h}", [{"mentions": ["a", "a"]}, {"mentions": ["b"]}], [2]),
        ("n: {distinct: hosts, of: any, by: type, over: 1h}", [{"bio": "x.com"}, {"bio": "x.com y.com"}], [2]),
        ("n: {distinct: mentions, of: any, by: type, over: 1h}",
         [{"mentions": ["a", {"b": 1}]}, {"mentions": 5}, {"mentions": ["a", "c"]}], [3]),
    ],
)  # fmt: skip
def test_counters_hang_on_values(counter: str, sent: list[dict[str, object]], expected: list[int]) -> None:
    assert fired(rulebook(counter), *sent) == expected


def test_an_item_that_cannot_be_told_apart_makes_a_bound() -> None:
    counter = "n: {distinct: mentions, of: any, by: type, over: 1h}"
    assert fired(rulebook(counter, "n < 5"), {"mentions": ["a"]}, {"mentions": [["b"]]}) == [1]
    assert fired(rulebook(counter, "n < 5"), {"mentions": ["a"]}, {"mentions": []}, {"mentions": 5}) == [1, 2]
    assert fired(rulebook(counter, "n < 500"), {"mentions": [str(number) for number in range(65)]}) == []
    assert fired(rulebook(counter, "n >= 64"), {"mentions": [str(number) for number in range(65)]}) == [1]


@pytest.mark.parametrize("what", ["sum", "distinct"])
def test_what_cannot_be_computed_makes_a_bound(what: str) -> None:
    """As what cannot be read does; where there is nothing at all there is no doubt."""
    counter = f"n: {{{what}: bonus, of: any, by: type, over: 1h}}"
    assert fired(rulebook(counter, "n < 9"), {"amount": 2}, {}, {"amount": "2"}, {}) == [1, 2]


@pytest.mark.parametrize(
    ("clause", "fields", "expected"),
    [
        ('box == "an@gmail.com"', {"email": "a.n@gmail.com"}, [1]), ("known(box)", {}, []),
        ("loud", {"text": "AB"}, [1]),
        ("doubled == 4", {"text": "http://a http://b"}, [1]), ("links > 249", {"text": "http://" * 300}, [1]),
        ("links == 250", {"text": "http://" * 300}, []), ('"x.com" in hosts', {"bio": "x.com"}, [1]),
        ("len(hosts) == 2", {"bio": "x.com y.com"}, [1]), ("not loud", {}, []),
    ],
)  # fmt: skip
def test_clauses_read_values(clause: str, fields: dict[str, object], expected: list[int]) -> None:
    assert fired(rulebook(clause=clause), fields) == expected


def test_a_decision_tells_values() -> None:
    stage = ExampleStage(load_rulebook(rulebook(clause="doubled >= 2 and not loud and ts > event.since")), {})
    fields: dict[str, object] = {"ts": START_MS, "text": "http://a", "since": START_MS - 1}
    [decision] = stage.send(Event("e", "post", "u", START_MS, fields))
    [clause] = decision.hits[0].clauses
    values = clause.values
    assert values["doubled"] == 2
    assert values["loud"] is False
    assert values["ts"] == "2026-10-01T00:00:00.000Z"


def test_models_read_values() -> None:
    text = rulebook()["rules.yaml"].replace("rules:", "models: {m: {numbers: [links], categories: [box]}}\nrules:")
    text = text.replace("'n >= 2'", "score.m > 2")
    program = load_rulebook({"rules.yaml": text}).programs["any"]
    assert program.decider.models["m"]({"email": "A@x.io"}) == ((), ("a@x.io",))
    asked: list[object] = []
    program.decider.decide({"text": "http://a"}, {}, 0, lambda name, numbers: asked.append((name, numbers)))
    assert asked == [("m", (1,))]


def layered(first: str, joined: str, wide: int, deep: int = 4) -> str:
    """Layers of values, each of which names all of the layer below."""
    layers = [[f"v{layer}_{number}" for number in range(wide)] for layer in range(deep)]
    lines = [f"{name}: {first}" for name in layers[0]]
    lines += [f"{name}: {joined.join(below)}" for below, above in pairwise(layers) for name in above]
    return f"{{{', '.join(lines)}}}"


def test_values_stand_on_each_other_as_long_as_they_are_short_when_written_out() -> None:
    assert found(layered("n + n", " + ", 6)) == found(layered("flag", " and ", 3)) == []
    told = "this is {} names when what it stands on is written out, at most 500"
    assert found(layered("n + n", " + ", 8)) == [told.format("1,096")] * 8
    assert found(layered("flag", " and ", 4)) == [told.format(804)] * 4


def test_a_clause_is_short_when_written_out() -> None:
    values, rule = (
        layered("n", " + ", 6, 3),
        "rules: {r: {event: post, when: ['CLAUSE'], then: {flag: x}, mode: shadow}}",
    )
    text = f"version: 1\nfields: {{n: number}}\nvalues: {values}\n{rule}\n"
    for times, told in ((6, []), (7, ["this is 553 names when what it stands on is written out, at most 500"])):
        clause = " or ".join(f"v2_{number % 6} > {number}" for number in range(times))
        assert [one.message for one in check_rulebook({"r.yaml": text.replace("CLAUSE", clause)})[1].errors] == told


def found(values: str, rest: str = "") -> list[str]:
    rule = "rules: {r: {event: post, when: [event.n > 1], then: {flag: x}, mode: shadow}}"
    text = f"version: 1\nfields: {{n: number, flag: bool}}\nvalues: {values}\n{rest}\n{rule}\n"
    return [error.message for error in check_rulebook({"rules.yaml": text})[1].errors]


@pytest.mark.parametrize(
    ("values", "rest", "message"),
    [
        ("{a: n + 1, b: a + 1, c: b + 1, d: c + 1, e: d + 1}", "", "values stand on each other at most 4 deep"),
        ("{a: b, b: n}", "", '"b" is declared further down'),
        ("{a: a}", "", '"a" is defined by itself'),
        ("{a: similarity(text, ip)}", "",
         "this expression ends too early: YAML takes a comma between braces, or ` #`, for its own"),
        ("{n: flag}", "", '"n" is declared twice, first in rules.yaml:2'),
        ("{text: n}", "", "`text` has a fixed meaning"),
        ("{a: {x: 1}}", "", "value `a` needs exactly one of last, first, age and new"),
        ("{a: posts}", "counters: {posts: {count: post, by: user_id, over: 1h}}", '"posts" is declared further down'),
        ("{a: score.m}", "models: {m: {numbers: [n]}}", 'unknown model "m"'),
        ("{a: flag}", "counters: {c: {count: post, by: a, over: 1h}}", 'nothing can be counted by "a"'),
        ("{a: n}", "counters: {c: {sum: b, of: post, by: user_id, over: 1h}}", '`sum` knows no field "b"'),
        ("{a: lower(text)}", "counters: {c: {sum: a, of: post, by: user_id, over: 1h}}",
         "`sum` cannot use `a`, which is a text"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_told(values: str, rest: str, message: str) -> None:
    assert message in found(values, rest)


def test_another_value_is_another_counter() -> None:
    """What was counted under the old meaning is not taken for the new one."""

    def key(value: str) -> int:
        text = rulebook("n: {count: any, by: box, over: 1h}")["rules.yaml"].replace("mailbox(email)", value)
        return load_rulebook({"rules.yaml": text}).counters["n"].series_key

    assert key("mailbox(email)") != key("lower(email)")


def test_a_routed_event_takes_along_what_its_values_read() -> None:
    routing = load_rulebook(rulebook("n: {count: any, where: loud, by: box, over: 1h}")).programs["any"].routing
    assert routing is not None
    assert routing.carried == ("text",)
    routing = load_rulebook(rulebook("n: {distinct: box, of: any, by: hosts, over: 1h}")).programs["any"].routing
    assert routing is not None
    assert routing.carried == ("email",)


def test_tests_send_fields_and_no_values() -> None:
    text = rulebook()["rules.yaml"].replace(
        "mode: shadow", "mode: shadow, tests: [{send: {type: p, boc: x}, fires: never}]"
    )
    _, diagnostics = check_rulebook({"rules.yaml": text.replace("boc: x", "emial: x")})
    assert [error.message for error in diagnostics.errors] == ["nothing reads `emial`"]
