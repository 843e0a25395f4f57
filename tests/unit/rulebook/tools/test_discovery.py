"""A rulebook for events that nobody has described."""

import pytest

from engine.rulebook.compiler import load_rulebook
from engine.rulebook.tools.discovery import discover, flattened


def test_what_events_hold_becomes_what_the_model_reads() -> None:
    documents = [
        {"event_id": "1", "ts": 5, "user_id": "A B C D", "target_id": "t", "text": "one two three four", "age": 7,
         "score": 0.5, "agent": {"os": "x", "bot": True}, "urls": ["a", "b"], "empty": None},
    ]  # fmt: skip
    flat = [flattened(document) for document in documents]
    assert flat[0]["agent_os"] == "x"
    assert flat[0]["agent_bot"] == "True"
    assert flat[0]["age_as_name"] == "7"
    spec = load_rulebook({"found.yaml": discover(flat)}).models["spam"]
    assert spec.texts == ("event.text",)
    assert set(spec.categories) == {
        "event.user_id", "event.target_id", "event.agent_os", "event.agent_bot", "event.urls", "event.age_as_name",
    }  # fmt: skip
    assert {"event.age", "event.score", "user_1h", "target_1d"} <= set(spec.numbers)
    assert not any(name.startswith("ip_") for name in spec.numbers)


def test_a_text_has_three_blanks_and_a_name_less() -> None:
    documents = [{"three": "a b c d", "two": "a b c", "user_id": "a b c d"}]
    spec = load_rulebook({"found.yaml": discover(documents)}).models["spam"]
    assert spec.texts == ("event.three",)
    assert spec.categories == ("event.two", "event.user_id")


@pytest.mark.parametrize(("value", "is_name"), [(999_999_999, True), (-999_999_999, True), (1_000_000_000, False)])
def test_a_number_of_up_to_nine_digits_may_be_a_name(value: int, is_name: bool) -> None:
    assert ("n_as_name" in flattened({"n": value})) is is_name
    spec = load_rulebook({"found.yaml": discover([{"n": value}])}).models["spam"]
    assert "event.n" in spec.numbers
    assert ("event.n_as_name" in spec.categories) is is_name


def test_what_is_a_number_in_one_event_and_a_word_in_another_is_no_number() -> None:
    spec = load_rulebook({"found.yaml": discover([{"n": 5, "m": 5}, {"n": "x", "m": 0.5}])}).models["spam"]
    assert "event.n" not in spec.numbers
    assert "event.m" in spec.numbers
    assert "event.n" in spec.categories


def test_what_has_no_name_that_a_rule_can_write_is_left_out() -> None:
    made = discover([{"a-b": "x", "c_d": "x", "event_id": "x", "ts": 5, "none": None}])
    assert "event.c_d" in made
    for name in ("a-b", "event_id", "event.ts", "none"):
        assert name not in made


def test_a_quoted_answer_speaks_for_ham_and_an_offer_for_spam() -> None:
    spec = load_rulebook({"found.yaml": discover([{"text": "one two three four"}])}).models["spam"]
    hints = dict(zip(spec.numbers[-len(spec.hints) :], spec.hints, strict=True))
    assert hints["answers_somebody"] < 0 < hints["offers"]
    assert load_rulebook({"found.yaml": discover([{"word": "one"}])}).models["spam"].hints == ()


def test_times_and_ids_are_no_names() -> None:
    assert flattened({"ts": 5, "event_id": 6, "n": 7}) == {"ts": 5, "event_id": 6, "n": 7, "n_as_name": "7"}
