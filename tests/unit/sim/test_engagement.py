"""A simulated feed: the truth beside what the stream tells."""

from engine.sim.engagement import DAY_MS, TOPICS, answers, simulate_feed

START_MS = 1_760_000_000_000


def test_the_same_seed_gives_the_same_days_and_the_truth_is_not_in_the_events() -> None:
    feed = simulate_feed(1, 30, START_MS)
    assert feed == simulate_feed(1, 30, START_MS)
    assert feed != simulate_feed(2, 30, START_MS)
    assert {event["type"] for event in feed.events} == {
        "impression", "session_start", "hide_post", "report", "survey_answer",
    }  # fmt: skip
    assert not any("satisfied" in str(event) for event in feed.events)
    assert [event["ts"] for event in feed.events] == sorted(int(str(event["ts"])) for event in feed.events)


def test_the_stream_tells_what_is_true_of_those_who_say_so() -> None:
    feed = simulate_feed(1, 200, START_MS)
    said = {str(event["event_id"])[:-2]: event for event in feed.events if event["type"] == "survey_answer"}
    assert all((int(str(event["stars"])) >= 4) is feed.satisfied[key] for key, event in said.items())
    hidden = {str(event["event_id"])[:-2] for event in feed.events if event["type"] in ("hide_post", "report")}
    assert hidden == {key for key, is_hidden in feed.hidden.items() if is_hidden}
    sessions: dict[str, list[int]] = {}
    for event in feed.events:
        if event["type"] == "session_start":
            sessions.setdefault(str(event["user_id"]), []).append(int(str(event["ts"])))
    for key, came_back in feed.returned.items():
        own = sessions[key.rpartition("-")[0]]
        begun = next(int(str(event["ts"])) for event in feed.events if event["event_id"] == key)
        assert came_back is any(DAY_MS < ts - begun <= 2 * DAY_MS for ts in own)


def test_who_answers_is_not_everybody() -> None:
    feed = simulate_feed(1, 400, START_MS)
    truth = sum(feed.satisfied.values()) / len(feed.satisfied)
    stars = [int(str(event["stars"])) for event in feed.events if event["type"] == "survey_answer"]
    assert sum(each >= 4 for each in stars) / len(stars) > 1.2 * truth
    assert answers(1.0) > 9.9 * answers(0.0)
    assert {event["topic"] for event in feed.events if "topic" in event} == set(TOPICS)
