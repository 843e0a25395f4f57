"""Live lists hold what they are told to, what the rulebook says, and pseudonyms of both."""

from engine.core.lists import LiveList


def test_fixed_entries_stay() -> None:
    words = LiveList(["a"])
    words.put("b")
    words.drop("a")
    assert words == {"a", "b"}
    words.drop("b")
    assert words == {"a"}
    words.replace(["c"])
    assert words == {"a", "c"}


def test_events_have_pseudonyms_where_people_write_ids() -> None:
    users = LiveList(["ann"], str.upper)
    users.put("ben")
    assert {"ann", "ANN", "ben", "BEN"} == users
    users.drop("ben")
    assert users == {"ann", "ANN"}
    users.put("ANN")  # as decisions have her
    users.drop("ANN")
    assert users == {"ann", "ANN"}
