"""Random rulebooks and random streams. Thresholds lie near the counts, times on the edges of windows, and values in
small pools, so that clauses flip often."""

import random
from datetime import UTC, datetime
from typing import Any

from tests.property.differential.description import (
    STATISTICS,
    Arriving,
    Book,
    Counter,
    Deed,
    Expr,
    Field,
    Memory,
    Param,
    Ratio,
    Rule,
    Sent,
    Table,
    is_name_of,
)
from tests.property.differential.running import SEVERAL, Case

START_MS = 1_760_000_000_000
TYPES = ("post", "comment", "pay")
OVERS = ("10s", "30s", "1m", "5m", "1h")
FIELDS = {
    "amount": Field("number", "amount"),
    "level": Field("number", "stats.level"),
    "title": Field("text", "title"),
    "verified": Field("bool", "verified"),
    "tags": Field("list", "tags"),
    "age": Field("duration", "author.age", "d"),
    "wait": Field("duration", "wait", "s"),
    "weight": Field("size", "weight", "KB"),
    "email": Field("text", "email"),
    "zone": Field("text", "zone"),
    "made": Field("time", "stats.made"),
}
TEXT_VALUES: dict[str, Expr] = {
    "box": ("call", "mailbox", ("name", "email")),
    "small": ("call", "lower", ("name", "title")),
    "digits": ("search", "extract", ("name", "device_id"), "[0-9]"),
    "found": ("search", "extract", ("name", "title"), "(e+n?)"),
    "day": ("call", "date", ("name", "ts"), ("name", "zone")),
}
NUMBER_VALUES: dict[str, Expr] = {
    "es": ("search", "count", ("name", "title"), "e+"),
    "capitals": ("search", "share", ("name", "text"), "[A-Z]", "[A-Za-z]"),
    "local_hour": ("call", "hour", ("name", "ts"), ("name", "zone")),
    "half": ("arithmetic", "/", ("name", "amount"), ("const", 2)),
    "odd": ("arithmetic", "%", ("name", "half"), ("const", 2)),
    "run": ("call", "repeats", ("name", "small")),
    "said": ("call", "number", ("name", "digits")),
}
FLAG_VALUES: dict[str, Expr] = {"reddish": ("test", "starts_with", ("name", "small"), ("const", "re"))}
ADDRESSES = ("a.nn@gmail.com", "Ann+x@googlemail.com", "ann@gmail.com", "ann@x.io", "ann+1@x.io", "nobody", "")
LISTS = {"some": ("d1", "u1", "red"), "few": ("t1",), "words": ("red", "green", "post")}
NUMBERS: tuple[Any, ...] = (0, 1, 2, 2.5, 3, 5, -1, -2.5, 10, 1e14, 1e15, 2**53 + 1)
WORDS = ("red", "green", "Red", "", "d1", "u1", "red green", "blue")
WRONG: tuple[Any, ...] = ("many", 7, 1.5, True, None, [1, "red"], {"age": 1}, [])
ACTIONS = ("flag", "limit", "hide", "review")
MAX_ACTIONS = 4
COMPARISONS = (">", ">=", "<", "<=", "==", "!=")
SKEWS = (0, -5_000, -10_000, -30_000, -60_000, -120_000, 5_000, 30_000, 120_000, 120_001, -120_001, -10_000_000)
STEPS = (0, 0, 1, 1_000, 5_000, 5_000, 10_000, 20_000, 30_000, 60_000, 300_000)
LEAPS = (1_800_000, 3_600_000, 90_000_000)


def make_case(rng: random.Random, clauses: int = 8) -> Case:
    """A rulebook of some counters, values, clauses and rules, and a stream for it."""
    dense = rng.random() < 0.15
    maker = Maker(rng, dense)
    asked = [maker.condition(rng.choice((0, 0, 1, 1, 2))) for _ in range(clauses)]
    maker.make_rules(rng.randint(0, 2))
    if rng.random() < 0.5:
        asked += maker.about_rules()
    sent: list[Arriving] = [*stream(rng, dense)]
    return Case(maker.book, asked, sent, stored=rng.random() < 0.15)


