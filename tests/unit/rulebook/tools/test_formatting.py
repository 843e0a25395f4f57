"""Files are laid out in one way, and say what they said."""

from pathlib import Path

import pytest

from engine.errors import RulebookError
from engine.rulebook.tools.formatting import formatted

ROOT = Path(__file__).parents[4]
FILES = sorted([*(ROOT / "rules").glob("*.yaml"), *(ROOT / "tests" / "rulebooks").rglob("*.yaml")])

MESSY = """# what this is
version: 1
counters:
    a:   {count: post, by: user_id, over: 1m}
    longer: {count: post, by: user_id, over: 1m,
        where: links > 0}
    # about b
    b: {count: post, by: user_id, over: 1m}



    far_away:
      count: post
      by: user_id
      over: 1m
rules:
  one:
    then: {flag: x}
    # when it floods
    when:
      - a > 1   # more than one

    event: post
  # the second
  two: {event: post, when: [a > 2], then: {flag: x}}
  three: {event: post, when: [a > 3], then: {flag: x}}
"""

NEAT = """# what this is
version: 1

counters:
    a:      {count: post, by: user_id, over: 1m}
    longer: {count: post, by: user_id, over: 1m,
        where: links > 0}
    # about b
    b: {count: post, by: user_id, over: 1m}

    far_away:
      count: post
      by: user_id
      over: 1m

rules:
  one:
    event: post
    # when it floods
    when:
      - a > 1   # more than one
    then: {flag: x}

  # the second
  two: {event: post, when: [a > 2], then: {flag: x}}

  three: {event: post, when: [a > 3], then: {flag: x}}
"""


def test_a_messy_file_is_laid_out() -> None:
    assert formatted("rules.yaml", MESSY.replace("0}\n", "0}   \n")) == NEAT
    assert formatted("rules.yaml", NEAT) == NEAT


@pytest.mark.parametrize("file", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_our_own_files_are_laid_out(file: Path) -> None:
    text = file.read_text("utf-8")
    assert formatted(file.name, text) == text


def test_values_stand_under_one_another() -> None:
    text = "version: 1\nvalues:\n  box: mailbox(email)\n  local_hour: hour(ts)\n"
    assert formatted("rules.yaml", text).endswith("  box:        mailbox(email)\n  local_hour: hour(ts)\n")


def test_what_is_not_yaml_is_told() -> None:
    with pytest.raises(RulebookError, match="not valid YAML"):
        formatted("rules.yaml", "rules: {")


def test_a_text_over_several_lines_is_left_alone() -> None:
    text = "version: 1\nrules:\n  r:\n    event: post\n    meta:\n      why: |\n        one\n\n\n        two\n"
    assert "one\n\n\n        two" in formatted("rules.yaml", text)


def test_headings_between_rules_stay_between_them() -> None:
    text = """version: 1

rules:
  one:
    event: post
    then: {flag: x}
    when: [a > 1]

  # ======== Payments ========

  two:
    event: post
    when: [a > 2]
    then: {flag: x}
  # three:
  #   event: post
"""
    made = formatted("rules.yaml", text)
    assert "    when: [a > 1]\n    then: {flag: x}\n\n  # ======== Payments ========\n" in made
    assert made.endswith("    then: {flag: x}\n  # three:\n  #   event: post\n")
    assert formatted("rules.yaml", made) == made


def test_continued_lines_stay_further_in_than_names() -> None:
    text = "version: 1\n\ncounters:\n  a:                    {count: post, by: user_id,\n        over: 1m}\n"
    text += "  b: {count: x, by: user_id, over: 1m}\n"
    made = formatted("rules.yaml", text)
    assert "\n    over: 1m}" in made
    assert formatted("rules.yaml", made) == made


def test_a_file_of_comments_stays_as_it_is() -> None:
    assert formatted("rules.yaml", "# nothing yet\n") == "# nothing yet\n"


def test_a_text_that_would_change_is_left_alone() -> None:
    text = "version: 1\n\nderived:\n  a: |2\n    one\n  longer_name: b\n"
    with pytest.raises(RulebookError, match="without changing what it says"):
        formatted("rules.yaml", text)
    assert "  a:           |\n" in formatted("rules.yaml", text.replace("|2", "|"))


def test_a_rule_in_braces_below_its_name_stays_as_it_is() -> None:
    text = "version: 1\n\nrules:\n  one:\n    {then: {flag: x},\n    event: post,\n    when: [a > 1]}\n"
    assert formatted("rules.yaml", text) == text


def test_comments_above_the_first_key_belong_to_it() -> None:
    text = "# about these\n\nfields:\n  a: number\n"
    assert formatted("rules.yaml", text) == "# about these\nfields:\n  a: number\n"
    inside = "rules:\n  # about one\n  one:\n    event: post\n    when: [a > 1]\n    then: {flag: x}\n"
    assert formatted("rules.yaml", inside) == inside


def test_an_empty_line_above_the_first_entry_changes_nothing_below() -> None:
    text = "counters:\n\n  a: {count: post, by: user_id, over: 1m}\n  bbb: {count: post, by: ip, over: 1m}\n"
    made = formatted("rules.yaml", text)
    assert made.endswith("  a:   {count: post, by: user_id, over: 1m}\n  bbb: {count: post, by: ip, over: 1m}\n")


@pytest.mark.parametrize("above", ["# all of them\n", "      # further in\n"])
def test_rules_stand_apart_whatever_stands_above_them(above: str) -> None:
    one, two = (f"  {name}: {{event: post, when: [a > 1], then: {{flag: x}}}}\n" for name in ("one", "two"))
    assert formatted("rules.yaml", f"rules:\n{above}{one}{two}") == f"rules:\n{above}{one}\n{two}"
