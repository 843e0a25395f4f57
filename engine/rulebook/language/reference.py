"""The reference of the language, written from the shapes that are checked: what each key of a rulebook means."""

from collections.abc import Iterator, Mapping

from engine.rulebook.language import rule_schema, schema
from engine.rulebook.language.functions import FUNCTIONS
from engine.rulebook.language.nodes import a_type
from engine.rulebook.language.schema import Json, Shape

PARTS: Mapping[str, tuple[str, Shape]] = {
    "A file": ("Each file may have any of these sections; all files together are one rulebook.", schema.SECTIONS),
    "fields": ("`name: type`, or", schema.FIELD),
    "enrich": ("`a field with an address:` and one of these, or a list of them", schema.DATABASE),
    "tables": ("`name:` and", schema.TABLE),
    "counters": ("`name:` and", schema.COUNTER),
    "having": ("", schema.HAVING),
    "values": ("`name:` and", schema.MEMORY),
    "sequences": ("`name:` and", schema.SEQUENCE),
    "steps of sequences": ("`a type of events`, or", schema.SEQUENCE_STEP),
    "outcomes": ("`name:` and", schema.OUTCOME),
    "clusters": ("`name:` and", schema.CLUSTER),
    "marks": ("`name:` and", schema.MARK),
    "derived": ("`name: an expression`, or", schema.RATIO),
    "params": ("`name: a constant`, or", schema.PARAM),
    "macros": ("`name: a list of clauses`, or", schema.MACRO),
    "lists": ("`name:` and", schema.LIST),
    "banks": ("`name:` and", schema.BANK),
    "models": ("`name:` and", schema.MODEL),
    "rules": ("`name:` and", rule_schema.RULE),
    "then": ("`allow`, or one action, or a list of up to four, with", rule_schema.THEN),
    "ladders": ("`name:` and", rule_schema.LADDER),
    "steps": ("A list; each of them one action with", rule_schema.STEP),
    "cooldown": ("", rule_schema.COOLDOWN),
    "plan": ("", rule_schema.PLAN),
    "budget": ("", rule_schema.BUDGET),
    "arm": ("", rule_schema.ARM),
    "enforce": ("", rule_schema.ENFORCE),
    "meta": ("", rule_schema.META),
    "tests": ("A list; each of them", rule_schema.EXAMPLE),
}
_KINDS = {
    "object": "a mapping",
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
}
_BOUNDS = {"minimum": "from", "exclusiveMinimum": "above", "maximum": "to", "exclusiveMaximum": "below"}


def reference() -> str:
    """As Markdown."""
    lines = [
        "# Reference of the rulebook language",
        "",
        "Written by `floodgate rules reference` from what `floodgate rules check` checks. How to use it all:",
        "[writing-rules.md](writing-rules.md).",
    ]
    for title, (lead, shape) in PARTS.items():
        lines += [
            "",
            f"## {title}",
            "",
            *([lead, ""] if lead else []),
            "| key | holds | meaning |",
            "| --- | --- | --- |",
        ]
        lines += _rows(shape)
    lines += ["", "## Functions", "", "In clauses, and in values. Brackets are around what may be left out.", ""]
    lines += ["| you write | gives | meaning |", "| --- | --- | --- |"]
    for name, function in FUNCTIONS.items():
        lines.append(f"| `{function.written(name)}` | {a_type(function.gives)} | {function.meaning} |")
    return "\n".join(lines) + "\n"


def _rows(shape: Shape) -> Iterator[str]:
    for name, key in shape.items():
        needed = "**" if key.required else ""
        yield f"| {needed}`{name}`{needed} | {holds(key.schema)} | {key.meaning} |"


def holds(schema: Json) -> str:
    """What a schema allows, in few words."""
    if "enum" in schema:
        return ", ".join(f"`{word}`" for word in schema["enum"])
    if "const" in schema:
        return f"`{str(schema['const']).lower() if isinstance(schema['const'], bool) else schema['const']}`"
    if "anyOf" in schema:
        return " or ".join(holds(alternative) for alternative in schema["anyOf"])
    kind = schema.get("type", "")
    if kind == "array":
        return "a list"
    if isinstance(kind, list):
        return " or ".join(str(_KINDS.get(name, name)) for name in kind)
    bounds = [f"{word} {schema[name]:,}" for name, word in _BOUNDS.items() if name in schema]
    if "pattern" in schema and "ms|s|m|h|d|w" in schema["pattern"]:
        return "a duration, such as 10m"
    return " ".join([_KINDS.get(kind, "anything"), *bounds])
