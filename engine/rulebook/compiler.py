"""Declarations and rules to one Rulebook: per event type one fused function, and one that explains."""

from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256
from pathlib import Path

from engine.core.domain.counters import Counter
from engine.core.domain.events import CLOCK_TOLERANCE_MS
from engine.core.domain.follow_ups import is_of_label
from engine.core.domain.reference import VERSIONS
from engine.core.domain.rules import (
    ANY_EVENT,
    DEFAULT_CAP,
    DEFAULT_MAX_KEYS,
    MAX_CAP,
    USER,
    ModelSpec,
    Rulebook,
    challengers,
)
from engine.core.series.sketches import BUCKETS_PER_WINDOW
from engine.core.state.entities import MAX_LATENESS_MS
from engine.core.values.hashing import hash32
from engine.core.values.lists import Conceal
from engine.errors import RulebookError
from engine.rulebook.checks.advice import advise
from engine.rulebook.checks.event_types import check_event_types
from engine.rulebook.checks.fingerprints import give_fingerprints
from engine.rulebook.checks.follow_ups import check_follow_ups
from engine.rulebook.checks.membership import check_entries
from engine.rulebook.checks.shared_counts import check_shared_counts
from engine.rulebook.checks.tells import check_tells
from engine.rulebook.codegen.functions import Vocabulary
from engine.rulebook.codegen.lookbacks import find_watches
from engine.rulebook.codegen.lookups import all_lookups
from engine.rulebook.codegen.programs import ProgramWriter
from engine.rulebook.codegen.rests import find_rests
from engine.rulebook.inline_tests.examples import run_examples
from engine.rulebook.language.diagnostics import Diagnostics, Span
from engine.rulebook.language.nodes import Ref
from engine.rulebook.sections.challengers import check_challengers, check_challengers_rules
from engine.rulebook.sections.declarations import Declarations
from engine.rulebook.sections.dependencies import (
    Dependencies,
    concern_alike,
    find_dependencies,
    values_written,
)
from engine.rulebook.sections.memories import memories_of
from engine.rulebook.sections.models import read_model
from engine.rulebook.sections.names import names_read
from engine.rulebook.sections.reading import named_files, read_declarations
from engine.rulebook.sections.rules import RuleDeclaration, read_rules
from engine.rulebook.sections.thresholds import find_thresholds

_SEPARATOR = "\x1f"
LOOKBACK_CAP = MAX_CAP
RULE_SUFFIXES = (".yaml", ".yml")

FurtherRules = Callable[[Declarations, Mapping[str, ModelSpec]], list[RuleDeclaration]]
"""Gives rules that are compiled beside those of the files."""


def no_rules(_declared: Declarations, _models: Mapping[str, ModelSpec]) -> list[RuleDeclaration]:
    """None but those of the files."""
    return []


def read_directory(path: Path) -> dict[str, str]:
    """The sources of a rulebook: every YAML file under a directory, or one alone, and the files that its lists name.

    Raises RulebookError when there is nothing to read.
    """
    root = path.parent if path.is_file() else path
    files = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())
    rulebooks = [file for file in files if file.suffix in RULE_SUFFIXES]
    if not rulebooks:
        raise RulebookError(f"{path}: error: there is no rulebook here (no .yaml file)", 1)
    sources = {file.relative_to(root).as_posix(): _read(file) for file in rulebooks}
    for name in [named for file, text in sources.items() for named in named_files(file, text)]:
        if name not in sources and ".." not in name.split("/") and (root / name).is_file():
            sources[name] = _read(root / name)
    return sources


def _read(file: Path) -> str:
    try:
        return file.read_text("utf-8-sig")
    except (UnicodeDecodeError, OSError) as error:
        raise RulebookError(f"{file}: error: this file cannot be read as UTF-8 text: {error}", 1) from error


def load_rulebook(
    sources: Mapping[str, str] | Path, conceal: Conceal | None = None, further: FurtherRules = no_rules
) -> Rulebook:
    """The checked rulebook, its inline tests passed. `conceal`: what gives people pseudonyms, where they have some;
    `further`: rules that no file has. Raises RulebookError with every error at once."""
    sources = read_directory(sources) if isinstance(sources, Path) else sources
    try:
        rulebook, diagnostics = check_rulebook(sources, conceal=conceal, further=further)
    except Exception as error:  # whatever a message on the topic holds, a worker goes on with its old rulebook
        raise RulebookError(f"the check itself failed: {error!r}", 1) from error
    diagnostics.raise_on_errors()
    assert rulebook is not None
    return rulebook


