"""Documentation keeps up: every command, metric, setting and topic is explained, every link leads somewhere."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import click
import orjson
import pytest
import yaml

from engine.candidate_settings import CandidateSettings
from engine.cli import COMMANDS, cli
from engine.console_settings import ConsoleSettings
from engine.core.state.records import VERSION as RECORDS
from engine.delivery.metrics import DeliveryMetrics
from engine.delivery_settings import DeliverySettings, ReceiverSettings
from engine.enrichment_settings import EnricherSettings, EnrichmentSettings
from engine.export.metrics import ExportMetrics
from engine.export_settings import ExportSettings
from engine.intake.metrics import IntakeMetrics
from engine.intake_settings import IntakeSettings, SourceSettings
from engine.learning.features import VERSION as FEATURES
from engine.mappings import ComputedField, EventSettings, LabelSettings
from engine.rulebook.compiler import check_rulebook, load_rulebook
from engine.rulebook.language.functions import FUNCTIONS
from engine.rulebook.language.reference import reference
from engine.rulebook.language.rule_schema import ACTION_KINDS
from engine.rulebook.language.schema import FIELD_TYPES
from engine.security import PrivacySettings, SecuritySettings
from engine.serve.metrics import ServeMetrics
from engine.serve_settings import ServeSettings, SurfaceSettings
from engine.settings import Settings
from engine.stream.handlers.metrics import Metrics
from engine.stream.kafka.topics import topic_specs
from engine.stream.offline.arrivals import Arrival
from engine.stream.offline.engine import OfflineEngine
from engine.stream.supervisor.pages import ProcessMetrics
from engine.trace_settings import TraceSettings
from tests.events import START_MS

ROOT = Path(__file__).parents[2]
DOCS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


def pages(folder: str) -> str:
    """The pages of a folder of docs/ as one text."""
    return "\n".join(page.read_text("utf-8") for page in sorted((ROOT / "docs" / folder).glob("*.md")))


DECLARED = ("fields", "params", "macros", "lists", "values", "clusters", "counters", "sequences", "derived", "models",
            "ladders")  # fmt: skip
LOOKED_UP = {"enrich", "tables"}
"""What stands beside them is for whole rulebooks alone."""
OPERATIONS, WRITING = pages("operators"), pages("rules")


def test_every_command_is_documented_and_explains_itself() -> None:
    for name in COMMANDS:
        assert f"`floodgate {name}" in OPERATIONS, name
        command = cli.get_command(None, name)  # type: ignore[arg-type]  # the group needs no context
        assert command is not None
        assert command.help or getattr(command, "commands", None), name


def test_every_metric_is_documented() -> None:
    registries = [of().registry for of in (Metrics, DeliveryMetrics, ExportMetrics, IntakeMetrics, ServeMetrics)]
    for metric in [*(one for each in registries for one in each.collect()), *ProcessMetrics([]).collect()]:
        if metric.name.startswith(("process_", "python_")):  # the client's own, documented by it
            continue
        name = f"{metric.name}_total" if metric.type == "counter" else metric.name
        assert f"| `{name}` | {metric.type} |" in OPERATIONS, name


@pytest.mark.parametrize(
    "settings",
    [
        Settings, ConsoleSettings, DeliverySettings, ReceiverSettings, EnrichmentSettings, EnricherSettings,
        ExportSettings, EventSettings, ComputedField, LabelSettings, SecuritySettings, PrivacySettings,
        IntakeSettings, SourceSettings, ServeSettings, SurfaceSettings, CandidateSettings, TraceSettings,
    ],
)  # fmt: skip
def test_every_setting_is_documented(settings: type) -> None:
    for name in settings.__struct_fields__:  # type: ignore[attr-defined]  # of msgspec.Struct
        assert re.search(rf"`{name}`|^  {name}:", OPERATIONS, re.MULTILINE), name


def test_every_topic_is_documented() -> None:
    enrichment = EnrichmentSettings({"length": EnricherSettings()})
    serve = ServeSettings({"door": SurfaceSettings(("signup",))})
    for spec in topic_specs(Settings(app_id="app_id", enrichment=enrichment, serve=serve)):
        assert f"| `{spec.name.replace('app_id', '<app_id>')}` | " in OPERATIONS, spec.name


def test_the_language_is_documented() -> None:
    for word in (*ACTION_KINDS, *FIELD_TYPES, *FUNCTIONS):
        assert word in WRITING, word


def test_the_reference_is_what_is_checked() -> None:
    """After a wanted change: floodgate rules reference > docs/reference.md"""
    assert (ROOT / "docs" / "reference.md").read_text("utf-8") == reference()


def test_the_cookbook_lists_its_rules_and_each_of_them_shows_when_it_fires() -> None:
    """One rulebook under each heading; those of practitioners have tests of both kinds."""
    overview = (ROOT / "docs" / "cookbook.md").read_text("utf-8")
    listed = re.findall(r"^\| (\d+) \| \[(.+?)\]\((cookbook/[\w-]+\.md)#", overview, re.MULTILINE)
    assert overview.startswith(f"# Cookbook\n\n{len(listed)} rules to start from.")
    written = []
    for page in (ROOT / "docs" / "cookbook").glob("*.md"):
        for recipe in re.split(r"^## ", page.read_text("utf-8"), flags=re.MULTILINE)[1:]:
            number, title = recipe.partition("\n")[0].split(". ", 1)
            written.append((number, title, f"cookbook/{page.name}"))
            assert recipe.count("```yaml\nversion: 1\n") == recipe.count("```yaml") == 1, title
            if page.name != "basics.md":
                assert "fires: never" in recipe, title
                assert re.search("fires: always|fires_at: ", recipe), title
    assert sorted(written) == sorted(listed)


def test_the_cookbook_counts_how_well_rules_are_said() -> None:
    overview = (ROOT / "docs" / "cookbook.md").read_text("utf-8")
    said = re.findall(r"^\| \d+ \| .+ \| (native|workaround|impossible) \| (\w+) \|$", overview, re.MULTILINE)
    counted = re.findall(r"^\| (native|workaround|impossible) \| (\d+) \| (\d+) \|$", overview, re.MULTILINE)
    assert f"counts the {len(said)} practitioners' rules" in overview
    before, now = (Counter(one[at] for one in said) for at in (0, 1))
    assert counted == [(how, str(before[how]), str(now[how])) for how in ("native", "workaround", "impossible")]


def anchors(document: Path) -> set[str]:
    """What a link may have behind `#`: its headings in small letters, hyphens for blanks, without other signs."""
    text = re.sub(r"^```.*?^```$", "", document.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


def test_links_lead_somewhere() -> None:
    for document in DOCS:
        for target in re.findall(r"\]\(([^)]+)\)", document.read_text("utf-8")):
            if not target.startswith("https://"):
                path, _, anchor = target.partition("#")
                page = document.parent / path if path else document
                assert page.exists(), (document.name, target)
                assert not anchor or anchor in anchors(page), (document.name, target)


def test_files_that_pages_name_are_there() -> None:
    named = re.compile(r"`((?:engine|tests|deploy|examples|rules)/[\w./-]+)`")
    missing = [
        (page.name, name)
        for page in ROOT.glob("docs/**/*.md")
        for name in named.findall(page.read_text("utf-8"))
        if not (ROOT / name).exists()
    ]
    assert missing == []


def test_the_page_on_upgrades_names_the_formats_that_are_written() -> None:
    page = (ROOT / "docs/operators/run.md").read_text("utf-8")
    assert f"Format {RECORDS} is written" in page
    assert f"Of the default learner format {FEATURES} is read" in page


def test_whole_rulebooks_in_the_docs_pass_their_check() -> None:
    checked = 0
    for document in DOCS:
        for block in re.findall(r"```yaml\n(.*?)```", document.read_text("utf-8"), re.DOTALL):
            if "version: 1" in block:
                rulebook, diagnostics = check_rulebook({"docs.yaml": block})
                assert rulebook is not None, diagnostics.report()
                checked += 1
    assert checked


def test_what_another_products_words_become_can_be_said() -> None:
    """Each clause in the tables stands in a rule beside the rulebook below its table."""
    page, clauses = (ROOT / "docs" / "rules" / "say.md").read_text("utf-8"), 0
    for section in page.split("\n## ")[1:-1]:
        (book,) = re.findall(r"```yaml\n(.*?)```", section, re.DOTALL)
        said = yaml.safe_load(book)
        said["rules"] = {name: {**rule, "tests": []} for name, rule in said["rules"].items()}
        for row in re.findall(r"^\| .+ \| (`.+`) \|$", section, re.MULTILINE):
            for clause in re.findall(r"`([^`]+)`", row.replace("\\|", "|")):
                asked = {"event": "any", "when": [clause], "then": {"flag": "x"}, "mode": "shadow"}
                rules = {**said["rules"], "asked": asked}
                written = yaml.safe_dump({**said, "rules": rules}, sort_keys=False, width=10_000)
                rulebook, diagnostics = check_rulebook({"say.yaml": written})
                assert rulebook is not None, (clause, diagnostics.report())
                clauses += 1
    assert clauses > 70


def _asks(said: Any, names: Iterable[str]) -> bool:
    """Whether a counter's `where` names one of these, which may stand further down."""
    where = said.get("where") if isinstance(said, dict) else None
    return isinstance(where, str) and any(name in where for name in names)


