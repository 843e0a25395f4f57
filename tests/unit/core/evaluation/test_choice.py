"""Which of many keys are counted: the same ones in any order, and not to be told without the secret."""

from hypothesis import given
from hypothesis import strategies as st

from engine.core.evaluation.choice import MOST, MOST_LINKED, chosen, most_of
from engine.core.kernel import set_hash_key

_KEYS = st.lists(st.text(max_size=5), max_size=40)


@given(_KEYS)
def test_the_order_does_not_matter(keys: list[str]) -> None:
    assert set(chosen(keys)) == set(chosen(sorted(keys)))


@given(_KEYS)
def test_few_are_all_kept_in_their_order(keys: list[str]) -> None:
    different = list(dict.fromkeys(keys))
    found = list(chosen(keys))
    assert found == [key for key in different if key in found]
    assert len(found) == min(len(different), MOST)


@given(_KEYS, st.text(max_size=5))
def test_more_keys_only_push_out_what_ranks_behind_them(keys: list[str], more: str) -> None:
    before, after = set(chosen(keys)), set(chosen([*keys, more]))
    assert after - before <= {more}
    assert len(before - after) <= 1


def test_decoys_hide_a_link_no_more_often_than_their_number_does() -> None:
    decoys = [[f"decoy{crowd}x{index}.com" for index in range(15)] for crowd in range(400)]
    kept = sum(f"evil{at}.com" in chosen([*some, f"evil{at}.com"]) for at, some in enumerate(decoys))
    assert 150 < kept < 250  # 8 of 16


def test_fifteen_decoys_hide_no_link() -> None:
    assert [most_of(kind) for kind in ("url_domain", "ip_prefix+url_domain")] == [MOST_LINKED] * 2
    assert most_of("text") == MOST
    domains = [f"decoy{index}.com" for index in range(15)]
    assert "evil.com" in chosen([*domains, "evil.com"], most_of("url_domain"))


def test_a_secret_makes_another_choice() -> None:
    keys = [f"{index}.com" for index in range(40)]
    before = chosen(keys)
    set_hash_key("a secret")
    try:
        assert set(chosen(keys)) != set(before)
    finally:
        set_hash_key("")
