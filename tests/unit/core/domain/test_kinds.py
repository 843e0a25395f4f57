"""Names of kinds: the steps of one, and whose record they are about."""

import pytest

from engine.core.domain.kinds import described, in_order, is_pair, is_reading, parts_of, reading_kind, stored_kind


@pytest.mark.parametrize(
    ("kind", "stored", "parts", "said"),
    [
        ("url_domain", "url_domain", ["url_domain"], "url_domain"),
        ("target_id+user_id", "target_id+user_id", ["target_id", "user_id"], "target_id+user_id"),
        ("~target_id+user_id", "~target_id+user_id", ["target_id", "user_id"], "~target_id+user_id"),
        ("pair:target_id+user_id", "pair:target_id+user_id", ["target_id", "user_id"], "pair:target_id+user_id"),
        ("target_id|user_id", "target_id", ["user_id"], "target_id, read by user_id"),
        ("a+b|c+d", "a+b", ["c", "d"], "a+b, read by c+d"),
    ],
)
def test_a_kind_tells_its_record_and_what_names_it(kind: str, stored: str, parts: list[str], said: str) -> None:
    assert (stored_kind(kind), parts_of(kind), described(kind)) == (stored, parts, said)
    assert is_reading(kind) is ("|" in kind)
    assert is_pair(kind) is kind.startswith("pair:")


def test_what_is_read_where_it_is_counted_is_no_step_of_its_own() -> None:
    assert reading_kind("target_id", None) == "target_id"
    assert reading_kind("target_id", "user_id") == "target_id|user_id"


def test_a_record_is_read_right_after_it_is_counted_at_and_rests_come_last() -> None:
    kinds = ["~a", "b", "a|c", "a_long", "a+b|b+a", "a|b", "a", "a+b"]
    assert in_order(kinds) == ["a", "a|b", "a|c", "a+b", "a+b|b+a", "a_long", "b", "~a"]