def test_parts_of_rulebooks_pass_their_check_beside_what_is_declared_around_them() -> None:
    """The pages of rules show sections without the rest: what these name is declared somewhere on the pages."""
    blocks = re.findall(r"^```yaml\n(.*?)^```", WRITING, re.DOTALL | re.MULTILINE)
    shown = [(block, yaml.safe_load(block)) for block in blocks]
    basics = (ROOT / "docs" / "rules" / "write.md").read_text("utf-8")  # its whole rulebooks go on with one another
    known = [part for block, part in shown if "version" not in part or block in basics]
    declared: dict[str, dict[str, Any]] = {}
    for section in DECLARED:
        named = [part[section] for part in known if section in part and not part.keys() & LOOKED_UP]
        taken = {name for names in declared.values() for name in names}
        parts = ((name, said) for part in reversed(named) for name, said in part.items())
        plain_first = sorted(parts, key=lambda part: "where" in part[1] if isinstance(part[1], dict) else False)
        declared[section] = {name: said for name, said in plain_first if name not in taken}
    files = {said["file"]: "shop.example\n" for said in declared["lists"].values() if "file" in said}
    checked = 0
    for block, part in shown:
        if "version" not in part and part.keys() <= {*DECLARED, "rules"}:
            own, chained = {name for names in part.values() for name in names}, declared["counters"]
            rest = {
                section: {
                    name: said for name, said in all_of_it.items() if name not in own and not _asks(said, chained)
                }
                for section, all_of_it in declared.items()
            }
            around = yaml.safe_dump({"version": 1, **rest}, sort_keys=False)
            rulebook, diagnostics = check_rulebook(
                {"around.yaml": around, "part.yaml": f"version: 1\n{block}", **files}
            )
            assert rulebook is not None, f"{block}\n{diagnostics.report()}"
            checked += 1
    assert checked > 10


