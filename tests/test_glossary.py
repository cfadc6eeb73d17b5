"""The glossary: complete rows, an up-to-date page, and the same wording in both catalogs."""

from __future__ import annotations

import re
from typing import Any

import pytest

from engine.text import Catalog, catalog
from tests.glossary_page import CHAPTERS, PAGE_FILE, build_page, read_terms

TERMS = read_terms()
REQUIRED = {"key", "chapter", "en", "zh_Hans", "meaning_en", "meaning_zh_Hans"}
# Placeholders, code, file names, columns of tables, and the proper name of a format.
NOT_PROSE = re.compile(
    r"\{.*?\}|`.*?`|\S+\.(?:toml|csv)\b|data/\S+|Open Cap Table(?: Format)?"
    r"|params, tokens(?:, loss)?|params_active, tokens|python -m engine \w+"
)
OPTIONAL = {"unit", "formula", "source", "avoid_zh_Hans", "also_zh_Hans", "generic"}


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
        found = [key for key in chinese.keys() if avoided in all_forms(chinese, key)]  # noqa: SIM118
        assert found == [], f"use {term['zh_Hans']} instead of {avoided}"


@pytest.mark.parametrize(
    "term", [term for term in TERMS if not term.get("generic")], ids=lambda term: term["key"]
)
def test_chinese_texts_use_the_terms_of_the_glossary(term: dict[str, Any]) -> None:
    english, chinese = catalog("en"), catalog("zh_Hans")
    names = "|".join(re.escape(name) for name in wordings(term["en"]))
    # An abbreviation in capitals, such as SAFE, is another word than its small letters.
    flags = re.NOFLAG if term["en"].isupper() else re.IGNORECASE
    allowed = [*wordings(term["zh_Hans"]), *term.get("also_zh_Hans", [])]
    for key in english.keys():  # noqa: SIM118
        plain = re.sub(NOT_PROSE, "", all_forms(english, key))
        if re.search(rf"\b(?:{names})s?\b", plain, flags):
            text = all_forms(chinese, key)
            assert any(word in text for word in allowed), (key, text)


def all_forms(texts: Catalog, key: str) -> str:
    return "\n".join(texts.forms(key).values())


def wordings(name: str) -> list[str]:
    """Names of a term without single letters: the name itself, and its abbreviation."""
    parts = (part.strip() for part in re.split(r"[()（）]", name))
    return [part for part in parts if len(part) > 1]
