"""What people write who know another language, or YAML's traps: found before a parser stumbles, with what to write."""

import re
from typing import NamedTuple

_QUOTED = re.compile(r"""(?:lists|banks)\.\w+|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'""")


class Slip(NamedTuple):
    """Where something in an expression is of another language, what it is, and what to write instead."""

    column: int
    width: int
    message: str
    hint: str


_SLIPS: tuple[tuple[re.Pattern[str], str, str], ...] = tuple(
    (re.compile(pattern), message, hint)
    for pattern, message, hint in (
        (r"&&", "`&&` is not part of the rule language", "write: and"),
        (r"\|\|", "`||` is not part of the rule language", "write: or"),
        (r"<>", "`<>` is not part of the rule language", "write: !="),
        (r"[=!]==", "`===` is not part of the rule language", "write: == or !="),
        (r"(?<![=!<>~])=[<>]", "`=>` is not part of the rule language", "write: >= or <="),
        (r"(?<![=!<>~])=(?![=~<>])", "one `=` does not compare", "write: =="),
        (r"=~|!~|~=", "`=~` is not part of the rule language", 'write: text matches "pattern"'),
        (r"!(?![=~])", "`!` is not part of the rule language", "write: not"),
        (r"(?<![\w.])[0-9]+(?:\.[0-9]+)?%(?!\s*(?!and\b|or\b|not\b|in\b)[\w.(])",
         "a share is written as a number", "50% is 0.5"),
        (r"\b(?:AND|OR|NOT|IN)\b", "the words of the rule language have small letters", "write: and, or, not, in"),
        (r"\bcontains\b", "`contains` is not part of the rule language", 'write: "word" in text'),
        (r"\b(?!starts_with\s*\()(?:starts?|begins?)[_ ]?with\b", "`starts with` is not part of the rule language",
         'write: starts_with(text, "word")'),
        (r"\b(?!ends_with\s*\()ends?[_ ]?with\b", "`ends with` is not part of the rule language",
         'write: ends_with(text, "word")'),
        (r"\bany_of\s*\(", "a list stands before `in` by itself: it asks for one of its items",
         "write: mentions in lists.protected"),
        (r"\b(?:like|rlike|regexp|match)\b(?!\s*[(=<>!.])", "`matches` asks for a pattern",
         'write: text matches "pattern"'),
        (r"\bbetween\b", "`between` is not part of the rule language", "write: 1 <= x <= 5"),
        (r"\bis\s+(?:not\s+)?(?:null|None|empty|unknown)\b", "whether something is there is asked with known()",
         "write: known(x) or not known(x)"),
    )
)  # fmt: skip


def find_slip(text: str) -> Slip | None:
    """The first of them in an expression; what is quoted is not looked at."""
    bare = _QUOTED.sub(lambda match: " " * len(match[0]), text)
    slips = [
        (match.start(), match.end() - match.start(), message, hint)
        for pattern, message, hint in _SLIPS
        if (match := pattern.search(bare))
    ]
    return Slip(*min(slips)) if slips else None


def is_open(text: str) -> bool:
    """Whether a bracket or a quotation mark is not closed: YAML has cut the text in two."""
    bare = _QUOTED.sub("", text)
    return (
        bare.count("(") > bare.count(")")
        or bare.count("[") > bare.count("]")
        or '"' in bare
        or bare.count("'") % 2 == 1
    )
