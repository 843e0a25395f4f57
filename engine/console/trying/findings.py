"""What the engine says of a rulebook, for an editor: findings with their places, inline tests, costs."""

from collections.abc import Mapping

import msgspec

from engine.rulebook.checks.costs import estimate_costs
from engine.rulebook.checks.keeping import longest_kept
from engine.rulebook.compiler import check_rulebook
from engine.rulebook.language.diagnostics import Diagnostic, Diagnostics, Severity, Span
from engine.rulebook.sections.reading import read_declarations
from engine.rulebook.sections.rules import read_rules

MAX_EVENT_US, MAX_RECORD_BYTES = 1_000.0, 131_072
"""What `floodgate rules push` lets a rulebook cost, unless told otherwise."""

_MOST_FINDINGS = 200
_MAX_MESSAGE_CHARS = 2_000


class Finding(msgspec.Struct, frozen=True):
    """One finding. Lines and columns count from 1."""

    file: str
    line: int
    column: int
    end_column: int
    severity: Severity
    message: str


class InlineTest(msgspec.Struct, frozen=True):
    """One inline test. `problem`: why it fails; empty: it passes."""

    rule: str
    file: str
    line: int
    problem: str


class Checked(msgspec.Struct, frozen=True):
    """A rulebook as it was checked. `rulebook`: its id; None where something is wrong with it. `tests`: those that
    ran; `event_us`, `record_bytes`: costs by type of event and by entity; `longest_keep_ms`: of what it remembers."""

    rulebook: str | None
    findings: list[Finding]
    tests: list[InlineTest] = []
    rules: int = 0
    counters: int = 0
    event_us: dict[str, float] = {}
    record_bytes: dict[str, int] = {}
    longest_keep_ms: int = 0

    @property
    def errors(self) -> list[Finding]:
        """What keeps it from being used."""
        return [finding for finding in self.findings if finding.severity == "error"]


def check(sources: Mapping[str, str]) -> Checked:
    """Check a rulebook, and run its inline tests."""
    try:
        rulebook, diagnostics = check_rulebook(sources)
    except (RecursionError, MemoryError, ValueError) as error:  # as `load_rulebook` takes it
        return Checked(None, [Finding("", 1, 1, 2, "error", f"the check itself failed: {type(error).__name__}")])
    findings = [_finding(diagnostic) for diagnostic in diagnostics.findings[:_MOST_FINDINGS]]
    tests = _tests(sources, diagnostics) if diagnostics.tests_run else []
    if rulebook is None:
        return Checked(None, findings, tests)
    costs = estimate_costs(rulebook)
    findings += _unaffordable(costs.event_us, costs.record_bytes)
    return Checked(
        rulebook=rulebook.id,
        findings=findings,
        tests=tests,
        rules=len(rulebook.rules),
        counters=len(rulebook.counters),
        event_us=dict(costs.event_us),
        record_bytes=dict(costs.record_bytes),
        longest_keep_ms=longest_kept(rulebook)[1],
    )


def _finding(diagnostic: Diagnostic) -> Finding:
    span = diagnostic.span
    hint = f" ({diagnostic.hint})" if diagnostic.hint else ""
    return Finding(
        file=span.file,
        line=span.line + 1,
        column=span.column + 1,
        end_column=span.column + 1 + max(1, span.width),
        severity=diagnostic.severity,
        message=f"{diagnostic.message}{hint}"[:_MAX_MESSAGE_CHARS],
    )


def _tests(sources: Mapping[str, str], diagnostics: Diagnostics) -> list[InlineTest]:
    """All inline tests with what became of them: they ran, so nothing but them can be wrong."""
    declared = read_declarations(sources, Diagnostics(sources))
    spans = [(rule.rule.name, node.span) for rule in read_rules(declared) for node in rule.tests]
    problems: dict[Span, list[str]] = {}
    for finding in diagnostics.errors:
        before = [span for _, span in spans if span.file == finding.span.file and span.line <= finding.span.line]
        if before:
            nearest = max(before, key=lambda span: (span.line, span.column))
            problems.setdefault(nearest, []).append(_finding(finding).message)
    return [InlineTest(rule, span.file, span.line + 1, "; ".join(problems.get(span, ()))) for rule, span in spans]


def _unaffordable(event_us: Mapping[str, float], record_bytes: Mapping[str, int]) -> list[Finding]:
    messages = [
        f"{kind} events cost about {us:,.0f} µs, at most {MAX_EVENT_US:,.0f} are pushed from here"
        for kind, us in event_us.items()
        if us > MAX_EVENT_US
    ] + [
        f"a {kind} keeps {size:,} bytes when full, at most {MAX_RECORD_BYTES:,} are pushed from here"
        for kind, size in record_bytes.items()
        if size > MAX_RECORD_BYTES
    ]
    return [Finding("", 1, 1, 2, "error", message) for message in messages]
