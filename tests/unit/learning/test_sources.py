"""Which examples have been learned already: in order, and where they come in another order."""

from engine.learning.sources import (
    MOST_WINDOWS,
    WINDOW,
    LearnedSources,
    Position,
    is_source,
    source_of_outcomes,
    source_of_presumed,
)

LABELS, HOPS, EVENTS = 0, source_of_outcomes(1, 0), source_of_outcomes(0, 0)


def taken(sources: LearnedSources, *places: Position) -> list[int]:
    return [offset for source, offset in places if sources.take((source, offset))]


def test_labels_come_in_order() -> None:
    assert taken(LearnedSources(), *((LABELS, at) for at in (3, 3, 5, 4, 6))) == [3, 5, 6]


def test_outcomes_come_in_any_order_and_count_once() -> None:
    sources = LearnedSources()
    assert taken(sources, *((HOPS, at) for at in (28, 24, 28, 24, 31, 5, 5))) == [28, 24, 31, 5]
    assert taken(sources, (EVENTS, 24)) == [24]


def test_what_is_too_long_ago_to_be_known_is_taken_for_learned() -> None:
    sources = LearnedSources()
    assert taken(sources, *((HOPS, at) for at in (WINDOW, 1, 0, 5 * WINDOW, 4 * WINDOW + 1, 4 * WINDOW))) == [
        WINDOW, 1, 5 * WINDOW, 4 * WINDOW + 1,
    ]  # fmt: skip


def test_an_answer_that_waited_counts_once_at_whichever_place_it_comes() -> None:
    sources = LearnedSources()
    assert sources.take((HOPS, 24))
    assert not sources.take((EVENTS, 5), answered=(HOPS, 24))
    assert sources.take((EVENTS, 6), answered=(HOPS, 25))
    assert not sources.take((HOPS, 25))
    assert sources.take((EVENTS, 7), answered=(HOPS, 3))
    assert not sources.take((HOPS, 3))


def test_a_snapshot_has_all_of_it_and_one_of_before_knows_the_newest_alone() -> None:
    sources = LearnedSources()
    taken(sources, (HOPS, 9), (HOPS, 5_000), (LABELS, 7))
    copy = LearnedSources.load(sources.newest, sources.dump())
    assert copy == sources
    assert taken(copy, (HOPS, 9), (HOPS, 10), (LABELS, 6)) == [10]
    assert taken(LearnedSources.load({HOPS: 50}, {}), (HOPS, 49), (HOPS, 51), (HOPS, 48)) == [51]


def test_windows_are_bounded() -> None:
    sources = LearnedSources()
    for partition in range(MOST_WINDOWS + 5):
        assert sources.take((source_of_outcomes(1, partition), 100))
    assert len(sources.recent) == MOST_WINDOWS
    assert taken(sources, (HOPS, 99), (source_of_outcomes(1, 200), 99)) == [99]
    sources.take((HOPS, 100 + WINDOW))
    assert max(len(dumped) for dumped in sources.dump().values()) <= WINDOW // 8


def test_sources_are_told_apart() -> None:
    sources = {
        made(topic, at) for made in (source_of_presumed, source_of_outcomes) for topic in (0, 1) for at in (0, 7)
    }
    assert len(sources) == 8
    assert all(is_source(number, 8) for number in (0, 7, *sources))
    assert not any(is_source(number, 7) for number in (7, source_of_presumed(0, 7), source_of_outcomes(1, 7)))
