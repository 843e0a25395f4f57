"""Calls of functions: what they take, what they give, and what is said where they cannot be."""

import pytest
import re2

from engine.core.domain.events import Event
from engine.rulebook.compiler import check_rulebook, load_rulebook
from engine.rulebook.inline_tests.stage import ExampleStage
from engine.rulebook.language.calls import _CLASS
from engine.rulebook.language.diagnostics import Diagnostic

RULES = """
version: 1
fields: {email: text, agent: text, zone: text, mentions: list, age: {type: duration, unit: ms}, made: time,
  seen: {type: time, unit: s}, from: text, class: number}
lists:
  bots: {values: [curl, Wget]}
  fast: {values: [shop], live: true}
rules:
  r: {event: post, when: [CLAUSE], then: {flag: x}}
"""
MIDNIGHT_MS = 1_790_812_800_000


def rules(clause: str) -> dict[str, str]:
    return {"rules.yaml": RULES.replace("CLAUSE", "'" + clause.replace("'", "''") + "'")}


def truth(clause: str, **fields: object) -> bool | None:
    """What a clause is for an event: true, false or unknown."""

    def fires(text: str) -> bool:
        event = Event("e", "post", "u", MIDNIGHT_MS, {"ts": MIDNIGHT_MS, **fields})
        return bool(ExampleStage(load_rulebook(rules(text)), {}).send(event))

    return True if fires(clause) else False if fires(f"not ({clause})") else None


def errors(clause: str) -> list[Diagnostic]:
    return check_rulebook(rules(clause))[1].errors


