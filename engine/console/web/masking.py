"""Words that nobody reads unless they ask: slurs, as the settings name them, stand as their first letter."""

import re
from collections.abc import Iterable

from markupsafe import Markup, escape

_MASK = Markup('<span class="slur"><span class="mask">{}•••</span><span class="word">{}</span></span>')


class Masker:
    """Masks words wherever case they are in, and whole: with `*` at its end, a word is the beginning of others too."""

    def __init__(self, words: Iterable[str]) -> None:
        longest_first = sorted(set(words), key=lambda word: (-len(word), word))
        patterns = "|".join(re.escape(word.removesuffix("*")) + r"\w*" * word.endswith("*") for word in longest_first)
        self._found = re.compile(rf"(?<!\w)(?:{patterns})(?!\w)", re.IGNORECASE) if patterns else None

    def mask(self, text: str) -> Markup:
        """The text, escaped. What is masked is in it, hidden by the style sheet until somebody asks."""
        if self._found is None:
            return escape(text)
        parts, end = [], 0
        for found in self._found.finditer(text):
            parts += [escape(text[end : found.start()]), _MASK.format(found[0][0], found[0])]
            end = found.end()
        return Markup("").join([*parts, escape(text[end:])])
