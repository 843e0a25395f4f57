"""Dots and schemes that a text describes instead of writing them, and names that only look like those of sites."""

import re

from engine.keys.domains import TOPS
from engine.keys.tops import STRONG

FILES = frozenset(("md", "sh", "py", "so", "zip", "mov", "ps"))
"""Suffixes that far more files have than sites; alone they make no link."""

_CODE_TOPS = frozenset(("rs", "pl", "cc", "ml", "mk", "tf", "pm", "as", "am", "in", "ac", "sc", "st", "ms", "cs", "vi"))
_FILE_STEMS = frozenset(
    """
    main lib index test tests setup config configure readme install run build mod init makefile script utils util
    server client makefile common helper helpers types variables outputs rules
    """.split()  # noqa: SIM905
)
_NAMES = frozenset(
    """
    asp.net vb.net ado.net ml.net c.net paint.net linq.net system.net system.io java.io java.net std.io
    socket.io node.io
    sendmail.cf domain.name file.name system.in system.data socket.net json.net odp.net
    """.split()  # noqa: SIM905
)
"""What people call software by."""

_OBJECTS = frozenset(
    """
    self this window document console os sys math np pd java std req res obj e i evt event cls args kwargs request
    response ctx elem el node item user row
    """.split()  # noqa: SIM905
)
_ROOTS = frozenset(("self", "this", "window", "document", "console"))
WEAK_LABELS = frozenset(
    """
    a about after again ago all also always am amazing an and any are as at awesome back bad be because been before
    best better bro but bye by can cool could day did do does done dont down end etc even ever every fine first for
    friend friends from fun get go god good great guys had happy has have he hello her here hey hi him his home
    how i if in
    into is it its just know later life like lol long look love luck lot made make man maybe me mine more most much my
    never new nice night no not now of off oh ok okay old on one only or other our out over people place please pls
    really right same say see she should sad sleep so some song soon sorry still stop stuff such sure take than
    thank thanks
    that the their them then there these they thing things think this those time to today together tomorrow too true
    u under up us use used very video wait want was way we weeks well went were what when where which while who why
    will with work world would wow wrong year years yes yesterday yet you your yours
    que el la los de del un una y con por para es si lo le les et je tu il sur pas ist und der die das nicht ich
    """.split()  # noqa: SIM905
)
"""Words at the end of a sentence whose dot stands without a blank, unless the suffix is in STRONG."""

_DOT_WORD = "(?:[dD][oO0][tT]|[pP]unkt|[pP]unto|[pP]onto|[pP]oint|[тТ]очка|点|點|ドット)"
_BRACKETED = re.compile(rf" ?[\[({{<] ?(?:\.|{_DOT_WORD}) ?[\])}}>] ?")
_QUOTED = re.compile(r"([\"'*_~|`])\.\1(?=([A-Za-z]{2,24})\b)")
_SPOKEN = re.compile(
    r"(?<=[^\W_])([ *~_/|'\"-]{1,3})(?:[dD] ?[oO0] ?[tT]|[тТ]очка)([ *~_/|'\"-]{1,3})(?=([^\W\d_]{2,24})\b)"
)
_BLANK_BEFORE = re.compile(r" \.( ?)(?=([^\W\d_]{2,24})\b)")
_BLANK_BEHIND = re.compile(r"\. (?=((?:com|net|org|ru|info|xyz|top|site|online|shop|club)\b))")
_ODD = re.compile(r" ?[·•∙⋅‧・◦●] ?(?=([A-Za-z]{2,24})\b)")
_IDEOGRAPHIC = re.compile("(?<=[0-9A-Za-z])[\u3002\uff61](?=[0-9A-Za-z])")
_DOTCOM = re.compile(r"(?<=[A-Za-z0-9][A-Za-z0-9])[dD][oO][tT](?=[cC][oO][mM]\b)")
_SPACED = re.compile(r"(?<!\S)[\w.](?!\S)(?: [\w.](?!\S))*+")
_SPACED_SCHEME = re.compile(
    r"([hH](?:[tT][tT]|[xX][xX])[pP][sS]?) ?(?:[\[({] ?:(?://)? ?[\])}]|:) ?(?://|\\\\)? ?(?=\w|//)"
)
_DOT_QUOTE = re.compile("\\.[\"'*_~|`]")
_OTHER_DOTS = re.compile("[·•∙⋅‧・◦●\u3002\uff61]")
_BRACKETS = re.compile(r"[\[({<] ?(?:[.dD\u0442\u0422点點ド]|[pP]o|[pP]un)")
_AFTER_WORD = re.compile(r" [^\W\d_A-Z]")