class Maker:
    """Makes one rulebook. `dense`: its stream has many events in each window."""

    def __init__(self, rng: random.Random, dense: bool, tables: dict[str, Table] | None = None) -> None:
        self.rng, self.is_dense = rng, dense
        self.book = Book(dict(FIELDS), dict(LISTS), {**TEXT_VALUES, **NUMBER_VALUES, **FLAG_VALUES})
        self.book.tables = tables or {}
        self._columns = self.book.columns
        for number in range(rng.randint(0, 2)):
            self.book.params[f"p{number}"] = self._param()
        self.numbers: list[str] = []
        self.flags: list[str] = []
        self.texts: list[str] = []
        self.durations: list[str] = []
        for name in self._columns:
            self._pool(self._type(name)).append(name)
        for number in range(rng.choice((0, 0, 1, 2, 3))):
            self._remember(f"m{number}")
        for number in range(rng.randint(2, 6)):
            name = f"c{number}"
            counter = self.book.counters[name] = self.counter()
            (self.durations if is_duration(counter) else self.numbers).append(name)
        for number in range(rng.randint(0, 3)):
            self._derive(f"x{number}")
        for number in range(rng.choice((0, 0, 1, 2))):
            self.book.scores[f"s{number}"] = self._terms([self.condition(rng.choice((0, 0, 1))) for _ in range(5)])
            self.numbers.append(f"s{number}")
        if self.book.scores and rng.random() < 0.5:
            self._derive("x9")

    def _pool(self, kind: str) -> list[str]:
        return {"number": self.numbers, "text": self.texts, "bool": self.flags, "duration": self.durations}[kind]

    def _type(self, column: str) -> str:
        declared = self.book.declared(column)
        assert declared is not None
        return declared.type

    def _column(self, *kinds: str) -> str | None:
        """A column of one of these types, at times."""
        found = [name for name in self._columns if self._type(name) in kinds]
        return self.rng.choice(found) if found and self.rng.random() < 0.4 else None

    # -- declarations -----------------------------------------------------------------------------

    def _param(self) -> Param:
        rng = self.rng
        if rng.random() < 0.3:
            return Param(rng.choice((0, 1, 2, 3)))
        values = tuple(
            (word, rng.randrange(5)) for word in rng.sample([*filter(None, WORDS), *TYPES], rng.randint(1, 3))
        )
        return Param(rng.randrange(4), rng.choice(("title", "text", "type", "event.room")), values)

    def _terms(self, conditions: list[Expr]) -> tuple[tuple[Expr, float], ...]:
        """A scorecard: no term twice, some that take points away."""
        rng = self.rng
        kept = dict.fromkeys(conditions[: rng.randint(1, len(conditions))])
        return tuple((one, rng.choice((1, 2, 0.5, 0.1, 0.7, 3, -1, -0.5, -2))) for one in kept)

    def about_rules(self) -> list[Expr]:
        """A scorecard whose terms are rules, and clauses about it."""
        rng = self.rng
        rules: list[Expr] = [("rule", name) for name in self.book.rules]
        self.book.scores["s9"] = self._terms([*rules, self.condition(0)])
        least = rng.choice((0, 0.5, 1, 2))
        return [("compare", rng.choice(COMPARISONS), ("name", "s9"), ("const", least)), *rules]

    def counter(self, follow_ups: tuple[str, ...] = ()) -> Counter:
        """A counter of events, or of these follow-ups."""
        rng = self.rng
        kind = rng.choice(("count", "count", "distinct", "distinct", "sum", rng.choice(STATISTICS)))
        by = rng.choice(
            (("user_id",),) * 5
            + (("device_id",), ("target_id",), ("user_id", "target_id"), ("device_id", "target_id"))
            + (("type",), ("title",), ("level",), ("event.room",), ("device_id", "type", "user_id"))
            + (("box",), ("small",), ("es",), ("box", "type"))
        )
        column = self._column("text", "number")
        by, field = (column,) if column is not None else by, None
        if kind == "distinct":
            pool = (
                "user_id", "target_id", "device_id", "title", "amount", "event.room", "event_id", "verified", "tags",
                "box", "odd", "reddish",
            )  # fmt: skip
            field = rng.choice([one for one in pool if one not in by])
        elif kind == "sum":
            field = rng.choice(("amount", "level", "age", "wait", "event.room", "es", "half"))
        elif kind in STATISTICS:
            field = rng.choice((None, None, "amount", "level", "wait", "event.room"))
        column = self._column("number") if kind == "sum" else None
        column = self._column("text", "number", "bool") if kind == "distinct" else column
        field = column if column is not None and column not in by else field
        of = follow_ups or rng.choice((("any",), ("any",), ("post",), ("post", "comment"), ("pay",)))
        where = None
        if rng.random() < 0.4:
            where = self.where(by)
        approx = kind == "distinct" and not follow_ups and rng.random() < 0.1
        cap = rng.randint(1, 9) if kind != "sum" and not approx and rng.random() < 0.2 else None
        if cap is not None and self.is_dense and rng.random() < 0.5:
            cap = rng.randint(10, 40)
        excluded = rng.choice(("some", "few")) if len(by) == 1 and by[0] != "user_id" and rng.random() < 0.2 else None
        at, at_least = rng.choice((0.1, 0.5, 0.9)), rng.choice((0, 0, 2, 3)) if kind in STATISTICS else 0
        having = None
        if kind == "distinct" and not approx and rng.random() < 0.25:
            least = rng.randint(1, min(3, cap or 3))
            having = (least, rng.choice((None, least, min(least + 1, cap or 9))))
        before, cap = rng.random() < 0.2, max(cap, at_least) if cap is not None else None
        counted = (kind, field, of, by, rng.choice(OVERS), where, cap, approx, excluded)
        read_by = None
        if by != ("user_id",) and not before and rng.random() < 0.4:
            names = ("user_id", "target_id", "device_id", "title", "event.room", "es")
            read_by = tuple(rng.choice(names) for _ in by)
            read_by = None if read_by == by else read_by
        return Counter(*counted, at, at_least, before, having, read_by)

    def _remember(self, name: str) -> None:
        rng = self.rng
        kind = rng.choice(("last", "last", "first", "age of last", "age of first", "new"))
        by = rng.choice((("user_id",), ("user_id",), ("user_id", "device_id"), ("target_id",), ("title",)))
        pool = {"title": self.texts, "device_id": self.texts, "amount": self.numbers, "verified": self.flags,
                "age": self.durations, "wait": self.durations}  # fmt: skip
        pool |= {name: self._pool(self._type(name)) for name in self._columns}
        field = rng.choice([one for one in pool if one not in by]) if kind in ("last", "first") else None
        of = rng.choice((("any",), ("any",), ("post",), ("post", "comment")))
        where = self.where(by) if rng.random() < 0.3 else None
        keep = rng.choice((*OVERS, "1d", "400d"))
        warm = rng.choice(("1ms", "5s", "10s")) if kind in ("new", "age of first") else None
        self.book.values[name] = Memory(kind, field, of, by, keep, where, warm)
        (pool[field] if field is not None else self.flags if kind == "new" else self.durations).append(name)

    def _derive(self, name: str) -> None:
        rng = self.rng
        if rng.random() < 0.3:
            self.book.derived[name] = self.condition(1)
            self.flags.append(name)
            return
        if rng.random() < 0.5:
            parts = [("name", rng.choice((*self._counters(), "amount", "level"))) for _ in range(2)]
            at_least = rng.choice((0, 1, 2, 3, 2.5))
            self.book.derived[name] = Ratio(parts[0], parts[1], at_least, rng.random() < 0.5)
        else:
            self.book.derived[name] = ("arithmetic", rng.choice("+-*/%"), self.number(1), self.number(0))
        if self.numbers.count(name) == 0 and rng.random() < 0.8:
            self.numbers.append(name)

    def make_rules(self, count: int, follow_ups: bool = False) -> None:
        """Rules with several clauses. `follow_ups`: some are about labels, or about hits of rules above them."""
        rng = self.rng
        for number in range(len(self.book.rules), len(self.book.rules) + count):
            groups = [tuple(self.condition(rng.choice((0, 0, 1))) for _ in range(most)) for most in (2, 2, 1)]
            groups = [group[: rng.randint(0, len(group))] for group in groups]
            if not groups[0] and not groups[1]:
                groups[0] = (self.condition(0),)
            events: tuple[str, ...] = rng.choice((("any",), ("post",), ("comment", "pay")))
            if follow_ups and rng.random() < 0.5:
                hits = [(f"{'shadow' if one.is_shadow else 'hit'}.{name}",) for name, one in self.book.rules.items()]
                about: list[tuple[str, ...]] = [("label.spam",), ("label.ham", "label.spam"), *hits]
                events = rng.choice(about)
            macro = f"macro_{number}" if groups[0] and rng.random() < 0.4 else None
            self.book.rules[f"{SEVERAL}{number}"] = Rule(
                events, groups[0], groups[1], groups[2], macro, rng.random() < 0.2, self.deeds()
            )

    def deeds(self) -> tuple[Deed, ...]:
        """One action or several, each with a scope of its own."""
        rng = self.rng
        targets = ("user", "user", "event", "device_id", "target_id", "title", *self._columns[:1])
        texts = [target for target in targets if target not in self._columns or self._type(target) == "text"]
        return tuple(
            Deed(rng.choice(ACTIONS), f"x{at}", rng.choice(texts), rng.choice((None, "10s", "1h")))
            for at in range(rng.choice((1, 1, 1, 2, 3, MAX_ACTIONS)))
        )

    def _counters(self) -> tuple[str, ...]:
        return tuple(self.book.counters) or ("amount",)

    def where(self, by: tuple[str, ...]) -> Expr:
        """Names fields; by users also the counters by users, and what users remember, above it."""
        rng, declared = self.rng, self.book.counters
        theirs = {name: one for name, one in declared.items() if one.by == ("user_id",)}
        values = {name for name, one in self.book.values.items() if one.by == ("user_id",)}
        is_plain = by != ("user_id",) or not (theirs or values) or rng.random() < 0.6
        known = {*self._columns} | (set() if is_plain else theirs.keys() | values)
        pools = (self.numbers, self.texts, self.flags, self.durations)
        kept = [pool[:] for pool in pools]
        for pool in pools:
            pool[:] = [name for name in pool if name in known]
        self.book.counters = theirs
        where = self.condition(rng.choice((0, 0, 1)), counters=not is_plain)
        self.book.counters = declared
        for pool, names in zip(pools, kept, strict=True):
            pool[:] = names
        return where

    # -- expressions ------------------------------------------------------------------------------

    def condition(self, depth: int, counters: bool = True) -> Expr:
        """A condition, nested at most so deep."""
        rng = self.rng
        if depth > 0 and rng.random() < 0.7:
            kind = rng.choice(("and", "or", "not"))
            if kind == "not":
                return ("not", self.condition(depth - 1, counters))
            return (kind, *(self.condition(depth - 1, counters) for _ in range(rng.choice((2, 2, 3)))))
        remembered = self._remembered() if counters else []
        if remembered and rng.random() < 0.35:
            return self._about_a_memory(rng.choice(remembered))
        if counters and self.book.counters and rng.random() < 0.5:
            return self._about_a_counter()
        return self._simple(depth, counters)

    def _remembered(self) -> list[str]:
        pools = (self.numbers, self.texts, self.flags, self.durations)
        return [name for pool in pools for name in pool if name in self.book.values]

    def _about_a_memory(self, name: str) -> Expr:
        rng, asked = self.rng, ("name", name)
        if rng.random() < 0.15:
            return ("known", asked)
        if name in self.flags:
            return asked
        if name in self.texts:
            other = rng.choice((self._text(), ("const", rng.choice(WORDS))))
            return ("compare", rng.choice(("==", "!=")), asked, other)
        limits = ("5s", "10s", "60s", "5m", "1h", "1d")
        limit = ("duration", rng.choice(limits)) if name in self.durations else ("const", rng.choice(NUMBERS))
        return ("compare", rng.choice(COMPARISONS), *rng.choice(((asked, limit), (limit, asked))))

    def _about_a_counter(self) -> Expr:
        return self.about_counter(self.rng.choice(self._counters()))

    def about_counter(self, name: str) -> Expr:
        """A clause that compares a counter with what it may count to."""
        rng = self.rng
        counter, asked = self.book.counters[name], ("name", name)
        if counter.kind == "sum" and not is_duration(counter):
            return ("compare", rng.choice(COMPARISONS), asked, ("const", rng.choice(NUMBERS)))
        if counter.kind in (*STATISTICS, "sum"):
            measure = self._duration(0) if is_duration(counter) else ("const", rng.choice((0, 1, 1.5, 2, 2.5, 3, 10)))
            return ("compare", rng.choice(COMPARISONS), asked, measure)
        most = min(counter.cap or 1_000, 45 if self.is_dense else 8) // (counter.having[0] if counter.having else 1)
        limit: Expr = ("const", rng.choice((rng.randrange(most), rng.randrange(most), most - 1)))
        params = [name for name, one in self.book.params.items() if _highest(one) < most]
        if params and rng.random() < 0.3:
            limit = ("param", rng.choice(params))
        if rng.random() < 0.1:
            first, second = rng.choice(("<", "<=")), rng.choice(("<", "<="))
            return ("chain", ("const", rng.randrange(most)), first, asked, second, limit)
        if rng.random() < 0.1:
            return ("in", asked, tuple(rng.randrange(12) for _ in range(3)))
        sides = (asked, limit) if rng.random() < 0.85 else (limit, asked)
        return ("compare", rng.choice(COMPARISONS), *sides)

    def _simple(self, depth: int, counters: bool) -> Expr:
        rng = self.rng
        match rng.randrange(15):
            case 12:
                part = rng.choice((("const", rng.choice(WORDS)), self._text()))
                return ("test", rng.choice(("starts_with", "ends_with")), self._text(), part)
            case 13:
                return (rng.choice(("contains any", "contains word")), self._text(), rng.choice(tuple(LISTS)))
            case 14:
                return ("compare", rng.choice(COMPARISONS), self._measured(), ("const", rng.choice((0, 0.5, 1, 2, 5))))
            case 0 | 1 | 2:
                left, right = self.number(min(depth + 1, 2), counters), self.number(0, counters)
                if any(is_name_of(side, self.book.counters) for side in (left, right)):
                    return self._about_a_counter()  # a threshold that it can count to
                if left[0] == right[0] == "event":
                    right = ("const", rng.choice(NUMBERS))  # so that the other one is taken for a number
                return ("compare", rng.choice(COMPARISONS), left, right)
            case 3:
                since = (
                    "arithmetic",
                    "-",
                    *rng.choice(((("name", "ts"), ("name", "made")), (("name", "made"), ("name", "ts")))),
                )
                return ("compare", rng.choice(COMPARISONS), rng.choice((self._duration(1), since)), self._duration(0))
            case 4:
                other = self._text() if self.texts and rng.random() < 0.5 else ("const", rng.choice(WORDS))
                return ("compare", rng.choice(("==", "!=")), self._text(), other)
            case 5:
                among = ("in list", self._text(), rng.choice(tuple(LISTS)))
                return rng.choice((among, ("in", self._text(), WORDS[:3])))
            case 6:
                return ("contains", self._text(), ("name", rng.choice(("tags", "title", "text"))))
            case 7:
                wrong = ("const", rng.choice(("device_id", "amount", "age", "ts", "tags")))
                return ("contains", wrong, ("name", "invalid_fields"))
            case 8:
                known = ("amount", "level", "age", "title", "tags", "device_id", "clock_skew", "local_hour", "box")
                more = (*self.numbers, *self.flags, *self.texts, *self.durations) if counters else ()
                return ("known", rng.choice((("name", rng.choice((*known, *more))), ("event", "room", "any"))))
            case 9:
                return ("in", ("name", rng.choice(("amount", "level"))), (0, 2, 2.5, -1))
            case 10:
                return ("matches", self._text(), rng.choice(("(?i)red", "^d[0-9]$", "e+n")))
        flags = (*self.flags, "verified") if counters else ("verified",)
        named = ("name", rng.choice((*flags, "verified", "conflicting_ids")))
        named = rng.choice((named, ("name", "reddish")))
        return rng.choice((named, ("compare", "==", ("name", "verified"), ("const", rng.random() < 0.5))))

    def number(self, depth: int, counters: bool = True) -> Expr:
        """A number, nested at most so deep."""
        rng = self.rng
        if depth > 0 and rng.random() < 0.8:
            match rng.randrange(4):
                case 0 | 1:
                    both = (self.number(depth - 1, counters), self.number(0, counters))
                    return ("arithmetic", rng.choice("+-*/%"), *both)
                case 2:
                    both = (self.number(depth - 1, counters), self.number(0, counters))
                    return ("call", rng.choice(("min", "max")), *both)
            return ("call", "abs", self.number(depth - 1, counters))
        if counters and self.numbers and rng.random() < 0.5:
            return ("name", rng.choice(self.numbers))
        if self.book.params and rng.random() < 0.1:
            return ("param", rng.choice([*self.book.params]))
        match rng.randrange(6):
            case 0 | 1:
                return ("const", rng.choice(NUMBERS[:9]))
            case 2:
                return ("call", "len", ("name", rng.choice(("title", "tags", "text", "invalid_fields"))))
            case 3:
                return ("event", "room", "number")
        return ("name", rng.choice(("amount", "level", *NUMBER_VALUES)))

    def _measured(self) -> Expr:
        """A number that a function of a text or a time gives."""
        rng, text = self.rng, self._text()
        match rng.randrange(6):
            case 0:
                return ("search", "count", text, rng.choice(("e", "[a-z]+", "d[0-9]")))
            case 1:
                return ("search", "share", text, "[a-z]", *rng.choice(((), ("[a-zA-Z0-9]",))))
            case 2:
                return ("call", "repeats", text)
            case 3:
                return ("call", "similarity", text, rng.choice((("const", "green"), self._text())))
        zone = rng.choice(((), (("const", "Asia/Kolkata"),), (("name", "zone"),)))
        return ("call", rng.choice(("hour", "weekday")), ("name", "ts"), *zone)

    def _duration(self, depth: int) -> Expr:
        rng = self.rng
        if depth > 0 and rng.random() < 0.4:
            if rng.random() < 0.5:
                return ("arithmetic", rng.choice("+-"), self._duration(0), self._duration(0))
            return ("arithmetic", rng.choice("*/"), self._duration(0), self.number(0, counters=False))
        if self.durations and rng.random() < 0.4:
            return ("name", rng.choice(self.durations))
        if rng.random() < 0.5:
            return ("duration", rng.choice(("1d", "2d", "3s", "5s", "10s", "60s", "2m")))
        return ("name", rng.choice(("age", "wait", "clock_skew")))

    def _text(self) -> Expr:
        rng = self.rng
        pool = ("title", "text", "user_id", "device_id", "target_id", "type", *TEXT_VALUES, *self.texts, *self.texts)
        named = ("name", rng.choice(pool))
        return ("call", "lower", named) if rng.random() < 0.2 else named


