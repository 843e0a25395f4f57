"""Writes how an event enters the series of counters: what counts, what is in doubt; and how it is taken out again."""

from collections.abc import Iterable

from engine.core.domain.counters import Counter
from engine.core.domain.follow_ups import is_withdrawn
from engine.core.domain.programs import JUDGEMENT
from engine.core.domain.rules import USER
from engine.core.values.identity import COMPUTED_FIELDS, EVENT_TIME, IDENTITY_FIELDS
from engine.rulebook.codegen.conditions import Scope
from engine.rulebook.codegen.functions import Vocabulary, excluding, fetch
from engine.rulebook.codegen.readings import store_of
from engine.rulebook.language.keys import KEY_SOURCES, MANY_OF_ONE
from engine.rulebook.sections.dependencies import behind_value, entity_of, reached

_ALWAYS_THERE = frozenset((*IDENTITY_FIELDS, *COMPUTED_FIELDS, EVENT_TIME))


def observations(words: Vocabulary, scope: Scope, counters: Iterable[Counter], event_type: str) -> list[str]:
    """Lines that enter an event of this type into the series of these counters, each series once. Of what may be taken
    back they note which `where` is true."""
    lines: list[str] = []
    for counter in {counter.series_key: counter for counter in counters}.values():
        outside = [f"k not in {name}" for name in excluding(words, scope, counter)]
        where = words.declared.counters[counter.name].where
        entry, doubt = _entry(words, scope, counter), _doubt(words, counter)
        if where is None:
            lines += _when(outside, entry)
            continue
        if is_judged(words, counter, event_type):
            judged = f"f.get({judgement(counter)!r})"
            lines += _when([*outside, f"{judged} is True"], entry)
            lines.append(f" elif {' and '.join([*outside, f'{judged} is None'])}: {doubt}")
            continue
        if is_withdrawn(event_type):
            entry = [f"f[{judgement(counter)!r}] = True", *entry]
        lines += _when([*outside, scope.true(where)], entry)
        # What may belong to it makes the count a bound: also where it divides by a parameter that is zero.
        lines.append(f" elif {' and '.join([*outside, f'not {scope.false(where)}'])}: {doubt}")
    return lines


def is_judged(words: Vocabulary, counter: Counter, event_type: str) -> bool:
    """Whether it is asked at the user what `where` says of an event, for a counter of another entity: it reads the
    user's counters, or the event may be taken back."""
    where = words.declared.counters[counter.name].where
    if counter.by == USER or where is None:
        return False
    refs = reached(words.declared, where)
    return is_withdrawn(event_type) or any(entity_of(words.declared, ref) is not None for ref in refs)


def judgement(counter: Counter) -> str:
    """Under which name an event carries what was said."""
    return f"{JUDGEMENT}{counter.series_key}"


def withdrawals(words: Vocabulary, scope: Scope, counters: Iterable[Counter]) -> list[str]:
    """Lines that take a follow-up out of the series of these counters again. `where` is not asked once more, as lists,
    parameters and the user's counters may say something else by now. What was in doubt stays so."""
    lines: list[str] = []
    for counter in {counter.series_key: counter for counter in counters}.values():
        conditions = [f"k not in {name}" for name in excluding(words, scope, counter)]
        if words.declared.counters[counter.name].where is not None:
            conditions.append(f"f.get({judgement(counter)!r}) is True")
        lines += scope.lines(*_when(conditions, _removal(words, scope, counter)))
    return lines or [" pass"]


def _entry(words: Vocabulary, scope: Scope, counter: Counter) -> list[str]:
    """Lines that enter the event at hand. What is there and cannot be read is doubted."""
    approx = "approx_" if counter.approx else ""
    tail = f"{counter.cap}, {words.retention_ms(counter.series_key)}"
    return _with_value(words, scope, counter, f"add_{approx}", f", {tail}", _doubt(words, counter))


def _removal(words: Vocabulary, scope: Scope, counter: Counter) -> list[str]:
    """Lines that take the event at hand out again."""
    return _with_value(words, scope, counter, "remove_", "", "pass")


def _with_value(words: Vocabulary, scope: Scope, counter: Counter, verb: str, tail: str, otherwise: str) -> list[str]:
    """Lines that do something to a series with what a counter reads of the event at hand; `otherwise` where it is there
    and cannot be read."""
    name = counter.field or ""
    series = f"{store_of(counter)}, {counter.series_key}, now"
    if counter.series == "count":
        return [f"{verb}count({series}{tail})"]
    if counter.kind == "distinct":
        act = f"{verb}{counter.series}({series}, hash64(x){tail})"
        if name in KEY_SOURCES:  # a text has two keys: one of them tells texts apart
            return [f"for x in {KEY_SOURCES[name]}{'[:1]' if name in MANY_OF_ONE else ''}: {act}"]
        if (kind := words.declared.type_of(name)) == "list" or kind is None:
            read_all = "items" if kind is None else "members"
            return [
                f"x, d = {read_all}({words.subject(scope, name)})",
                *_unless_computed(words, scope, name, "not x", "d = True"),
                f"for x in x: {act}",
                f"if d: {otherwise}",
            ]
        read = "x = address(x)" if name == "ip" else "if type(x) is not str: x = token(x)"
        return [
            f"x = {words.subject(scope, name)}",
            read,
            *_unless_computed(words, scope, name, "x is None", "x = False"),
            f"if x: {act}",
            f"elif x is False: {otherwise}",
        ]
    declared, fetched = words.declared.fields.get(name), words.subject(scope, name)
    factor = f" * {declared.factor}" if declared is not None and declared.factor != 1 else ""
    return [
        f"x = amount({f'spelt({fetched})' if declared is not None and declared.is_spelt else fetched})",
        *_unless_computed(words, scope, name, "x is None", "x = False"),
        f"if x is False: {otherwise}",
        f"elif x is not None: {verb}amount({series}, x{factor}{tail})",
    ]


def _unless_computed(words: Vocabulary, scope: Scope, name: str, empty: str, doubted: str) -> list[str]:
    """A line for a value that could not be computed though there is something that it is computed of: such an event is
    doubted, as one is whose field cannot be read."""
    refs = behind_value(words.declared, name)
    paths = {words.declared.path_of(ref.target) for ref in refs if ref.kind in ("field", "event")} - _ALWAYS_THERE
    if not paths:
        return []
    there = " or ".join(f"{fetch(path)} is not None" for path in sorted(paths))
    return [f"if {empty} and {words.subject(scope, name)} is None and ({there}): {doubted}"]


def _doubt(words: Vocabulary, counter: Counter) -> str:
    """Source text that notes that the event at hand may belong to a counter."""
    retention_ms, key = words.retention_ms(counter.series_key), counter.series_key
    if counter.approx:
        return f"doubt_approx(s.others, {key}, now, {retention_ms})"
    if counter.series == "sum":
        return f"add_amount(s.others, {key}, now, nan, {counter.cap}, {retention_ms})"
    return f"doubt_{counter.series}({store_of(counter)}, {key}, now, {retention_ms})"


def _when(conditions: list[str], lines: list[str]) -> list[str]:
    """Lines under a condition, if there is one."""
    if not conditions:
        return [f" {line}" for line in lines]
    return [f" if {' and '.join(conditions)}:", *(f"  {line}" for line in lines)]
