"""What entities remember, from the rulebook to the answer."""

import pytest

from engine.rulebook.compiler import check_rulebook

HEAD = """
version: 1
fields: {country: text, proxy: bool, amount: {type: number, written_as: text}, wait: {type: duration, unit: s}}
values:
  last_country: {last: country, of: login, by: user_id, keep: 90d}
  last_amount:  {last: amount, of: any, by: user_id, keep: 90d}
  last_wait:    {last: wait, of: any, by: user_id, keep: 90d}
  last_ip:      {last: ip, of: any, by: user_id, keep: 90d}
  idle:         {age: last, of: any, by: user_id, keep: 90d}
  proxied:      {new: login, by: user_id, keep: 90d, where: proxy}
  device_new:   {new: login, by: [user_id, device_id], keep: 90d}
  device_user:  {last: user_id, of: login, by: device_id, keep: 90d}
  device_age:   {age: first, of: login, by: device_id, keep: 90d}
counters:
  moves:        {count: login, by: user_id, over: 30d, where: country != last_country}
  on_device:    {count: login, by: device_id, over: 30d}
derived:
  hours_idle:   idle / 1h
models:
  m:            {numbers: [idle, device_age], learn: false}
"""


def errors(clause: str, steps: str, fires: str, event: str = "any", more: str = "") -> list[str]:
    rule = f"rules:\n  r:\n    event: {event}\n    when: ['{clause}']\n    then: {{flag: x}}\n    mode: shadow\n{more}"
    tests = f"    tests:\n      - {{steps: [{steps}], fires_at: [{fires}], score: {{m: 0.9}}}}\n"
    _, found = check_rulebook({"rules.yaml": f"{HEAD}{rule}{tests}"})
    return [str(one) for one in found.errors]


def login(**fields: object) -> str:
    said = "".join(f", {name}: {value}" for name, value in fields.items())
    return f"{{send: {{type: login{said}}}, every: 1h}}"


@pytest.mark.parametrize(
    ("clause", "steps", "fires"),
    [
        ("country != last_country", [login(country="DE"), login(country="DE"), login(country="FR")], "3"),
        ("last_country == \"DE\"", [login(country="DE"), "{send: {type: pay}}", login(country="FR")], "2, 3"),
        ("last_country == \"DE\"", [login(country="DE"), login(), login(country="''"), login()], "2, 3"),
        ("last_amount == 60", [login(amount='"60.00"'), login()], "2"),
        ("last_wait == 5s", [login(wait=5), login()], "2"),
        ("ip == last_ip", [login(ip='"2001:db8::1"'), login(ip='"2001:DB8:0::1"')], "2"),
        ("idle >= 1h", [login(), login(), "{send: {type: pay}, every: 2m}"], "2"),
        ("hours_idle == 1", [login(), login()], "2"),
        ("proxied", [login(proxy="false"), login(proxy="true"), login(proxy="true")], "1, 2"),
        ("proxied", [login(), login(proxy="true"), login()], "1"),
        ("device_new", [login(device_id="d1"), login(device_id="d1"), login(device_id="d2")], "1, 3"),
        ("device_user != user_id", [login(device_id="d", user_id="a"), login(device_id="d", user_id="b")], "2"),
        ("device_age >= 1h", [login(device_id="d"), "{send: {type: pay, device_id: d}, every: 1h}"], "2"),
        ("device_age >= 1h and on_device >= 2", [login(device_id="d")] * 3, "2, 3"),
        ("device_new and idle >= 1h", [login(device_id="'d{n}'")] * 2, "2"),
        ("moves >= 1", [login(country="A"), login(country="A"), login(country="B"), login(country="B")], "3, 4"),
        ("known(last_country) and score.m > 0.5", [login(country="A"), login()], "2"),
    ],
)  # fmt: skip
def test_answers_are_about_what_was_before(clause: str, steps: list[str], fires: str) -> None:
    assert errors(clause, ", ".join(steps), fires) == []


def test_a_rule_may_rest_at_an_entity_that_remembers() -> None:
    more = "    cooldown: {per: device_id, for: 90m}\n"
    assert errors("device_age >= 1h", ", ".join([login(device_id="d")] * 4), "2, 4", more=more) == []


def test_an_allow_rule_beside_it_takes_the_users_answers_along() -> None:
    """A rule that is decided after the event's entities reads what the user remembered before."""
    rules = (
        "rules:\n  r: {event: any, when: [country != last_country], then: {flag: x}, mode: shadow, tests: [{steps: ["
        + ", ".join([login(country="A", device_id="d"), login(country="B", device_id="d")])
        + "], fires_at: [2]}]}\n  a: {event: any, when: [device_age > 50h], then: allow}\n"
    )
    _, found = check_rulebook({"rules.yaml": HEAD + rules})
    assert found.errors == []