def is_duration(counter: Counter) -> bool:
    """Whether a counter says how long something takes."""
    return counter.kind in (*STATISTICS, "sum") and counter.field in (None, "wait", "age")


def _highest(one: Param) -> float:
    return max(one.default, *(value for _, value in one.values), 0)


def stream(rng: random.Random, dense: bool) -> list[Sent]:
    """Events of a few users; some late, some sent again, some with wrong values."""
    users = ("u1",) if dense and rng.random() < 0.5 else ("u1", "u2", "u3")
    count = rng.randint(50, 110) if dense else rng.randint(3, 40)
    wrong = rng.choice((0.0, 0.03, 0.1, 0.3))
    skewed = rng.random() < 0.7
    arrived, made = START_MS, list[Sent]()
    for index in range(count):
        arrived += rng.choice(STEPS[:6] if dense else STEPS)
        if rng.random() < 0.02:
            arrived += rng.choice(LEAPS)
        if made and rng.random() < 0.08:
            again = rng.choice(made[-12:]).document
            changed = again if rng.random() < 0.5 else {**again, "amount": rng.choice(NUMBERS), "ts": arrived}
            made.append(Sent(changed, arrived))
            continue
        ts = arrived + (rng.choice(SKEWS) if skewed and rng.random() < 0.7 else 0)
        made.append(Sent(_document(rng, f"e{index}", rng.choice(users), ts, wrong), arrived))
    return made


