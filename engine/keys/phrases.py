"""Many phrases looked for in one text at once: Aho and Corasick's automaton (1975).

One step for each character of the text, however many phrases there are and whatever they and the text have in common.
"""

import re
from collections import deque
from collections.abc import Callable, Set
from typing import Any

from engine.core.values.lists import LiveList
from engine.keys.measures import members

_BACK, _END = 0, ""
"""In a node, beside its characters: the node to go on from where the next one fits none, and whether a phrase ends."""

_EDGE = "\x00"
_PIECES = re.compile("\x01+|\x00")

_Node = dict[Any, Any]


class Phrases:
    """The entries of a list, as they are looked for in texts. `fold`: what has been done to the texts, and so is done
    to the entries; `are_words`: they are found as words of their own alone."""

    def __init__(self, entries: Set[str], fold: Callable[[str], str] | None = None, are_words: bool = False) -> None:
        self._entries, self._fold, self._are_words = entries, fold, are_words
        self._root: _Node | None = None
        self._changes = -1

    def are_in(self, text: str) -> bool:
        """Whether one of them stands in a text."""
        if self._root is None or (isinstance(self._entries, LiveList) and self._entries.changes != self._changes):
            self._build()
        root = node = self._root
        text = edged(text) if self._are_words else text
        for character in text:
            while character not in node:  # type: ignore[operator]  # built above
                if node is root:
                    break
                node = node[_BACK]  # type: ignore[index]  # a node
            else:
                node = node[character]  # type: ignore[index]  # a node
                if _END in node:
                    return True
        return False

    def _build(self) -> None:
        if isinstance(self._entries, LiveList):
            self._changes = self._entries.changes
        entries = self._entries if self._fold is None else {self._fold(entry) for entry in self._entries}
        if self._are_words:
            entries = {edged(entry) for entry in entries if entry}
        root: _Node = {}
        for entry in entries:
            node = root
            for character in entry:
                node = node.setdefault(character, {})
            if entry:
                node[_END] = True
        waiting = deque(root.values())
        for node in root.values():
            node[_BACK] = root
        while waiting:
            node = waiting.popleft()
            for character, following in node.items():
                if type(following) is dict and character != _BACK:
                    following[_BACK] = back = _following(root, node[_BACK], character)
                    if _END in back:
                        following[_END] = True
                    waiting.append(following)
        self._root = root


def edged(text: str) -> str:
    """A text with a sign between any two characters that are not of one word, and at both ends. What stands in it with
    such signs around it is no part of a word. A word is of letters, digits and the marks on them."""
    kinds = text.translate(members(r"[\p{L}\p{N}\p{M}]"))
    pieces = [text[match.start() : match.end()] for match in _PIECES.finditer(kinds)]
    return f"{_EDGE}{_EDGE.join(pieces)}{_EDGE}"


def _following(root: _Node, node: _Node, character: str) -> _Node:
    """The node for what is left of a text when one more character has come to it."""
    while character not in node and node is not root:
        node = node[_BACK]
    found: _Node = node.get(character, root)
    return found
