"""Texts without the markup that readers do not see: HTML and BBCode that format, entities, Markdown's escapes.

`ev<b>il</b>.com`, `evil&period;com` and `evil\\.com` are all read as evil.com. Tags that link stay, as their
addresses count; and nobody knows whether a text is shown as markup, so what tags and comments say that could be an
address is read at the end. One for one or shorter, so nothing grows; the time is linear in the text.
"""

import re
from html.entities import html5

_NAMED = {
    "period": ".", "colon": ":", "sol": "/", "commat": "@", "num": "#", "percnt": "%", "lowbar": "_", "hyphen": "-",
    "dash": "-", "quot": '"', "apos": "'", "lt": "<", "gt": ">", "amp": "&", "nbsp": " ", "Tab": " ", "NewLine": " ",
    "shy": "", "zwj": "", "zwnj": "", "ZeroWidthSpace": "", "NoBreak": "", "lrm": "", "rlm": "", "lpar": "(",
    "rpar": ")", "lbrack": "[", "rbrack": "]", "bsol": "/", "excl": "!", "quest": "?", "equals": "=", "dot": "\u02d9",
    "middot": "\u00b7", "bull": "\u2022",
}  # fmt: skip
_ENTITY = re.compile(r"&(?:#(?:[xX]0{0,64}([0-9A-Fa-f]{1,6})|0{0,64}([0-9]{1,7}));?+|([A-Za-z]{2,31});)")
_TAG = re.compile(
    r"<a>|</?(?:abbr|acronym|b|bdo|bdi|big|center|code|del|div|em|font|i|ins|kbd|mark|p|pre|s|samp|small|span|strike|strong"
    r"|sub|sup|tt|u|wbr)(?![A-Za-z0-9])[^<>]{0,512}>|<!--[^<>]{0,512}-->",
    re.IGNORECASE,
)
_BREAK = re.compile(r"<(?:br|hr|/?(?:p|div|li|ul|td|tr))(?![A-Za-z0-9])[^<>]{0,512}>", re.IGNORECASE)
_CODE = re.compile(
    r"\[/?(?:b|i|u|s|sub|sup|color|size|font|center|left|right|spoiler|highlight)(?:=[^\[\]]{0,64})?\]", re.IGNORECASE
)
_NAME = re.compile(r"<!--|</?[A-Za-z]+|\[/?[A-Za-z]+=?")
_EMPHASIS = re.compile(r"(?<=[^\W\d_])(?:\*\*|~~|__)(?=[^\W\d_])")
_ESCAPED = re.compile(r"\\(?:u00|x)([2-7][0-9A-Fa-f])|\\([!#()*+./:\[\]_`{}~-])")


def without_markup(text: str) -> str:
    """A text as it is shown where its markup is, and behind it what its tags say that could be an address. Entities are
    resolved first, and once."""
    text, said = apart(text)
    return "\n".join((text, *[one for one in said if "." in one])) if said else text


def apart(text: str) -> tuple[str, list[str]]:
    """A text as it is shown where its markup is, and what its tags say beside their names: where it is shown as it
    stands, people read that too."""
    said: list[str] = []
    if "&" in text:
        text = _ENTITY.sub(_character, text.replace("&amp;", "&"))
    if ("<" in text and ">" in text) or ("[" in text and "]" in text):
        text = _without_tags(text, said)
    if "**" in text or "~~" in text or "__" in text:
        text = _EMPHASIS.sub("", text)
    if "\\" in text:
        text = _ESCAPED.sub(lambda match: chr(int(match[1], 16)) if match[1] else match[2], text)
    return text, said


def _without_tags(text: str, said: list[str]) -> str:
    """A text without its tags, what these say beside their names in `said`."""

    def without(match: re.Match[str]) -> str:
        inside = _NAME.sub("", match[0], count=1)[:-1].rstrip("/-")
        if inside:
            said.append(inside)
        return ""

    if "<" in text and ">" in text:
        text = _TAG.sub(without, _BREAK.sub(lambda match: f" {without(match)}", text))
    if "[" in text and "]" in text:
        text = _CODE.sub(without, text)
    return text


def _character(match: re.Match[str]) -> str:
    if match[3]:
        letter = html5.get(f"{match[3]};", "")
        return _NAMED.get(match[3], letter if letter.isalpha() else match[0])
    code = int(match[1], 16) if match[1] else int(match[2])
    return chr(code) if 0x20 < code < 0xD800 or 0xDFFF < code < 0x110000 else " "