def _made(ts: int) -> tuple[Any, ...]:
    """Times near another one, as producers write them, and what is none."""
    written = datetime.fromtimestamp(ts // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return (ts, ts - 5_000, ts - 86_400_000.0, written, f"{written}Z", written[:10], "soon", None, True)


def _document(rng: random.Random, event_id: str, user: str, ts: int, wrong: float) -> dict[str, Any]:
    document: dict[str, Any] = {"event_id": event_id, "type": rng.choice(TYPES), "user_id": user, "ts": ts}
    values: dict[str, Any] = {
        "device_id": rng.choice(("d1", "d2", "d3")),
        "target_id": rng.choice(("t1", "t2", "u1")),
        "amount": rng.choice(NUMBERS),
        "stats": {"level": rng.choice((0, 1, 2, 2.0, 3)), "made": rng.choice(_made(ts))},
        "title": rng.choice(WORDS),
        "text": rng.choice(WORDS),
        "verified": rng.random() < 0.5,
        "tags": rng.choice(([], ["red"], ["red", "post", 3], ["d1", "green"])),
        "author": {"age": rng.choice((0, 1, 1.5, 2, 30))},
        "wait": rng.choice((0, 3, 5, 10, 60)),
        "weight": rng.choice((0, 1, 4)),
        "email": rng.choice(ADDRESSES),
        "zone": rng.choice(("UTC", "America/Bogota", "Mars", "")),
        "room": rng.choice(("a", "b", 1, 1.0, 2, True, ["a", 2, "c"])),
    }
    for name, value in values.items():
        if rng.random() < wrong:
            document[name] = rng.choice(WRONG)
        elif rng.random() >= 0.08:
            document[name] = value
    if rng.random() < wrong / 3:
        document["ts"] = rng.choice((None, "soon"))
    return document
