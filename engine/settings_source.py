"""A settings file as it is read, and what operators are told of a setting that cannot work."""

import re
from collections.abc import Iterable
from difflib import get_close_matches
from enum import Enum
from pathlib import Path
from typing import Any, get_args, get_type_hints

import msgspec
import yaml

from engine.errors import SettingsError

_WORDS = {
    "int": "a whole number",
    "float": "a number",
    "str": "a text",
    "bool": "true or false",
    "object": "a group of settings",
    "array": "a list",
    "null": "nothing",
}
"""What msgspec calls them in code: operators write YAML."""


class _UniqueKeys(yaml.SafeLoader):
    """YAML in which a name stands once: of two, the last one would win without a word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        names = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in names:
                    raise yaml.constructor.ConstructorError(None, None, f"`{key.value}` is set twice", key.start_mark)
                names.add(key.value)
        return super().construct_mapping(node, deep)


def read_settings_file(path: Path) -> dict[str, Any]:
    """What a file says, by name. Raises SettingsError in one line, with the place in the file where there is one."""
    try:
        values = yaml.load(path.read_text("utf-8"), _UniqueKeys) or {}  # a SafeLoader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        problem = " ".join(part for part in (error.context, error.problem) if part)
        raise SettingsError(f"the settings file {path}{place} cannot be read: {problem}") from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        problem = " ".join(str(error).split())
        raise SettingsError(f"the settings file {path} cannot be read: {problem}") from error
    if not isinstance(values, dict):
        raise SettingsError(f"the settings file {path} must be a mapping of names, such as `partitions: 8`")
    return values


def refusal(error: msgspec.ValidationError, settings: type, variables: Iterable[str] = ()) -> str:
    """Why settings cannot work, as operators say it, and by which variable where the environment has set it."""
    message, _, place = str(error).partition(" - at ")
    path = place.strip("`").removeprefix("$").removeprefix(".")
    path = re.sub(r"\[[^\]]*\]", ".*", path)
    inside, found = f"{path}." if path else "", re.findall("[`'](.*?)[`']", message)
    names = [path.removesuffix(".*")]
    if message.startswith("Object contains unknown field"):
        names = [inside + found[0]]
        near = get_close_matches(found[0], _names(_kind_at(settings, path)), 1)
        told = f"there is no setting `{names[0]}`" + (f": is `{inside}{near[0]}` meant?" if near else "")
    elif message.startswith("Object missing required field"):
        told = f"`{inside}{found[0]}` has to be set"
    elif place.startswith("`key`"):
        told = "names of settings are texts"
    elif message.startswith("Expected") and len(found) == 2 and path:
        wanted, given = (" or ".join(_WORDS.get(word, word) for word in kinds.split(" | ")) for kinds in found)
        told = f"`{path}` is {wanted}, not {given}"
    elif message.startswith("Invalid enum value") and (allowed := _names(_kind_at(settings, path))):
        told = f"`{path.removesuffix('.*')}` is {', '.join(allowed[:-1])} or {allowed[-1]}, not '{found[0]}'"
    else:
        told = message  # it names the setting itself
    set_by = [name for name in variables if name.partition("_")[2].lower().replace("__", ".") in names]
    return told + (f" (set by {set_by[0]})" if set_by else "")


def _names(kind: Any) -> list[str]:
    """What may stand there: settings of a group, or values of a choice."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return [field.encode_name for field in msgspec.structs.fields(kind)]
    if isinstance(kind, type) and issubclass(kind, Enum):
        return [str(value.value) for value in kind]
    return [value for value in get_args(kind) if isinstance(value, str)]


def _kind_at(kind: Any, path: str) -> Any:
    """The type of the setting there; `*` is any entry of a list, or of a mapping by name."""
    for name in filter(None, path.split(".")):
        if name == "*":
            kind = next((inner for inner in reversed(get_args(kind)) if inner is not ...), None)
        else:
            kind = get_type_hints(kind).get(name) if isinstance(kind, type) else None
    return kind
