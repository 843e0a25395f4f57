"""Where people have written somebody's name down."""

from types import SimpleNamespace
from typing import Any

import pytest

from engine.rulebook.compiler import load_rulebook
from engine.settings import Settings
from engine.stream.admin import mentions
from engine.stream.admin.mentions import Mentions, find_mentions, remove_entries
from engine.stream.control.lists import Entry

MODELS = """
version: 1
models:
  hashed: {texts: [text], numbers: [posts_1m]}
  words: {texts: [text], river: "feature_extraction.BagOfWords(on='text') | naive_bayes.MultinomialNB()"}
  numeric: {numbers: [posts_1m], river: "preprocessing.StandardScaler() | linear_model.LogisticRegression()"}
counters: {posts_1m: {count: post, by: user_id, over: 1m}}
"""
ENTRY = Entry("mo", "", 0)


def found(monkeypatch: pytest.MonkeyPatch, in_use: Any = None, versions: tuple[Any, ...] = ()) -> Mentions:
    entries = {"z": {"ann": ENTRY, "bob": ENTRY}, "a": {"~a": ENTRY, "ann": ENTRY}, "m": {"anna": ENTRY}}
    monkeypatch.setattr(mentions, "read_entries", lambda _: entries)
    monkeypatch.setattr(mentions, "read_versions", lambda _: list(versions))
    monkeypatch.setattr(mentions, "read_in_use", lambda _: in_use)
    return find_mentions(Settings(), ["ann", "~a"])


def test_entries_of_lists_are_found_under_each_name(monkeypatch: pytest.MonkeyPatch) -> None:
    assert found(monkeypatch) == Mentions({"a": ["ann", "~a"], "z": ["ann"]}, [], [])


def test_only_models_that_keep_words_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert found(monkeypatch, (None, load_rulebook({"rules.yaml": MODELS}))).models == ["words"]


def test_a_rulebook_names_a_person_by_a_whole_word(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ("[ann]", "anna", "joann", "x: ~a")
    versions = [SimpleNamespace(sources={"other": "", "rules.yaml": text}) for text in texts]
    assert found(monkeypatch, versions=tuple(versions)).versions == [versions[0], versions[3]]


def test_a_person_is_taken_off_each_list(monkeypatch: pytest.MonkeyPatch) -> None:
    removed: list[Any] = []
    monkeypatch.setattr(mentions, "publish_entries", lambda _, name, entries: removed.append((name, entries)))
    remove_entries(Settings(), Mentions({"a": ["ann", "~a"], "z": ["ann"]}, [], []))
    assert removed == [("a", {"ann": None, "~a": None}), ("z", {"ann": None})]
