"""A labelled stream for tests of seeds: many people write advertisements, and as many write about their day."""

import random
from pathlib import Path

import orjson

from engine.learning.seed_making import Lesson, Stream
from engine.sim.text import TOPICS, reply_text, spam_text
from tests.events import START_MS

HIDDEN = "the password of nobody else is hunter2"
"""What one person alone has written, often."""
SAID = ("--source", "made-up posts", "--licence", "Apache-2.0")


def lessons(count: int = 400) -> list[Lesson]:
    """Spam and ham in turn, by fifty people each."""
    draws, made = random.Random(5), list[Lesson]()
    for at in range(count):
        text = spam_text(draws) if at % 2 else reply_text(draws, draws.choice(TOPICS))
        made.append(Lesson(f"{at % 2} {draws.randrange(50)}", (text,), bool(at % 2), at))
    return [*made, *(Lesson("alone", (HIDDEN,), True, count + at) for at in range(40))]


def stream(count: int = 400) -> Stream:
    """The same as a stream."""
    return Stream("made-up posts", "Apache-2.0", lessons(count))


def record(folder: Path) -> tuple[str, ...]:
    """The same as files of events and labels, with an event that has no text, and the options that name them."""
    with (folder / "events.jsonl").open("wb") as events, (folder / "labels.jsonl").open("wb") as labels:
        for at, lesson in enumerate(lessons()):
            named = {"event_id": f"e{at}", "user_id": lesson.author, "ts": START_MS + 1_000 * at}
            events.write(orjson.dumps({**named, "type": "post", "text": lesson.texts[0], "title": None}) + b"\n")
            moderator = "eve" if lesson.author == "alone" else "ann"
            label = {**named, "label": "spam" if lesson.spam else "ham", "moderator": moderator}
            labels.write(orjson.dumps(label) + b"\n")
        events.write(b"no JSON\n" + orjson.dumps({"event_id": "e9999", "user_id": "u", "type": "post", "ts": START_MS}))
    return ("--events", str(folder / "events.jsonl"), "--labels", str(folder / "labels.jsonl"))
