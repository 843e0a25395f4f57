"""Lies: what the attackers of the simulated day can write into their events, which they write themselves.

A lie changes the events of attackers and nobody else's, and never the time at which an event comes: that is what its
`arrived` says. Accounts keep their names, by which it is told in the end who was acted on; ids of events are lies too.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from random import Random
from string import ascii_lowercase
from typing import Any

from engine.keys.text import text_keys
from engine.keys.urls import url_domains
from engine.sim import false_times
from engine.sim.attacks import Event
from engine.sim.people import HOUR_MS
from engine.sim.verdict import judge
from engine.sim.world import SimulatedEvent

Tell = Callable[[Random, Event, int], Event]
"""What an account sends instead of an event, which is its n-th, from 0."""

LONG_FIELD = "x" * 70_000
PADDING = 20_000
IDS = 66
"""More than the engine remembers of one user."""

MADE_UP = 32
"""So many events full of made-up keys each account sends before the day begins."""

SPARE_KEYS = 1.5
"""There is room for so many times the keys that the honest day has. On a real platform both numbers are larger."""

_DAY_MS = 24 * HOUR_MS
_TRIES = 100
_INVISIBLE = "\u200b\u200d\u2060\ufeff\u00ad\u3164\u2800"
"""Zero width, soft hyphen, and two letters that show nothing."""


@dataclass(frozen=True, slots=True)
class Lie:
    """One way to lie. `title`: a few words for the head of a column; `concerns`: the events that it can be told about;
    `before`: what an account sends in the hour before the day begins, made from its first event, MADE_UP times;
    `beyond`: by attack, why nobody can tell this lie from an honest event."""

    name: str
    title: str
    says: str
    tell: Tell
    concerns: Callable[[Event], bool] = lambda _: True
    before: Tell | None = None
    beyond: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LyingDay:
    """What became of a day: the recall of each attack, or None where the lie cannot be told; and how many innocents
    were acted on, of how many."""

    recalls: Mapping[str, float | None]
    innocent: int
    people: int


def tell_lie(day: list[SimulatedEvent], lie: Lie, seed: int = 1) -> Iterator[SimulatedEvent]:
    """The day in which all attackers tell this lie, in order of arrival. What is delivered twice is the same twice."""
    yield from _before(day, lie, seed)
    turns: dict[str, dict[str, int]] = {}
    for simulated in day:
        if simulated.attack is None or not lie.concerns(simulated.event):
            yield simulated
            continue
        mine, event_id = turns.setdefault(str(simulated.event["user_id"]), {}), str(simulated.event["event_id"])
        turn = mine.setdefault(event_id, len(mine))
        event = lie.tell(Random(f"{lie.name} {seed} {event_id}"), simulated.event, turn)
        yield replace(simulated, event=event | {"arrived": simulated.event["ts"]})


def outcome(day: list[SimulatedEvent], actions: Iterable[Mapping[str, Any]], lie: Lie | None = None) -> LyingDay:
    """What became of a day, by the accounts in the actions. Of several actions with one id, those who carry them out
    see the first."""
    results, innocent = judge(day, {action["action_id"]: action for action in reversed([*actions])}.values())
    concerned = {
        simulated.attack
        for simulated in day
        if simulated.attack is not None and (lie is None or lie.concerns(simulated.event))
    }
    people = {simulated.event["user_id"] for simulated in day if simulated.attack is None}
    recalls = {result.name: result.recall if result.name in concerned else None for result in results}
    return LyingDay(recalls, len(innocent), len(people))


def _before(day: list[SimulatedEvent], lie: Lie, seed: int) -> Iterator[SimulatedEvent]:
    """The accounts take turns, so that none of them is fast."""
    if lie.before is None:
        return
    start = min(false_times.time_of(simulated.event) for simulated in day)
    first: dict[str, SimulatedEvent] = {}
    for simulated in day:
        if simulated.attack is not None:
            first.setdefault(str(simulated.event["user_id"]), simulated)
    for turn in range(MADE_UP):
        for at, (user_id, simulated) in enumerate(first.items()):
            arrived = start - HOUR_MS + (turn * len(first) + at) * HOUR_MS // (MADE_UP * len(first))
            rng = Random(f"{lie.name} {seed} {user_id} {turn}")
            made = lie.before(rng, simulated.event | {"ts": arrived}, turn)
            yield SimulatedEvent(made | {"arrived": arrived}, simulated.attack)


def _honest(_: Random, event: Event, __: int) -> Event:
    return event


def _one_id(_: Random, event: Event, __: int) -> Event:
    return event | {"event_id": f"{event['user_id']}-always"}


def _ids_in_turn(_: Random, event: Event, turn: int) -> Event:
    return event | {"event_id": f"in-turn-{turn % IDS}"}


def _bad_field(_: Random, event: Event, __: int) -> Event:
    return event | {"device_id": [5]}


def _long_field(_: Random, event: Event, __: int) -> Event:
    return event | {"note": LONG_FIELD}


def _padding(rng: Random, event: Event, _: int) -> Event:
    padding = rng.choice((" ", *_INVISIBLE)) * PADDING
    return event | {"text": f"{padding}{event['text']}", "urls": [padding + url for url in _urls(event)]}


def _decoys(rng: Random, event: Event, _: int) -> Event:
    links = [f"https://{_word(rng)}.example/" for _ in range(rng.randrange(4, 7))]
    changed: Event = {"text": " ".join([*links, str(event["text"])])}
    return event | changed | ({"urls": [*links, *_urls(event)]} if _urls(event) else {})


def _crafted(rng: Random, event: Event, _: int) -> Event:
    text = str(event["text"])
    for place in range(2):
        text = _with_word(rng, text, place)
    return event | {"text": text}


def _with_word(rng: Random, text: str, place: int) -> str:
    """A text with one more word, chosen so that the key in this place is one that no other copy has. Keys are computed
    as whoever reads our source can compute them."""
    before, made = text_keys(text), text
    for _ in range(_TRIES):
        words = text.split(" ")
        words.insert(rng.randrange(len(words) + 1), _word(rng))
        made = " ".join(words)
        after = text_keys(made)
        if not before or (after[place] < before[place] and after[:place] <= before[:place]):
            return made
    return made


def _split_domains(rng: Random, event: Event, _: int) -> Event:
    text, urls, hide = str(event["text"]), _urls(event), rng.choice((_apart, _in_brackets, _with_invisible))
    for domain in url_domains(event):
        hidden = hide(domain)
        text, urls = text.replace(domain, hidden), [url.replace(domain, hidden) for url in urls]
    return event | {"text": text, "urls": urls}


def _apart(domain: str) -> str:
    return domain.replace(".", " . ").upper()


def _in_brackets(domain: str) -> str:
    return domain.replace(".", "[.]")


def _with_invisible(domain: str) -> str:
    return f"{domain[0]}{_INVISIBLE[0]}{domain[1:]}"


def _made_up_keys(rng: Random, event: Event, turn: int) -> Event:
    """Every other one is old, by years. Likes stand for what costs money."""
    made: Event = {
        "type": "like" if "amount" in event else event["type"],
        "event_id": f"{event['user_id']}-made-up-{turn}",
        "ts": false_times.time_of(event) - (turn % 2) * rng.randrange(2, 4_000) * _DAY_MS,
        "ip": ".".join(str(rng.randrange(1, 224)) for _ in range(4)),
        "device_id": _word(rng),
    }
    made |= {name: _word(rng) for name in ("target_id", "publisher") if name in event}
    if "text" in event:
        made |= {"text": f"{' '.join(_word(rng) for _ in range(4))} https://{_word(rng)}.example/", "urls": []}
    return event | made


def _has_text(event: Event) -> bool:
    return "text" in event


def _has_link(event: Event) -> bool:
    return "text" in event and bool(url_domains(event))


def _word(rng: Random) -> str:
    return "".join(rng.choices(ascii_lowercase, k=8))


def _urls(event: Event) -> list[str]:
    urls = event["urls"]
    assert isinstance(urls, list)
    return urls


LIES = (
    Lie(
        name="time_ahead",
        title="time ahead",
        says="the first event of each account is stamped 2 to 23 hours ahead",
        tell=false_times.ahead,
    ),
    Lie(
        name="time_back",
        title="time back",
        says="each event is stamped an hour to nine days back",
        tell=false_times.back,
    ),
    Lie(
        name="time_near",
        title="time near",
        says="each event is stamped up to two minutes back or ahead",
        tell=false_times.near,
    ),
    Lie(
        name="time_falls",
        title="times fall",
        says="each event is stamped a little before the last one, for four minutes at a stretch",
        tell=false_times.falling,
    ),
    Lie(
        name="time_fast",
        title="times fast",
        says="the clocks of accounts go five times as fast, for a minute at a stretch",
        tell=false_times.fast,
        beyond={"chat_raid": "so does a phone that was off for a while; a smaller events.clock_tolerance_ms shows it"},
    ),
    Lie(name="one_id", title="one id", says="all events of an account have the same id", tell=_one_id),
    Lie(
        name="ids_in_turn",
        title="ids in turn",
        says=f"the events of all accounts have the same {IDS} ids, in turn",
        tell=_ids_in_turn,
    ),
    Lie(name="bad_field", title="bad field", says="each event has a number for a device", tell=_bad_field),
    Lie(name="long_field", title="long field", says="each event has a field of 70 KB", tell=_long_field),
    Lie(
        name="padding",
        title="padding",
        says="20,000 blanks or invisible characters stand before each text and link",
        tell=_padding,
        concerns=_has_text,
    ),
    Lie(
        name="decoys",
        title="decoys first",
        says="four to six throw-away links stand before the real one",
        tell=_decoys,
        concerns=_has_link,
    ),
    Lie(
        name="crafted_copies",
        title="crafted copies",
        says="two made-up words in each text, chosen against the text keys",
        tell=_crafted,
        concerns=_has_text,
        beyond={
            "copy_paste_ring": "two more words in copies that are paraphrased already leave less in common; chosen "
            "without the secret they are words like any others"
        },
    ),
    Lie(
        name="split_domains",
        title="split domains",
        says="EVIL . EXAMPLE, evil[.]example, or an invisible character inside",
        tell=_split_domains,
        concerns=_has_link,
    ),
    Lie(
        name="made_up_keys",
        title="made-up keys",
        says=f"before the day each account sends {MADE_UP} events, half of them years old, "
        "with a device, a network, a target, a text and a domain that nobody has seen",
        tell=_honest,
        before=_made_up_keys,
    ),
)
"""Each lie, in the order in which a report tells them."""