@pytest.mark.parametrize(
    ("clause", "fields", "expected"),
    [
        ('mailbox(email) == "ann@gmail.com"', {"email": "A.nn+x@gmail.com"}, True),
        ('mailbox(email) == "ann@gmail.com"', {"email": "nobody"}, False),
        ('mailbox(email) == "ann@gmail.com"', {}, None),
        ('mailbox(email) == "ann@gmail.com"', {"email": 5}, None),
        ("is_disposable(email)", {"email": "a@mailinator.com"}, True),
        ("is_disposable(email)", {"email": "a@gmail.com"}, False),
        ("is_disposable(email)", {}, None),
        ('starts_with(agent, "curl/")', {"agent": "curl/8"}, True),
        ('ends_with(agent, "8")', {"agent": "curl/9"}, False),
        ("starts_with(agent, email)", {"agent": "curl/9"}, None),
        ("contains_any(agent, lists.bots)", {"agent": "my curl"}, True),
        ("contains_any(agent, lists.bots)", {"agent": "wget"}, False),
        ("contains_any(lower(agent), lists.bots)", {"agent": "WGET"}, True),
        ("contains_word(skeleton(agent), lists.bots)", {"agent": "a w-get!"}, True),
        ('similarity(skeleton(agent), "support") > 0.8', {"agent": "sup-port"}, True),
        ("contains_any(skeleton(agent), lists.bots)", {"agent": "Wg\u0435\u200bt"}, True),
        ("contains_any(agent, lists.bots)", {}, None),
        ("contains_any(agent, lists.fast)", {"agent": "workshop"}, True),
        ('count(text, "https?://") >= 2', {"text": "http://a https://b"}, True),
        ('count(text, "https?://") >= 2', {"text": "http://a"}, False),
        ('count(text, "https?://") >= 2', {}, None),
        ('count(text, "a") == 249', {"text": "a" * 249}, True),
        ('count(text, "a") > 249', {"text": "a" * 999}, True),
        ('count(text, "a") == 249', {"text": "a" * 999}, False),
        ('count(text, "a") * 2 == 600', {"text": "a" * 300}, None),
        ('count(text, "a") in [1, 2]', {"text": "a" * 300}, False),
        ('share(text, "[A-Z]") > 0.5', {"text": "ABC d"}, True),
        (r'share(text, "\p{Lu}", "\p{L}") == 1', {"text": "ABC 12"}, True),
        ("repeats(text) >= 10", {"text": "so" + "o" * 9}, True),
        ("repeats(text) >= 10", {"text": "soooo"}, False),
        ("entropy(text) < 1", {"text": "aaaa"}, True),
        ('similarity(skeleton(agent), "support") > 0.8', {"agent": "SUPP\u043eRT1"}, True),
        ('similarity(agent, "support") > 0.8', {"agent": "reply"}, False),
        ("contains_word(agent, lists.bots)", {"agent": "a curl, please"}, True),
        ("contains_word(agent, lists.bots)", {"agent": "curly"}, False),
        ("contains_word(lower(agent), lists.bots)", {"agent": "WGET/1.0"}, True),
        ("contains_word(agent, lists.fast)", {"agent": "workshop"}, False),
        ("contains_word(agent, lists.bots)", {}, None),
        ('extract(agent, "Chrome/([0-9]+)") == "49"', {"agent": "X Chrome/49.1 Chrome/50"}, True),
        ('extract(agent, "Chrome/[0-9]+") == "Chrome/49"', {"agent": "X Chrome/49.1"}, True),
        ('extract(agent, "Chrome/([0-9]+)") == ""', {"agent": "X"}, True),
        ('extract(agent, "Chrome/([0-9]+)") == ""', {}, None),
        ('number(extract(agent, "Chrome/([0-9]+)")) < 90', {"agent": "X Chrome/49.1"}, True),
        ('number(extract(agent, "Chrome/([0-9]+)")) < 90', {"agent": "X Chrome/149.1"}, False),
        ('number(extract(agent, "Chrome/([0-9]+)")) < 90', {"agent": "X"}, None),
        ("number(agent) == 60", {"agent": "60.00"}, True),
        ("number(agent) == 60", {"agent": "60.00 EUR"}, None),
        ("number(agent) in [1, 2]", {"agent": "2"}, True),
        ('date(ts) == "2026-10-01"', {}, True),
        ('date(ts, "America/New_York") == "2026-09-30"', {}, True),
        ('date(ts, zone) != ""', {"zone": "Mars"}, None),
        ('mentions matches "^an"', {"mentions": ["ben", "ann"]}, True),
        ('mentions matches "^an"', {"mentions": ["ben", 5, ["ann"]]}, False),
        ('mentions matches "^an"', {"mentions": "ann"}, None),
        ('url_domain matches "[.]ru$"', {"text": "http://a.example http://b.ru"}, True),
        ("ts - made < 1h", {"made": "2026-09-30T23:30:00Z"}, True),
        ("ts - made < 1h", {"made": "2026-09-30T23:30:00+02:00"}, False),
        ("ts - made < 1h", {"made": MIDNIGHT_MS - 3_599_999}, True),
        ("ts - made < 1h", {"made": "yesterday"}, None),
        ("ts - made < 1h", {"made": True}, None),
        ("ts - seen < 1h", {"seen": MIDNIGHT_MS / 1000 - 3_599}, True),
        ("ts - seen < 1h", {"seen": "2026-09-30 23:30"}, True),
        ("ts - event.made < 1h", {"made": "2026-09-30T23:30:00Z"}, True),
        ("made - ts > 18d", {"made": "2026-10-20"}, True),
        ('made < "2026-10-01"', {"made": "2026-09-30T23:30:00Z"}, True),
        ('made < "2026-10-01"', {"made": "2026-10-01"}, False),
        ('"2026-10-01" <= ts', {}, True),
        ("hour(made) == 23", {"made": "2026-09-30T23:30:00Z"}, True),
        ('"made" in invalid_fields', {"made": ["2026"]}, True),
        ('"made" in invalid_fields', {"made": "2026-09-30"}, False),
        ('from == "a" and class > 1 and event.import == "b"', {"from": "a", "class": 2, "import": "b"}, True),
        ('"vip" in event.groups', {"groups": ["vip"]}, True),
        ('"vip" in event.groups', {"groups": []}, False),
        ('"vip" in event.groups', {"groups": "a vip"}, True),
        ('"vip" in event.groups', {"groups": 5}, None),
        ("hour(ts) == 0", {}, True),
        ('hour(ts, "Europe/Berlin") == 2', {}, True),
        ("weekday(ts) == 4", {}, True),
        ("hour(ts, zone) < 6", {"zone": "Europe/Berlin"}, True),
        ("hour(ts, zone) < 6", {"zone": "Asia/Tokyo"}, False),
        ("hour(ts, zone) < 6", {"zone": "Mars"}, None),
        ("hour(ts, zone) < 6 or weekday(ts, zone) < 8", {"zone": "Mars"}, None),
        ("hour(ts, zone) + 1 < 6", {}, None),
        ("hour(event.sent) == 1", {"sent": MIDNIGHT_MS + 3_600_000}, True),
        ("hour(event.sent) == 1", {"sent": "soon"}, None),
        ("ts - age < event.since", {"age": 1, "since": MIDNIGHT_MS}, True),
        ("ts - event.since > 1h", {"since": MIDNIGHT_MS - 3_600_001}, True),
        ("event.n % 100 == 0", {"n": 300}, True),
        ("event.n % 100 == 0", {"n": 250.5}, False),
        ("event.n % event.m == 0", {"n": 3, "m": 0}, None),
        ('"a.example" in domains(text)', {"text": "see http://www.a.example/x"}, True),
        ("len(domains(mentions)) == 1", {"mentions": ["http://a.example", 5]}, True),
        ("mentions in lists.bots", {"mentions": ["ann", "curl"]}, True),
        ("mentions in lists.bots", {"mentions": [["curl"], {"a": 1}, None]}, False),
        ("mentions in lists.bots", {"mentions": "curl"}, None),
    ],
)  # fmt: skip
def test_a_function_answers(clause: str, fields: dict[str, object], expected: bool | None) -> None:
    assert truth(clause, **fields) is expected


