"""Each signer's messages count in the order of their numbers, and nobody shuts another one out."""

from engine.stream.kafka.newest import Newest


def test_numbers_are_of_one_signer_and_one_group() -> None:
    newest = Newest()
    assert newest.note("g", "ann", 900, 0)
    assert newest.note("g", "ben", 5, 1)
    assert newest.note("h", "ann", 5, 2)
    assert not newest.note("g", "ann", 900, 3)
    assert not newest.note("g", "ann", 899, 4)
    assert newest.note("g", "ann", 901, 5)
    assert not newest.note("g", "cid", 0, 6)


def test_what_stands_behind_the_one_in_use_is_not_kept_with_it() -> None:
    newest = Newest()
    for offset, (signer, number) in enumerate([("ann", 10), ("ben", 5), ("ann", 20), ("cid", 1)]):
        assert newest.note("g", signer, number, offset)
    assert newest.use("g", 1) == {"ann": 10, "ben": 5}  # the others were refused, and may be read anew by a new worker
    assert not newest.note("g", "ann", 15, 4)
    assert newest.use("g", 5) == {"ann": 20, "ben": 5, "cid": 1}
    assert newest.use("other", 5) == {}


def test_what_was_kept_is_known() -> None:
    newest = Newest()
    newest.remember("g", {"ann": 10}, 7)
    assert not newest.note("g", "ann", 10, 8)
    assert newest.note("g", "ann", 11, 9)
    assert newest.use("g", 9) == {"ann": 11}
    assert [newest.is_overtaken("g", "ben", offset) for offset in (6, 7, 8)] == [True, True, False]
    assert not newest.is_overtaken("g", "ann", 6)
    assert not newest.is_overtaken("other", "ben", 0)


def test_what_is_never_used_does_not_pile_up() -> None:
    newest = Newest()
    for number in range(1, 3_001):
        assert newest.note("g", "ann", number, number)
    assert newest.use("g", 0) == {"ann": 2_000}
