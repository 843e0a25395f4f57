"""Dots and schemes that a text describes instead of writing them, and names that only look like those of sites."""

import re
from collections.abc import Callable

from engine.keys.characters import has_one
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

_DOT_WORD = (
    "(?:[dD][oO0][tT]|[pP](?:unkt|unto|onto|oint|eriod|rick|iste)|[fF]ull ?stop|[nN]okta|[kK]ropka|[tT]e\u010dka|[bB]od"
    "|[\u0442\u0422]\u043e\u0447\u043a\u0430|\u043a\u0440\u0430\u043f\u043a\u0430|\u03c4\u03b5\u03bb\u03b5\u03af\u03b1"
    "|\u70b9|\u9ede|\u30c9\u30c3\u30c8|\ub2f7|\uc810|\u0646\u0642\u0637[\u0629\u0647]|\u0921\u0949\u091f|\u05e0\u05e7\u05d5\u05d3\u05d4"
    "|\u0e08\u0e38\u0e14|ch\u1ea5m|[cC]ham)"
)
"""How a dot is called in the languages that most is written in."""

_TOLD_WORDS = (
    "dot", "d0t", "punkt", "punto", "ponto", "point", "period", "prick", "piste", "stop", "nokta", "kropka",
    "te\u010dka", "bod", "\u0442\u043e\u0447\u043a\u0430", "\u043a\u0440\u0430\u043f\u043a\u0430",
    "\u03c4\u03b5\u03bb\u03b5\u03af\u03b1", "\u70b9", "\u9ede", "\u30c9\u30c3\u30c8", "\ub2f7", "\uc810",
    "\u0646\u0642\u0637", "\u0921\u0949\u091f", "\u05e0\u05e7\u05d5\u05d3\u05d4", "\u0e08\u0e38\u0e14",
    "ch\u1ea5m", "cham",
)  # fmt: skip
"""What a text has that names a dot, in small letters."""

_TOLD_TOPS = ("com", "net", "org", "ru", "xyz", "biz")
_BLANK_TOPS = tuple(f" {top}" for top in _TOLD_TOPS)
"""Behind another word for a dot than that one."""

_END = "(?![0-9A-Za-z])"
_MARKS = (
    "\u00b7\u2022\u2219\u22c5\u2027\u30fb\u25e6\u25cf\u02d9\u2e31\u2e33\ua78f\u16eb\ua60e\u0701\u0702\u06d4\u0964\u0965"
    "\U00010a50\u26ab\u26aa\U0001f534\U0001f535\u23fa"
)
"""Signs that look like a dot, or are the full stop of a script."""

_OPEN = "\\[({<\u3010\u3014\u3016\u300c\u300e\u300a\u3008\u27e8\u27ea\u2985\u00ab\u2039\u201c\u201e\u2018\u201a"
_CLOSE = "\\])}>\u3011\u3015\u3017\u300d\u300f\u300b\u3009\u27e9\u27eb\u2986\u00bb\u203a\u201d\u201c\u2019\u2018"
_BRACKETED = re.compile(rf" ?[{_OPEN}] ?(?:[.,\u3002\uff61{_MARKS}]|{_DOT_WORD}) ?[{_CLOSE}] ?")
_HALF_BRACKETED = re.compile(rf"(?<=[^\W_])[{_OPEN}]\.(?=([A-Za-z]{{2,24}})[{_CLOSE}])")
_WRAPPED = re.compile(rf"[{_OPEN}]([A-Za-z0-9-]{{2,63}})[{_CLOSE}] ?\. ?(?=[{_OPEN}]?([A-Za-z]{{2,24}}){_END})")
_OPENED = re.compile(rf"(?<=[^\W_])\.[{_OPEN}](?=([A-Za-z]{{2,24}})[{_CLOSE}])")
_EMPHASIS = re.compile(
    "(?<=[^\\W_])([\"'*_~|`]{1,3})\\.(?=([A-Za-z]{2,24})(?![0-9A-Za-z]))"
    "|(?<=[^\\W_])([\"'*_~|`]{0,3})\\.[\"'*_~|`]{1,3}(?=([A-Za-z]{2,24})(?![0-9A-Za-z]))"
)
_APART = "[ *~_/|'\"\u2018-\u201e-]{1,3}"
_SPOKEN = re.compile(
    rf"(?<=[^\W_])({_APART})(?:[dD] ?[oO0] ?[tT]|\u0442\u043e\u0447\u043a\u0430)({_APART})(?=([^\W\d_]{{2,24}})\b)"
)
_TOLD = re.compile(rf"(?<=[^\W_]) {_DOT_WORD} (?=((?:{'|'.join(_TOLD_TOPS)})){_END})", re.IGNORECASE)
_GLUED = re.compile(
    f"(?<=[0-9A-Za-z]) ?(?:\u70b9|\u9ede|\u30c9\u30c3\u30c8|\ub2f7|\uc810) ?(?=([A-Za-z]{{2,24}}){_END})"
)
_BLANK_BEFORE = re.compile(r" \.( ?)(?=([^\W\d_]{2,24})\b)")
_TYPED_TOPS = "com|net|org|ru|info|xyz|top|site|online|shop|club"
_BLANK_BEHIND = re.compile(rf"\. (?=(({_TYPED_TOPS})\b))")
_SEVERAL_DOTS = re.compile(rf"\.{{2,3}}(?=(({_TYPED_TOPS})\b))")
_ODD = re.compile(rf" ?[{_MARKS}] ?(?=([A-Za-z]{{2,24}}){_END})")
_IDEOGRAPHIC = re.compile("(?<=[0-9A-Za-z]) ?[\u3002\uff61]{1,3} ?(?=[0-9A-Za-z])")
_DOTCOM = re.compile(r"(?<=[A-Za-z0-9][A-Za-z0-9])[dD][oO][tT](?=[cC][oO][mM]\b)")
_SPACED = re.compile(r"(?<!\S)[\w.](?!\S)(?: [\w.](?!\S))*+")
_SPACED_TOP = re.compile(r"\. ?((?:[A-Za-z] ){1,5}[A-Za-z])(?!\w)")
_SPACED_SCHEME = re.compile(
    r"([hH](?:[tT][tT]|[xX][xX])[pP][sS]?) ?(?:[\[({] ?:(?://)? ?[\])}]|:) ?(?://|\\\\)? ?(?=\w|//)"
)
_DECORATED = re.compile("\\.(?:[\"'*_~|`]{1,3}|(?<=[\"'*_~|`]\\.))[A-Za-z]{2}")
_OTHER_DOTS = re.compile(rf"[{_MARKS}\u3002\uff61]")
_BRACKETS = re.compile(
    rf"[{_OPEN}](?: ?(?:[.,\u3002\uff61{_MARKS}]|{_DOT_WORD}) ?[{_CLOSE}]|\.[A-Za-z]{{2}})"
    rf"|[A-Za-z0-9-][{_CLOSE}] ?\. ?[{_OPEN}]?(?:{'|'.join(STRONG)}){_END}|\.[{_OPEN}][A-Za-z]{{2,24}}[{_CLOSE}]",
    re.IGNORECASE,
)
_AFTER_WORD = re.compile(r" [^\W\d_A-Z]")