@pytest.mark.parametrize(
    ("clause", "message", "hint"),
    [
        ("mailbx(email) == text", 'there is no function "mailbx"', 'did you mean "mailbox"?'),
        ("mailbox(email, text) == text", "mailbox() takes 1 argument, not 2", "write: mailbox(text)"),
        ("hour() > 1", "hour() takes 1 or 2 arguments, not 0", 'write: hour(time[, "Europe/Berlin"])'),
        ("mailbox(mentions) == text", "a text is needed here, this is a list",
         "`in`, `matches` and len() read lists, other functions a text"),
        ("hour(age) > 1", "a time is needed here, this is a duration", None),
        ('hour(ts, "Europe/Berln") > 1', 'there is no time zone "Europe/Berln"', 'did you mean "Europe/Berlin"?'),
        ("hour(ts, age) > 1", "a text is needed here, this is a duration", None),
        ("ts + ts > 1", "a time + a time has no meaning", None),
        ("ts > 5", "a time > a number: the two sides differ in type", None),
        ("ts > 5d", "a time > a duration: the two sides differ in type",
         "how long ago something was: ts - created < 1d"),
        ('ts > "now"', "a time > a text: the two sides differ in type",
         'a time is written as "2026-10-01" or "2026-10-01T09:30:00Z"'),
        ("ts - agent > 5d", "`-` needs numbers, this is a text", "declare it as a time: `fields: {created: time}`"),
        ('age < "7d"', "a duration < a text: the two sides differ in type", "write it without quotes: 7d"),
        ("agent == 5", "a text == a number: the two sides differ in type",
         'a text stands in quotes: "5"; the number that a text says is number(x)'),
        ('ip == "10.0.0.0/8"', "no address is equal to this",
         "networks stand in lists: `lists: {networks: {values: [10.0.0.0/8]}}`, and write: ip in lists.networks"),
        ('ip in "10.0.0.0/8"', "an address stands in a network of a list",
         "networks stand in lists: `lists: {networks: {values: [10.0.0.0/8]}}`, and write: ip in lists.networks"),
        ("agent in bots", "a list is named with its section: lists.bots", "write: in lists.bots"),
        ("agent in (US, DE)", "a list holds literals of one type", 'write: ["US", "DE"]'),
        ("agent == DE", 'unknown name "DE"', 'if it is a text, write it in quotes: "DE"'),
        ("email.domain in lists.bots", 'unknown name "email.domain"', "write: domain(email)"),
        ("agent.length > 5", 'unknown name "agent.length"', "write: len(agent)"),
        ("agent matches", "this expression ends too early", "something is missing behind its last word"),
        ("count(text) > 5", "count() takes 2 arguments, not 1",
         'write: count(text, "pattern"); events are counted under `counters:`'),
        ('extract(text, "(") == "a"', "this pattern is not valid (RE2): missing ): (", None),
        ("count(text, agent) > 1", "count() needs a pattern in quotes", 'for example: count(text, "https?://")'),
        ('count(text, "(") > 1', "this pattern is not valid (RE2): missing ): (", None),
        ('count(text, "a") > 250', "count() counts to 250", "use a smaller threshold"),
        ('share(text, "[A-Z]+") > 1', "share() needs the pattern of one character", r'for example "[A-Z]" or "\p{Lu}"'),
        ("contains_any(text, bots)", "contains_any() needs a declared list",
         "write: contains_any(text, lists.some_list), with `lists: {some_list: {values: [a, b]}}`"),
        ("contains_any(text, lists.botz)", 'unknown list "botz"', 'did you mean "bots"?'),
        ("contains_any(mentions, lists.bots)", "a text is needed here, this is a list",
         "`in`, `matches` and len() read lists, other functions a text"),
        ("len(age) > 1", "len() takes a text or a list, this is a duration", None),
        ("known(len(text))", "known() takes a name", "known(account_age)"),
        ("len(skeleton(5)) > 1", "a text is needed here, this is a number", "declare it as a text, if it is one"),
    ],
)  # fmt: skip
def test_a_wrong_call_is_told(clause: str, message: str, hint: str | None) -> None:
    assert [(error.message, error.hint) for error in errors(clause)] == [(message, hint)]