@pytest.mark.parametrize("page", ["README.md", "docs/index.md"])
def test_the_first_rule_acts_as_its_page_tells(page: str) -> None:
    """Anna's ninth post within a minute: the action, its explanation."""
    text = (ROOT / page).read_text("utf-8")
    block = next(block for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL) if "post_flood" in block)
    arrivals = []
    for ts in range(START_MS, START_MS + 45_000, 5_000):
        post = {"event_id": f"p-{ts}", "type": "post", "user_id": "anna", "ts": ts, "author": {"verified": False}}
        arrivals.append(Arrival("event", ts, orjson.dumps(post)))
    published = OfflineEngine(load_rulebook({"rules.yaml": block}), Settings()).run(arrivals)
    (action,) = [orjson.loads(message.value) for message in published if message.topic == "actions"]
    assert action["event_id"] == f"p-{START_MS + 40_000}"
    assert action["explanation"] in text
    for shown in map(orjson.loads, re.findall(r"```json\n(.*?)```", text, re.DOTALL)):
        assert {name: action[name] for name in shown} == shown


def quoted_commands() -> Iterator[str]:
    """What the documents quote of `floodgate`, in lines of their own or within a sentence."""
    for document in DOCS:
        text = document.read_text("utf-8")
        for block in re.findall(r"^```sh[^\n]*\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
            yield from (line.partition(" #")[0] for line in block.splitlines())
        if document.name != "CHANGELOG.md":  # it tells of what was, too
            yield from re.findall(r"`([^`]+)`", re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE))


def test_quoted_commands_exist_and_have_the_options_that_they_are_quoted_with() -> None:
    quoted = 0
    for line in quoted_commands():
        if line == "floodgate signature 1":  # with which signed bytes begin
            continue
        for _, said in re.findall(r"(^|[;&|/ ])floodgate ((?:[a-z]|--version)[^|&;>]*)", line.strip()):
            command: click.Command = cli
            words = said.replace("\n", " ").split()
            while isinstance(command, click.Group) and words and not words[0].startswith("-"):
                found = command.get_command(click.Context(command), words[0].strip(",."))
                assert found is not None, line
                command, words = found, words[1:]
            known = {name for parameter in command.params for name in parameter.opts}
            asked = {word.partition("=")[0] for word in words if re.fullmatch(r"--[a-z-]+(=.*)?", word)}
            assert asked <= {*known, "--help", "--version"}, (line, asked - known)
            quoted += 1
    assert quoted > 200


def test_every_decision_says_whether_it_stands() -> None:
    """Its number, its status with a date, and which later decisions have changed it."""
    for path in sorted((ROOT / "docs" / "decisions").glob("*.md")):
        title, _, status = path.read_text("utf-8").splitlines()[:3]
        assert title.startswith(f"# {int(path.name[:4])}. "), path.name
        match = re.fullmatch(r"\*(?:Accepted|Superseded) \d{4}-\d\d-\d\d\.(?: Amended by (.+)\.)?\*", status)
        assert match, (path.name, status)
        for later in re.findall(r"\[(\d+)\]", match[1] or ""):
            assert int(later) > int(path.name[:4]), path.name


def test_what_contributors_are_sent_to_is_there() -> None:
    """The rows of the table: files of `engine/`, then tests."""
    rows = re.findall(r"^\| (.+) \| (.+) \| (.+) \|$", (ROOT / "CONTRIBUTING.md").read_text("utf-8"), re.MULTILINE)
    assert len(rows) > 5
    for _, code, tests in rows:
        for root, cell in ((ROOT / "engine", code), (ROOT / "tests" / "unit", tests)):
            folder = root
            for path in re.findall(r"`([\w./]+(?:\.pyx?|/))`", cell):
                if "/" in path and not path.startswith("tests/"):
                    folder = (root / path).parent if not path.endswith("/") else root / path
                found = [base / path for base in (root, folder, ROOT) if (base / path).exists()]
                assert found, path
