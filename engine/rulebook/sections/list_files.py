"""Files of lists: one entry a line."""

import re

from engine.rulebook.language.diagnostics import Diagnostics, Span

_COMMENT = re.compile(r"(?:^|(?<=\s))#.*")
_TAG = re.compile(r"#\w+")
_UNSEEN = "".join(filter(str.isspace, map(chr, range(0x3001)))) + (
    "\x00\ufeff\u00ad\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060"
)
"""What cannot be seen around an entry: a byte order mark stands wherever files have been joined."""

_AS_ELSEWHERE = re.compile(r"([\"']).+\1,?|[^,]+,")


def entries_of_file(file: str, text: str, diagnostics: Diagnostics) -> dict[str, Span]:
    """The entries of a list file and where they stand: one a line; what begins with # at the start of a line or after a
    blank is a comment. Reports what is probably not meant: tags that are comments, and quotation marks or commas around
    entries, of which they are a part here."""
    spans: dict[str, Span] = {}
    hashed, marked = [], []
    for number, line in enumerate(text.splitlines()):
        entry = _COMMENT.sub("", line).strip(_UNSEEN)
        if entry:
            spans.setdefault(entry, Span(file, number, line.index(entry), len(entry)))
            if _AS_ELSEWHERE.fullmatch(entry):
                marked.append(spans[entry])
        elif _TAG.fullmatch(line.strip("\ufeff")):
            hashed.append((number, line))
    for number, line in hashed:
        message = f"`{line.strip()}` is a comment here, not an entry"
        diagnostics.warning(
            Span(file, number, 0, len(line)), message, f'under `values:` it can be one: ["{line.strip()}"]'
        )
    if spans and len(marked) == len(spans):
        diagnostics.warning(marked[0], "quotation marks and commas are a part of entries here", "leave them out")
    return spans
