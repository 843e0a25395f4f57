"""Gives an event what reference data knows about it, once, before it is decided and before ids get pseudonyms."""

from typing import Any

from engine.core.domain.programs import Program
from engine.core.domain.reference import VERSIONS, ReferenceData, key_of
from engine.core.domain.rules import Rulebook
from engine.core.kernel import lookup as value_at


def enrich(fields: dict[str, Any], rulebook: Rulebook, program: Program, reference: ReferenceData, at_ms: int) -> None:
    """Look up what events of this type need, in place: a value that is not known is absent, whatever its sender has put
    there. Later lookups may go by what earlier ones have found."""
    for path in rulebook.looked_up:
        fields.pop(path, None)
    versions: dict[str, str] = {}
    for lookup in program.lookups:
        if lookup.kind == "mmdb":
            version = reference.version(lookup.source)
            if version is not None:
                versions[lookup.source] = version
        key = key_of(value_at(fields, lookup.key))
        if key is None:
            continue
        row = rulebook.tables[lookup.source].get(key) if lookup.kind == "file" else reference.find(lookup, key, at_ms)
        if row is not None:
            for column, value in zip(lookup.columns, row, strict=True):
                if value is not None:
                    fields[column.path] = value
    if versions:
        fields[VERSIONS] = versions