@pytest.mark.parametrize(
    "pattern", ["[A-Z]", r"\p{Lu}", r"\pL", "[^a-z]", r"[\]x]", "[]a]", "(?i)[a]", r"\d", "x", "[[:upper:]]"]
)
def test_a_pattern_of_one_character_is_one(pattern: str) -> None:
    assert _CLASS.fullmatch(pattern)
    assert all(match is None or len(match[0]) == 1 for match in [re2.search(f"(?:{pattern})", "A]xa9\n")])


@pytest.mark.parametrize("pattern", ["[A-Z]+", "ab", "[a]|[b]", "(a)", ".", "a*", "^", r"\b", r"\pLx", ""])
def test_others_are_not(pattern: str) -> None:
    assert not _CLASS.fullmatch(pattern)


def test_a_search_that_knows_no_answer_is_no_answer_in_a_list() -> None:
    assert truth("hour(ts, zone) in [0, 1]", zone="UTC") is True
    assert truth("hour(ts, zone) in [0, 1]", zone="") is None


def test_a_name_with_a_hyphen_is_told_to_be_declared() -> None:
    first, second = errors('event.accept-language == "de"')
    assert (first.span.column, first.message) == (27, "this is taken for one value less another")
    assert first.hint is not None and "from: accept-language" in first.hint
    assert second.message == 'unknown name "language"'
    assert errors("event.a-event.b > 3") == []


@pytest.mark.parametrize(
    ("clause", "told"),
    [
        ('lower(agent) == "Curl"', "lower() has no capitals: this is never equal"),
        ('lower(agent) matches "Curl"', "lower() has no capitals: this never matches"),
        ('agent == "curl*"', "`*` stands for itself here"),
        ('agent == "curl" and lower(agent) matches "(?i)Curl"', None),
    ],
)
def test_what_can_never_be_is_warned_of(clause: str, told: str | None) -> None:
    found = check_rulebook(rules(clause))[1].findings
    texts = [one.message for one in found if one.severity == "warning" and "acts" not in one.message]
    assert texts == ([told] if told is not None else [])
