"""The shapes of the language as a JSON Schema, for editors."""

from engine.rulebook.language.rule_schema import (
    ACTION_OF_EXAMPLE,
    ARM,
    BUDGET,
    COOLDOWN,
    ENFORCE,
    EXAMPLE,
    LADDER,
    MAX_ACTIONS,
    META,
    PLAN,
    RULE,
    STEP,
    STEP_OF_EXAMPLE,
    THEN,
)
from engine.rulebook.language.schema import (
    BANK,
    CLAUSES,
    CLUSTER,
    CONSTANT,
    COUNTER,
    DATABASE,
    FIELD,
    FIELD_TYPES,
    HAVING,
    LIST,
    MACRO,
    MARK,
    MAX_STEPS,
    MEMORY,
    MODEL,
    NAME_PATTERN,
    OUTCOME,
    PARAM,
    POINTS,
    RATIO,
    SECTIONS,
    SEQUENCE,
    SEQUENCE_STEP,
    TABLE,
    TEXT,
    Json,
    Shape,
)
from engine.rulebook.language.well_known import WELL_KNOWN


def json_schema() -> Json:
    """A JSON Schema (2020-12) of a rulebook file, for editors. `floodgate rules check` knows more."""

    def shaped(shape: Shape, **inner: Json) -> Json:
        return {
            "type": "object",
            "additionalProperties": False,
            "required": [key for key, spec in shape.items() if spec.required],
            "properties": {
                key: {"description": spec.meaning, **inner.get(key, spec.schema)} for key, spec in shape.items()
            },
        }

    def named(schema: Json) -> Json:
        return {"type": "object", "propertyNames": {"pattern": NAME_PATTERN}, "additionalProperties": schema}

    by_segment: Json = {"type": "object", "additionalProperties": CONSTANT}
    step = shaped(STEP_OF_EXAMPLE)
    done: Json = {"anyOf": [shaped(ACTION_OF_EXAMPLE), {"const": "nothing"}]}
    several: Json = {"type": "array", "items": shaped(ACTION_OF_EXAMPLE), "minItems": 1, "maxItems": MAX_ACTIONS}
    example = shaped(
        EXAMPLE,
        steps={"type": "array", "items": step, "minItems": 1},
        given={"anyOf": [step, {"type": "array", "items": step, "minItems": 1}]},
        acts={
            "anyOf": [
                *done["anyOf"],
                {"type": "array", "items": {"anyOf": [*done["anyOf"], several]}, "minItems": 1},
            ]
        },
    )
    rule = shaped(
        RULE,
        then={
            "anyOf": [
                {"const": "allow"},
                shaped(THEN),
                {"type": "array", "items": shaped(THEN), "minItems": 1, "maxItems": MAX_ACTIONS},
            ]
        },
        cooldown=shaped(COOLDOWN),
        plan=shaped(PLAN),
        budget=shaped(BUDGET),
        arm=shaped(ARM),
        enforce=shaped(ENFORCE),
        meta=shaped(META),
        tests={"type": "array", "items": example},
    )
    column: Json = {"anyOf": [{"enum": list(FIELD_TYPES)}, shaped(FIELD)]}
    database = shaped(
        DATABASE,
        **{
            "as": {
                "anyOf": [
                    {"enum": list(WELL_KNOWN)},
                    {"type": "array", "items": {"enum": list(WELL_KNOWN)}, "minItems": 1},
                    named({"anyOf": [TEXT, shaped(FIELD)]}),
                ]
            }
        },
    )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Floodgate rulebook",
        **shaped(
            SECTIONS,
            fields=named(column),
            enrich={
                "type": "object",
                "additionalProperties": {"anyOf": [database, {"type": "array", "items": database, "minItems": 1}]},
            },
            tables=named(shaped(TABLE, fields=named(column))),
            values=named(
                {
                    "anyOf": [
                        {"description": "an expression of fields, lists and earlier values", **TEXT},
                        shaped(MEMORY),
                    ]
                }
            ),
            clusters=named(shaped(CLUSTER)),
            marks=named(shaped(MARK)),
            counters=named(shaped(COUNTER, having=shaped(HAVING))),
            sequences=named(
                shaped(
                    SEQUENCE,
                    steps={
                        "type": "array",
                        "items": {"anyOf": [TEXT, shaped(SEQUENCE_STEP)]},
                        "minItems": 1,
                        "maxItems": MAX_STEPS,
                    },
                )
            ),
            outcomes=named(shaped(OUTCOME)),
            derived=named({"anyOf": [TEXT, shaped(RATIO)]}),
            scores=named(POINTS),
            params=named({"anyOf": [CONSTANT, shaped(PARAM, values=by_segment)]}),
            macros=named({"anyOf": [CLAUSES, shaped(MACRO, args=named(CONSTANT))]}),
            lists=named(shaped(LIST)),
            banks=named(shaped(BANK)),
            models=named(shaped(MODEL)),
            ladders=named(shaped(LADDER, steps={"type": "array", "minItems": 1, "items": shaped(STEP)})),
            rules=named(rule),
        ),
    }