def undisguised(text: str) -> str:
    """A text with its dots and schemes written out where it hides or describes them: `evil [dot] com`, `evil . com`,
    `hxxps[:]//evil`."""
    if "[:" in text or ": //" in text or " ://" in text or "(:" in text:
        text = _SPACED_SCHEME.sub(lambda match: f"{match[1]}://", text)
    if " . " in text:
        text = _SPACED.sub(_joined, text)
    if "." in text and _DECORATED.search(text):
        text = _EMPHASIS.sub(_plain, text)
    if ". " in text:
        text = _SPACED_TOP.sub(_top_joined, text)
    if ("[" in text or "(" in text or "{" in text or "<" in text or not text.isascii()) and _BRACKETS.search(text):
        text = _OPENED.sub(_strong(1), _HALF_BRACKETED.sub(_strong(1), _BRACKETED.sub(".", text)))
        text = _WRAPPED.sub(lambda match: f"{match[1]}." if match[2].lower() in STRONG else match[0], text)
        text = _OPENED.sub(_strong(1), text)
    text = _told(text)
    if " ." in text:
        text = _BLANK_BEFORE.sub(lambda match: "." if _joins(match, match[2], bool(match[1])) else match[0], text)
    if ". " in text:
        text = _BLANK_BEHIND.sub(_behind, text)
    if ".." in text:
        text = _SEVERAL_DOTS.sub(_behind, text)
    if not text.isascii() and _OTHER_DOTS.search(text):
        text = _ODD.sub(_strong(1), _IDEOGRAPHIC.sub(".", text))
    return text


def _told(text: str) -> str:
    """With dots for the words that say so."""
    lower = text.lower()
    if "dot" in lower or "d0t" in lower or "d o t" in lower or "\u0442\u043e\u0447\u043a\u0430" in lower:
        text = _SPOKEN.sub(_spoken, _DOTCOM.sub(".", text))
    if has_one(lower, _BLANK_TOPS) and has_one(lower, _TOLD_WORDS):
        text = _TOLD.sub(lambda match: "." if _joins(match, match[1], False) else match[0], text)
    return text if text.isascii() else _GLUED.sub(_strong(1), text)


def _strong(group: int) -> Callable[[re.Match[str]], str]:
    """Puts a dot before a suffix that is no word."""
    return lambda match: "." if match[group].lower() in STRONG else match[0]


def _plain(match: re.Match[str]) -> str:
    top = match[2] or match[4]
    return "." if top.lower() in STRONG and not (top.istitle() and top not in ("Com", "Net", "Org")) else match[0]


def _top_joined(match: re.Match[str]) -> str:
    """`evil . c o m`: the suffix without its blanks."""
    top = match[1].replace(" ", "")
    return f".{top}" if top.lower() in STRONG and len(top) > 2 else match[0]


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
