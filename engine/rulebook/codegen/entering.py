"""Writes how an event enters the series of counters: what counts, what is in doubt."""

from collections.abc import Iterable

from engine.core.domain.rules import Counter
from engine.rulebook.codegen.conditions import Scope
from engine.rulebook.codegen.functions import Vocabulary, excluding, fetch, store_of
from engine.rulebook.language.keys import KEY_SOURCES
from engine.rulebook.language.nodes import names_in


def observations(words: Vocabulary, scope: Scope, counters: Iterable[Counter]) -> list[str]:
    """Lines that enter an event into the series of these counters, each series once."""
    lines: list[str] = []
    for counter in {counter.series_key: counter for counter in counters}.values():
        outside = [f"k not in {name}" for name in excluding(words, scope, counter)]
        where = words.declared.counters[counter.name].where
        entry, doubt = _entry(words, counter), _doubt(words, counter)
        if where is None:
            lines += _when(outside, entry)
            continue
        lines += _when([*outside, scope.true(where)], entry)
        if names_in(where):  # what may belong to it makes the count a bound
            lines.append(f" elif {' and '.join([*outside, f'not {scope.false(where)}'])}: {doubt}")
    return lines


def _entry(words: Vocabulary, counter: Counter) -> list[str]:
    """Lines that enter the event at hand. What is there and cannot be read is doubted."""
    tail, name = f"{counter.cap}, {words.retention_ms(counter.series_key)})", counter.field or ""
    approx = "approx_" if counter.approx else ""
    if counter.kind == "count":
        return [f"add_{approx}count({store_of(counter)}, {counter.series_key}, now, {tail}"]
    if counter.kind == "distinct":
        add = f"add_{approx}distinct({store_of(counter)}, {counter.series_key}, now, hash64(x), {tail}"
        if name in KEY_SOURCES:  # a text has two keys: one of them tells texts apart
            return [f"for x in {KEY_SOURCES[name]}{'[:1]' if name == 'text' else ''}: {add}"]
        read = "x = address(x)" if name == "ip" else "if type(x) is not str: x = token(x)"
        return [
            f"x = {fetch(words.declared.path_of(name))}",
            read,
            f"if x: {add}",
            f"elif x is False: {_doubt(words, counter)}",
        ]
    declared = words.declared.fields.get(name)
    factor = f" * {declared.factor}" if declared is not None and declared.factor != 1 else ""
    fetched = fetch(words.declared.path_of(name))
    return [
        f"x = amount({f'spelt({fetched})' if declared is not None and declared.is_spelt else fetched})",
        f"if x is False: {_doubt(words, counter)}",
        f"elif x is not None: add_{approx}amount(s.others, {counter.series_key}, now, x{factor}, {tail}",
    ]


def _doubt(words: Vocabulary, counter: Counter) -> str:
    """Source text that notes that the event at hand may belong to a counter."""
    retention_ms, key = words.retention_ms(counter.series_key), counter.series_key
    if counter.approx:
        return f"doubt_approx(s.others, {key}, now, {retention_ms})"
    if counter.kind == "sum":
        return f"add_amount(s.others, {key}, now, nan, {counter.cap}, {retention_ms})"
    return f"doubt_{counter.kind}({store_of(counter)}, {key}, now, {retention_ms})"


def _when(conditions: list[str], lines: list[str]) -> list[str]:
    """Lines under a condition, if there is one."""
    if not conditions:
        return [f" {line}" for line in lines]
    return [f" if {' and '.join(conditions)}:", *(f"  {line}" for line in lines)]
