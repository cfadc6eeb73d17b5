"""The glossary: complete rows, an up-to-date page, and the same wording in both catalogs."""

from __future__ import annotations

import re
from typing import Any

import pytest

from engine.text import catalog
from tests.glossary_page import CHAPTERS, PAGE_FILE, build_page, read_terms

TERMS = read_terms()
REQUIRED = {"key", "chapter", "en", "zh_Hans", "meaning_en", "meaning_zh_Hans"}
OPTIONAL = {"unit", "formula", "source", "avoid_zh_Hans", "also_zh_Hans", "not_in"}


def test_page_is_up_to_date() -> None:
    assert PAGE_FILE.read_text("utf-8") == build_page(), "run python -m tests.glossary_page"


def test_terms_are_complete_and_in_order() -> None:
    assert len(TERMS) >= 80
    for name in ("key", "en", "zh_Hans"):
        assert len({term[name] for term in TERMS}) == len(TERMS), name
    for term in TERMS:
        assert set(term) >= REQUIRED, term["key"]
        assert set(term) <= REQUIRED | OPTIONAL, term["key"]
        assert all(term[name].strip() for name in REQUIRED), term["key"]
    chapters = list(CHAPTERS)
    places = [chapters.index(term["chapter"]) for term in TERMS]
    assert places == sorted(places)
    assert set(places) == set(range(len(chapters)))


@pytest.mark.parametrize("term", TERMS, ids=lambda term: term["key"])
def test_meanings_are_plain_sentences(term: dict[str, Any]) -> None:
    assert term["meaning_en"].endswith(".")
    assert term["meaning_zh_Hans"].endswith("。")
    assert not re.search(r"[\u4e00-\u9fff]", term["meaning_en"])


@pytest.mark.parametrize("term", TERMS, ids=lambda term: term["key"])
def test_chinese_texts_avoid_other_translations(term: dict[str, Any]) -> None:
    chinese = catalog("zh_Hans")
    for avoided in term.get("avoid_zh_Hans", []):
        found = [key for key in chinese.keys() if avoided in chinese(key)]  # noqa: SIM118
        assert found == [], f"use {term['zh_Hans']} instead of {avoided}"
