"""The editor: drafts of the rulebook, checked by the engine itself while somebody writes."""

from urllib.parse import quote

import msgspec
import orjson
from starlette.responses import Response

from engine.console.store import drafts
from engine.console.store.drafts import Draft
from engine.console.store.histories import find_decision
from engine.console.trying.checking import raise_if_large
from engine.console.trying.composing import KINDS, RuleForm, compose, compose_like
from engine.console.web.visits import Page, Visit, json_response
from engine.errors import RequestError
from engine.rulebook.language.json_schema import json_schema

_MAX_TEXT_CHARS = 1_500_000
_FILE_SUFFIXES = (".yaml", ".yml", ".txt", ".csv")


def show_editor(visit: Visit) -> Response:
    """A draft with one of its files, or all drafts."""
    number = visit.number("draft", 0)
    if not number:
        with visit.store.read() as connection:
            found = drafts.open_drafts(connection)
        return visit.page("rules/drafts.html", drafts=found, standing=visit.console.control.standing())
    draft = seen_draft(visit, is_checked=False)
    file = visit.text("file", most=500) or next(iter(sorted(draft.files)), "")
    return visit.page(
        "rules/editor.html",
        draft=draft,
        file=file,
        text=draft.files.get(file, ""),
        in_use=_id_in_use(visit),
        kinds=KINDS,
    )


def begin_draft(visit: Visit) -> Response:
    """A draft of the rulebook in use, or of one that was pushed before."""
    standing = visit.console.control.standing()
    version = visit.number("version", 0, -1)
    chosen = next((one for one in standing.versions if version and one.number == version), standing.version)
    files = dict(chosen.sources) if chosen is not None else {"rules.yaml": "version: 1\n\nrules:\n"}
    return _begin(
        visit, files, f"Draft of {'version ' + str(chosen.number) if chosen is not None else 'a first rulebook'}."
    )


def save_draft(visit: Visit) -> Response:
    """Keep what is written in a file; an emptied file goes."""
    draft = seen_draft(visit)
    file, text = _file_name(visit.text("file", most=200)), _written(visit)
    files = dict(draft.files)
    files.pop(file, None)
    if text.strip():
        files[file] = text
    _save(visit, draft, files, file)
    return visit.go(place_of(visit, draft.id, file if file in files else ""), f"{file} is saved.")


def drop_draft(visit: Visit) -> Response:
    """Give a draft up."""
    draft = seen_draft(visit)
    with visit.store.write() as connection:
        drafts.drop(connection, draft, visit.now_ms)
        visit.note(connection, "dropped a draft", f"draft:{draft.id}")
    return visit.see("rule_editor", said=f"Draft {draft.id} is dropped.")


def add_by_form(visit: Visit) -> Response:
    """Add a rule that a form describes."""
    draft = seen_draft(visit)
    form = RuleForm(**{name: visit.text(name, most=1_000) for name in RuleForm._fields})
    file = f"{form.name}.yaml"
    if file in draft.files:
        raise RequestError(f"the draft has a file {file} already: choose another name")
    files = {**draft.files, file: compose(form)}
    checked = visit.console.checker.check(files)
    if checked.errors:
        told = "; ".join(error.message for error in checked.errors[:5])
        raise RequestError(f"the engine does not take this rule: {told}")
    _save(visit, draft, files, file)
    return visit.go(place_of(visit, draft.id, file), f"{form.name} is in the draft, in {form.mode or 'shadow'}.")


def begin_like(visit: Visit) -> Response:
    """A draft with a rule like a decision."""
    with visit.store.read() as connection:
        details = find_decision(connection, visit.number("decision", 0))
    if details is None:
        raise RequestError("there is no such decision, or it is older than the console keeps", 404)
    decision = orjson.loads(details.decision.document)
    fields = orjson.loads(details.event.document) if details.event is not None else None
    name = f"like_decision_{details.decision.id}"
    text = compose_like(decision, fields, name, visit.person.name)
    if visit.request.method == "GET":
        return visit.page("rules/like.html", decision=decision, number=details.decision.id, text=text)
    files = {**visit.console.control.standing().sources, f"{name}.yaml": text}
    return _begin(visit, files, "A rule like the decision is in the draft, in shadow.", f"{name}.yaml")


