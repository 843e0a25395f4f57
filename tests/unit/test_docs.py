"""Documentation keeps up: every command, metric, setting and topic is explained, every link leads somewhere."""

import re
from pathlib import Path

import pytest

from engine.cli import COMMANDS, cli
from engine.mappings import ComputedField, EventSettings, LabelSettings
from engine.rulebook.compiler import check_rulebook
from engine.rulebook.language.expressions import FUNCTIONS
from engine.rulebook.language.reference import reference
from engine.rulebook.language.schema import ACTION_KINDS, FIELD_TYPES
from engine.security import PrivacySettings, SecuritySettings
from engine.settings import Settings
from engine.stream.handlers.metrics import Metrics
from engine.stream.kafka.topics import topic_specs

ROOT = Path(__file__).parents[2]
DOCS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
OPERATIONS = (ROOT / "docs" / "operations.md").read_text("utf-8")
WRITING = (ROOT / "docs" / "writing-rules.md").read_text("utf-8")


def test_every_command_is_documented_and_explains_itself() -> None:
    for name in COMMANDS:
        assert f"`floodgate {name}" in OPERATIONS, name
        command = cli.get_command(None, name)  # type: ignore[arg-type]  # the group needs no context
        assert command is not None
        assert command.help or getattr(command, "commands", None), name


def test_every_metric_is_documented() -> None:
    for metric in Metrics().registry.collect():
        if metric.name.startswith(("process_", "python_")):  # the client's own, documented by it
            continue
        name = f"{metric.name}_total" if metric.type == "counter" else metric.name
        assert f"| `{name}` | {metric.type} |" in OPERATIONS, name


@pytest.mark.parametrize(
    "settings", [Settings, EventSettings, ComputedField, LabelSettings, SecuritySettings, PrivacySettings]
)
def test_every_setting_is_documented(settings: type) -> None:
    for name in settings.__struct_fields__:  # type: ignore[attr-defined]  # of msgspec.Struct
        assert re.search(rf"`{name}`|^  {name}:", OPERATIONS, re.MULTILINE), name


def test_every_topic_is_documented() -> None:
    for spec in topic_specs(Settings(app_id="app_id")):
        assert f"| `{spec.name.replace('app_id', '<app_id>')}` | " in OPERATIONS, spec.name


def test_the_language_is_documented() -> None:
    for word in (*ACTION_KINDS, *FIELD_TYPES, *FUNCTIONS):
        assert word in WRITING, word


def test_the_reference_is_what_is_checked() -> None:
    """After a wanted change: floodgate rules reference > docs/reference.md"""
    assert (ROOT / "docs" / "reference.md").read_text("utf-8") == reference()


def test_the_cookbook_has_twenty_five_rules() -> None:
    cookbook = (ROOT / "docs" / "cookbook.md").read_text("utf-8")
    assert len(re.findall(r"^## \d+\. ", cookbook, re.MULTILINE)) == cookbook.count("```yaml\nversion: 1\n") == 25


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


def test_whole_rulebooks_in_the_docs_pass_their_check() -> None:
    checked = 0
    for document in DOCS:
        for block in re.findall(r"```yaml\n(.*?)```", document.read_text("utf-8"), re.DOTALL):
            if "version: 1" in block:
                rulebook, diagnostics = check_rulebook({"docs.yaml": block})
                assert rulebook is not None, diagnostics.report()
                checked += 1
    assert checked


def test_every_decision_says_whether_it_stands() -> None:
    """Its number, its status with a date, and which later decisions have changed it."""
    for path in sorted((ROOT / "docs" / "decisions").glob("*.md")):
        title, _, status = path.read_text("utf-8").splitlines()[:3]
        assert title.startswith(f"# {int(path.name[:4])}. "), path.name
        match = re.fullmatch(r"\*(?:Accepted|Superseded) \d{4}-\d\d-\d\d\.(?: Amended by (.+)\.)?\*", status)
        assert match, (path.name, status)
        for later in re.findall(r"\[(\d+)\]", match[1] or ""):
            assert int(later) > int(path.name[:4]), path.name