def rulebook_id(sources: Mapping[str, str]) -> str:
    """A hash of the sources: equal rulebooks have equal ids."""
    content = "\x00".join(f"{file}\x01{sources[file]}" for file in sorted(sources))
    return sha256(content.encode()).hexdigest()[:12]


def check_rulebook(
    sources: Mapping[str, str], run_tests: bool = True, conceal: Conceal | None = None, further: FurtherRules = no_rules
) -> tuple[Rulebook | None, Diagnostics]:
    """The compiled rulebook, or None, and all findings. The inline tests run when nothing else is wrong."""
    diagnostics = Diagnostics(sources)
    for file in [file for file, text in sources.items() if not _is_text(text)]:
        diagnostics.error(Span(file, 0, 0), "this is not Unicode text")
        return None, diagnostics
    declared = read_declarations(sources, diagnostics, conceal)
    rules = read_rules(declared)
    models = _models(declared)
    rules += further(declared, models)
    counters, memories = _counters(declared, rules), memories_of(declared)
    advise(declared, rules)
    check_shared_counts(declared, rules)
    check_entries(declared, rules)
    check_event_types(declared, rules)
    check_follow_ups(declared, rules)
    if diagnostics.errors:
        return None, diagnostics
    give_fingerprints(declared, rules)
    words = Vocabulary(declared, counters, models, memories)
    needs = find_dependencies(declared, counters, _inputs(declared, models), rules)
    watches, rests = find_watches(rules, words, needs), find_rests(rules, words, needs)
    _check_clusters(declared, rules, needs)
    check_tells(rules, needs)
    check_challengers_rules(rules, needs, models)
    if diagnostics.errors:
        return None, diagnostics
    types = {kind for counter in counters.values() for kind in counter.of}
    types |= {kind for memory in memories.values() for kind in memory.of}
    types |= {kind for rule in rules for kind in rule.rule.events}
    types |= {kind for spec in models.values() for kind in spec.of}
    if any(map(is_of_label, types)):  # events of all types are kept until they are labelled
        types.add(ANY_EVENT)
    writer = ProgramWriter(words, rules, needs)
    programs = {kind: writer.program(kind) for kind in sorted(types)}
    lookups = all_lookups(declared)
    longest_ms = max((counter.over_ms for counter in counters.values()), default=MAX_LATENESS_MS)
    rulebook = Rulebook(
        id=rulebook_id(sources),
        counters=counters,
        rules=tuple(rule.rule for rule in rules),
        models=models,
        programs=programs,
        follow_ups=writer.follow_ups(programs),
        absences=writer.absences,
        outcomes=writer.outcomes,
        watches=watches,
        max_keys=_max_keys(counters.values()),
        lateness_ms=min(longest_ms, MAX_LATENESS_MS),
        sources=dict(sources),
        live={name: entries for name, entries in declared.live.items() if name is not None},
        banks=declared.banks,
        rests=rests,
        lookups=lookups,
        looked_up=(*(column.path for each in lookups for column in each.columns), VERSIONS) if lookups else (),
        tables=declared.tables,
        topics=declared.topics,
        memories=memories,
        budget_windows=tuple(sorted({rule.rule.budget.per_ms for rule in rules if rule.rule.budget is not None})),
    )
    if run_tests:
        tests = {rule.rule.name: rule.tests for rule in rules}
        run_examples(rulebook, tests, declared.fields, names_read(declared, rules, models), diagnostics)
    return (None if diagnostics.errors else rulebook), diagnostics


def _is_text(source: str) -> bool:
    try:
        source.encode()
    except UnicodeEncodeError:  # half of a surrogate pair
        return False
    return True


def _models(declared: Declarations) -> dict[str, ModelSpec]:
    made = {}
    for name, keys in declared.models.items():
        spec = read_model(declared, name, keys)
        if spec is not None:
            made[name] = spec
    check_challengers(declared, made)
    return made