def check_text(visit: Visit) -> Response:
    """What the engine says of a file as it is written, with the other files of its draft; or of whole files."""
    body = visit.body if isinstance(visit.body, dict) else {}
    files, file = body.get("files"), str(body.get("file") or "")
    if files is None:
        text, number = body.get("text"), str(body.get("draft") or "")
        if not isinstance(text, str):
            raise RequestError('send {"text": …, "file": …, "draft": …}, or {"files": {name: text}}')
        file = file or "rules.yaml"
        files = {file: text}
        if number.isdecimal():
            with visit.store.read() as connection:
                files = {**drafts.find(connection, int(number)).files, file: text}
    if not _are_files(files):
        raise RequestError("`files` maps names to texts")
    checked = visit.console.checker.check(files)
    concerned = [finding for finding in checked.findings if not file or finding.file in ("", file)]
    elsewhere = len(checked.findings) - len(concerned)
    return json_response(
        {
            "rulebook": checked.rulebook,
            "diagnostics": msgspec.to_builtins(concerned),
            "elsewhere": elsewhere,
            "tests": msgspec.to_builtins(checked.tests),
            "event_us": checked.event_us,
            "record_bytes": checked.record_bytes,
        }
    )


def run_tests(visit: Visit) -> Response:
    """Run the inline tests of a draft with what is written in one of its files."""
    draft = seen_draft(visit, is_checked=False)
    file, text = visit.text("file", most=200), _written(visit)
    files = {**draft.files, file: text} if file and text else draft.files
    checked = visit.console.checker.check(files)
    template = "rules/checked.html" if visit.is_partial else "rules/checked_page.html"
    return visit.page(template, checked=checked, draft=draft, file=file)


def tell_schema(visit: Visit) -> Response:
    """The JSON Schema of rulebook files, for completion."""
    return json_response(json_schema())


def seen_draft(visit: Visit, is_checked: bool = True) -> Draft:
    """The draft that is asked for. Raises RequestError where it is not as the page has it (`is_checked`)."""
    with visit.store.read() as connection:
        draft = drafts.find(connection, visit.number("draft", 0))
    if is_checked and visit.number("changed_ms", 0) != draft.changed_ms:
        raise RequestError("somebody has changed this draft meanwhile: load it again, and write it once more", 409)
    return draft


def place_of(visit: Visit, number: int, file: str = "") -> str:
    """Where a draft is edited."""
    query = f"?draft={number}"
    return visit.url_of("rule_editor") + query + (f"&file={quote(file)}" if file else "")


def _begin(visit: Visit, files: dict[str, str], said: str, file: str = "") -> Response:
    raise_if_large(files)
    with visit.store.write() as connection:
        number = drafts.begin(connection, visit.person.name, _id_in_use(visit), files, visit.now_ms)
        visit.note(connection, "began a draft", f"draft:{number}")
    return visit.go(place_of(visit, number, file), said)


def _save(visit: Visit, draft: Draft, files: dict[str, str], file: str) -> None:
    raise_if_large(files)
    with visit.store.write() as connection:
        drafts.save(connection, draft, files, visit.now_ms)
        visit.note(connection, "edited a draft", f"draft:{draft.id}", file=file)


def _id_in_use(visit: Visit) -> str:
    version = visit.console.control.standing().version
    return version.id if version is not None else ""


def _written(visit: Visit) -> str:
    """What stands in the editor, with the ends of lines that files have. Raises RequestError."""
    text = visit.form.get("text", "")
    if not isinstance(text, str) or len(text) > _MAX_TEXT_CHARS:
        raise RequestError(f"a file has at most {_MAX_TEXT_CHARS:,} characters", 413)
    return text.replace("\r\n", "\n")


def _file_name(name: str) -> str:
    parts = name.split("/")
    if not name.isprintable() or not name.endswith(_FILE_SUFFIXES) or any(part in ("", ".", "..") for part in parts):
        raise RequestError(f"a file of a rulebook is called such as spam.yaml or lists/bad.txt, not {name[:100]!r}")
    return name


def _are_files(files: object) -> bool:
    return isinstance(files, dict) and all(
        isinstance(name, str) and isinstance(text, str) for name, text in files.items()
    )


PAGES = (
    Page("/rules/edit", "rule_editor", show_editor),
    Page("/rules/edit", "draft_begin", begin_draft, "POST"),
    Page("/rules/edit/save", "draft_save", save_draft, "POST"),
    Page("/rules/edit/drop", "draft_drop", drop_draft, "POST"),
    Page("/rules/edit/form", "rule_form", add_by_form, "POST"),
    Page("/rules/edit/tests", "draft_tests", run_tests, "POST"),
    Page("/rules/like", "rule_like", begin_like),
    Page("/rules/like", "rule_like_begin", begin_like, "POST"),
    Page("/rules/check", "rules_check", check_text, "POST", is_api=True),
    Page("/api/rules/check", "api_rules_check", check_text, "POST", is_api=True, summary="Check a rulebook"),
    Page("/rules/schema.json", "rules_schema", tell_schema),
)
