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


_AFTER_A_NAME = r"(?<=[\w)\]])(?<!\band)(?<!\bor)(?<!\bnot)(?<!\bin)\s+"
"""What stands where an operator would."""

_COUNTED = "what is counted is declared: `counters: {posts_1h: {count: post, by: user_id, over: 1h}}`"
_SEGMENTS = "one limit for each segment is declared: `params: {most: {default: 3, by: country, values: {DE: 5}}}`"
_BEFORE = "declare it: `values: {last_country: {last: country, of: login_ok, by: user_id, keep: 90d}}`"
_UNITS = "write 7d, 24h or 10m: the units are ms s m h d w, a month is 30d and a year 365d"

_SLIPS: tuple[tuple[re.Pattern[str], str, str], ...] = tuple(
    (re.compile(pattern), message, hint)
    for pattern, message, hint in (
        (r"&&", "`&&` is not part of the rule language", "write: and"),
        (r"\|\|", "`||` is not part of the rule language", "write: or"),
        (r"<>", "`<>` is not part of the rule language", "write: !="),
        (r"[=!]==", "`===` is not part of the rule language", "write: == or !="),
        (r"=[<>]", "`=<` and `=>` are not part of the rule language", "write: <= or >="),
        (r":=", "a name is given elsewhere", "write it under `values:` or `derived:`, and use the name here"),
        (r"(?<![\w.]):[A-Za-z_]\w*:", "a name stands alone", "write: card_country != ip_country"),
        (r"(?<![=!<>~:])=(?![=~<>])", "one `=` does not compare", "write: =="),
        (r"=~|!~|~=", "`=~` is not part of the rule language", 'write: text matches "pattern"'),
        (r"(?<![=!])~(?!=)", "`~` is not part of the rule language", 'write: text matches "pattern", or not x'),
        (r"!(?![=~])", "`!` is not part of the rule language", "write: not"),
        (r"(?<![\w.])[0-9]+(?:\.[0-9]+)?%(?!\s*(?!and\b|or\b|not\b|in\b)[\w.(])",
         "a share is written as a number", "50% is 0.5"),
        (r"\bCOUNT\s*\(\s*\*|\b(?:COUNT\s*\(\s*)?DISTINCT\b|\bOVER\s*\(|\b(?:GROUP|PARTITION)\s+BY\b|\bSELECT\b",
         "counters are declared, not computed in a clause", _COUNTED),
        (r"\b(?:AND|OR|NOT|IN)\b", "the words of the rule language have small letters", "write: and, or, not, in"),
        (r"\b(?:XOR|xor)\b", "`xor` is not part of the rule language", "write: (a or b) and not (a and b)"),
        (r";", "a clause is one condition", "put each on a line of its own, with `- ` before it"),
        (r"\b(?:not_in|notin|nin)\b", "these are two words", "write: not in"),
        (_AFTER_A_NAME + r"(gte?|lte?|eq|neq?|ge|le)\b(?=\s)", "comparisons are signs",
         "write: > >= < <= == !="),
        (r"\bcontains\b", "`contains` is not part of the rule language", 'write: "word" in text'),
        (_AFTER_A_NAME + r"(has|includes|icontains|contains_any|has_any)\b(?!\s*[(=<>!.])",
         "`in` asks what stands in a text or a list", 'write: "word" in text, or contains_any(text, lists.words)'),
        (r"\b(?!starts_with\s*\()(?:starts?|begins?)[_ ]?with\b", "`starts with` is not part of the rule language",
         'write: starts_with(text, "word")'),
        (r"\b(?!ends_with\s*\()ends?[_ ]?with\b", "`ends with` is not part of the rule language",
         'write: ends_with(text, "word")'),
        (r"\bany_of\s*\(", "a list stands before `in` by itself: it asks for one of its items",
         "write: mentions in lists.protected"),
        (r"\b(?:like|rlike|irlike|regex|regexp|match)\b(?!\s*[(=<>!.])", "`matches` asks for a pattern",
         'write: text matches "pattern"'),
        (r"\bmatches\s*/", "a pattern stands in quotes, and begins with (?i) to ignore case",
         'write: text matches "(?i)pattern"'),
        (r"\bbetween\b", "`between` is not part of the rule language", "write: 1 <= x <= 5"),
        (r"\bis\s+(?:not\s+)?(?:null|None|empty|unknown)\b", "whether something is there is asked with known()",
         "write: known(x) or not known(x)"),
        (r"[!=]=\s*(?:null|None|NULL|nil|undefined)\b", "whether something is there is asked with known()",
         "write: known(x) or not known(x)"),
        (r"\bis\b(?!\s+(?:not\s+)?(?:null|None|empty|unknown)\b)(?!\s*[=<>!])",
         "`is` is not part of the rule language", "write: == or !="),
        (r"\b[0-9]+(?:\.[0-9]+)?\s+(?:sec|min|hour|day|week|month|year)(?:ond|ute)?s?\b",
         "a duration is a number with its unit", _UNITS),
        (r"\$\s*[0-9]|\b[0-9]+\s*(?:USD|EUR|GBP)\b", "an amount is a number", "write: amount > 100"),
        (r"(?:[<>]=?|[!=]=)\s*[0-9]{1,3}(?:,[0-9]{3})+\b", "a thousand has no comma", "write 1000 or 1_000"),
        (_AFTER_A_NAME + r"(per|within|last|over|in\s+the\s+last)\b(?=\s+\w)", "a window is declared with its counter",
         _COUNTED),
        (r"\bprevious\s+\w|" + _AFTER_A_NAME + r"changed\b", "what was before is remembered", _BEFORE),
        (r"(?<![\w.])@\w+", "a list has its section before its name", "write: country in lists.blocked"),
        (r"\?|\bif\b.+\b(?:else|then)\b", "an expression has no branches", _SEGMENTS),
        (r"\bevent(?:\.\w+)*\[", "a name with other signs is declared",
         "fields: {accept_language: {type: text, from: headers.accept-language}}"),
        (r"(?<=\w)(?<!\bin)(?<!\bmatches)\[", "there are no places in texts and lists",
         'write: extract(card, "^.{6}") for the beginning of a text, "x" in tags for an item'),
        (r"\b\w+\.\w+(?<!_in)\s*\(", "a function stands before what it reads", "write: lower(text)"),
        (r"\*\*|\^", "there are no powers", "write: x * x"),
        (r"//", "`//` is not part of the rule language", "write: (x - x % 100) / 100"),
    )
)  # fmt: skip


def find_slip(text: str) -> Slip | None:
    """The first of them in an expression; what is quoted is not looked at."""
    bare = _QUOTED.sub(lambda match: " " * len(match[0]), text)
    slips = [
        (match.start(group := match.re.groups), match.end(group) - match.start(group), message, hint)
        for pattern, message, hint in _SLIPS
        if (match := pattern.search(bare))
    ]
    return Slip(*min(slips)) if slips else None


def ends_early(text: str) -> bool:
    """Whether an expression stops after a word or a sign that needs something behind it."""
    return re.search(r"(?:\b(?:and|or|not|in|matches)|[-+*/%<>=(,])\s*$", _QUOTED.sub("x", text)) is not None


def is_open(text: str) -> bool:
    """Whether a bracket or a quotation mark is not closed: YAML has cut the text in two."""
    bare = _QUOTED.sub("", text)
    return (
        bare.count("(") > bare.count(")")
        or bare.count("[") > bare.count("]")
        or '"' in bare
        or bare.count("'") % 2 == 1
    )