def _counters(declared: Declarations, rules: list[RuleDeclaration]) -> dict[str, Counter]:
    needs = find_thresholds(declared, rules)
    caps: dict[int, int] = {}
    keys: dict[str, int] = {}
    identities: dict[int, str] = {}
    for name, counter in declared.counters.items():
        is_counted, each = counter.kind in ("count", "distinct"), counter.having[0] if counter.having is not None else 1
        needed, span = needs.largest.get(name, (0, counter.span)) if is_counted else (0, counter.span)
        allowed = (counter.cap or MAX_CAP) // each
        if needed > allowed and not counter.approx:
            declared.diagnostics.error(
                span,
                f"the threshold {needed - 1} is above what `{name}` can count to: it keeps at most {allowed} entries",
                f"raise its `cap` to {needed * each}"
                if needed * each <= MAX_CAP
                else f"use a threshold of at most {MAX_CAP // each - 1}{', or `approx: true`' if each == 1 else ''}",
            )
        if not is_counted or name in needs.widest or counter.approx or counter.having is not None:
            needed = MAX_CAP
        else:
            needed = min(MAX_CAP, needed + _for_lateness(needed, counter.over_ms))
        if name in needs.looked_back:  # so many events may arrive before one that was earlier
            needed = min(MAX_CAP, max(LOOKBACK_CAP, 4 * needed))
        identity = (
            f"{counter.series}|{counter.field}|{_SEPARATOR.join(sorted(counter.of))}|{counter.where_text}|{counter.by}"
        )
        if counter.approx or counter.excluded is not None:
            identity += f"|{counter.over_ms if counter.approx else ''}|{counter.excluded}"
        identity += "".join(f"|{text}" for text in values_written(declared, counter))
        key = hash32(identity)
        if identities.setdefault(key, identity) != identity:
            declared.diagnostics.error(counter.span, f"counter `{name}` collides with another: change its `where`")
        keys[name] = key
        if counter.approx and counter.kind != "distinct":
            caps[key] = max(1, counter.over_ms // BUCKETS_PER_WINDOW)
            continue
        caps[key] = max(caps.get(key, 0), counter.cap or max(DEFAULT_CAP, needed))
    return {
        name: Counter(**counter.terms(), where=counter.where_text, series_key=keys[name], cap=caps[keys[name]])
        for name, counter in declared.counters.items()
    }


def _for_lateness(needed: int, over_ms: int) -> int:
    """So many entries more are kept: whoever may choose the times of events, within what is believed of them, must not
    push out of a full series what a short window begins with."""
    return needed * (2 * CLOCK_TOLERANCE_MS) // over_ms


def _check_clusters(declared: Declarations, rules: list[RuleDeclaration], needs: Dependencies) -> None:
    """A rule that asks about a cluster to which its events cannot belong would never fire."""
    for rule in rules:
        for clause in rule.all_clauses():
            for name in needs.kinds(clause) & declared.clusters.keys():
                if not concern_alike(rule.rule.events, declared.clusters[name].of):
                    message = f"cluster `{name}` knows nothing of {', '.join(rule.rule.events)} events"
                    declared.diagnostics.error(clause.expr.span, message, "add them to its `of`")


def _max_keys(counters: Iterable[Counter]) -> dict[str, int]:
    """How many entities of each kind may be counted: what the most generous of its counters says."""
    limits: dict[str, int] = {}
    for counter in counters:
        if counter.by != USER:
            limits[counter.by] = max(counter.max_keys or DEFAULT_MAX_KEYS, limits.get(counter.by, 0))
    return limits


def _inputs(declared: Declarations, models: dict[str, ModelSpec]) -> dict[str, list[Ref]]:
    """What each model reads; a model and its challenger what either does, as they are asked at the same place."""
    inputs = {}
    for name, spec in models.items():
        span = declared.spans[f"models.{name}"]
        refs = [declared.resolve(written, span) for written in spec.read]
        inputs[name] = [ref for ref in refs if ref is not None]
    for challenger, name in challengers(models).items():
        inputs[name] = inputs[challenger] = [*inputs[name], *inputs[challenger]]
    return inputs