def undisguised(text: str) -> str:
    """A text with its dots and schemes written out where it hides or describes them: `evil [dot] com`, `evil . com`,
    `hxxps[:]//evil`."""
    if "[:" in text or ": //" in text or " ://" in text or "(:" in text:
        text = _SPACED_SCHEME.sub(lambda match: f"{match[1]}://", text)
    if " . " in text:
        text = _SPACED.sub(_joined, text)
    if _BRACKETS.search(text):
        text = _BRACKETED.sub(".", text)
    if _DOT_QUOTE.search(text):
        text = _QUOTED.sub(lambda match: "." if match[2].lower() in STRONG else match[0], text)
    lower = text.lower()
    if "dot" in lower or "d0t" in lower or "d o t" in lower or "точка" in lower:
        text = _SPOKEN.sub(_spoken, _DOTCOM.sub(".", text))
    if " ." in text:
        text = _BLANK_BEFORE.sub(lambda match: "." if _joins(match, match[2], bool(match[1])) else match[0], text)
    if ". " in text:
        text = _BLANK_BEHIND.sub(_behind, text)
    if not text.isascii() and _OTHER_DOTS.search(text):
        text = _IDEOGRAPHIC.sub(".", text)
        text = _ODD.sub(lambda match: "." if match[1].lower() in STRONG else match[0], text)
    return text


def file_like(host: str) -> bool:
    """A name in small letters that is one of a source file, of software or of something in a program."""
    first, _, rest = host.partition(".")
    stem, _, top = host.rpartition(".")
    return (
        host in _NAMES
        or (first in _OBJECTS and ("." not in rest or first in _ROOTS) and top not in ("com", "net", "org"))
        or (top in _CODE_TOPS and (stem in _FILE_STEMS or "_" in stem))
    )


def _joined(match: re.Match[str]) -> str:
    """`e v i l . c o m`, without its blanks."""
    letters = match[0].replace(" ", "")
    return letters if len(letters) > 4 and letters.rpartition(".")[2].lower() in TOPS else match[0]


def _spoken(match: re.Match[str]) -> str:
    top = match[3]
    if match[1].isspace() != match[2].isspace() or top.lower() not in TOPS:
        return match[0]
    return "." if not match[1].isspace() or _joins(match, top, True) else match[0]


def _behind(match: re.Match[str]) -> str:
    """`evil. com`, but not `não sei. com certeza`."""
    if _AFTER_WORD.match(match.string, match.end() + len(match[1])):
        return match[0]
    return "." if _joins(match, match[1], True) else match[0]


def _joins(match: re.Match[str], top: str, both: bool) -> bool:
    """Whether a dot that stands apart belongs between the words around it. `both`: it does so on both sides."""
    lower = top.lower()
    text, start, end = match.string, match.start(), match.end() + len(top)
    label = text[max(0, start - 64) : start].rpartition(" ")[2].lower()
    if lower not in TOPS or lower in FILES or label in WEAK_LABELS or not label[-1:].isalnum() or label.isdecimal():
        return False
    follows = text[end : end + 2]
    if lower in STRONG and both:
        return True
    return (top.islower() or lower in STRONG) and (follows[:1] in ("", "/", "\n", "!", "?", ")") or follows == ".")
