"""Each counter keeps as much as the largest threshold on it needs, wherever that stands."""

import pytest

from engine.core.domain.rules import DEFAULT_CAP, MAX_CAP
from engine.rulebook.compiler import load_rulebook


def cap(clause: str, more: str = "") -> int:
    text = f"""version: 1
fields: {{foreign: bool, country: text}}
params: {{most: {{default: 3, by: country, values: {{DE: 300}}}}, few: 200}}
counters:
  posts: {{count: post, by: user_id, over: 30d}}
  likes: {{count: like, by: user_id, over: 30d}}
derived:
  busy: posts > 150
  twice: posts * 2
scores:
  risk: {{busy: 10, 'posts > 250': 20, foreign: 5}}
{more}
rules:
  r: {{event: post, when: ['{clause}'], then: {{flag: x}}, mode: shadow}}
"""
    return load_rulebook({"rules.yaml": text}).counters["posts"].cap


@pytest.mark.parametrize(
    ("clause", "entries"),
    [
        ("risk > 15", 251),
        ("risk / 2 > 5", 251),
        ("posts > params.most", 301),
        ("posts > params.few", 251),
        ("posts > 400", 401),
        ("posts > likes", MAX_CAP),
        ("twice > 5", MAX_CAP),
        ("posts + 0 > params.few", MAX_CAP),
    ],
)
def test_a_counter_keeps_what_is_asked_of_it(clause: str, entries: int) -> None:
    assert cap(clause) == max(DEFAULT_CAP, entries)
