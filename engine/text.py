"""User texts, from the catalogs in ``data/locales``.

Each language has a folder with the same files and keys, and each top-level table is in a single
file. A test checks that keys and placeholders are equal in all catalogs. The command line takes its
language from ``FLOPLEDGER_LANG`` or the locale of the terminal; the app takes it from the browser
or from the user's choice.

A text that depends on a number has one form for each plural category of its language, in a table
with the key ``plural_of``, which names the placeholder of the number::

    chosen.plural_of = "n"
    chosen.one = "{n} run chosen"
    chosen.other = "{n} runs chosen"

Babel knows the categories of every language (CLDR plural rules). Chinese has only ``other``, so its
catalog holds a plain text under the same key. Code calls ``text("runs.chosen", n=2)`` in both
cases. The number may be a formatted text, such as "1,000"; a text that is not a number, such as
"1.2K", takes the form ``other``.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cache
from pathlib import Path
from typing import Any

from babel import Locale
from babel.core import negotiate_locale

LOCALES_DIR = Path(__file__).parent.parent / "data" / "locales"
LANGUAGES = {"en": "English", "zh_Hans": "简体中文"}
DEFAULT_LANGUAGE = "en"


@dataclass(frozen=True)
class Plural:
    """Forms of a text that depends on a number."""

    of: str
    """Placeholder whose value selects the form."""
    forms: Mapping[str, str]
    """Text of each plural category of the language: "one", "other" and so on."""

    def form(self, language: str, number: object) -> str:
        """Return the form for ``number``, which may also be a formatted text."""
        try:
            value = abs(Decimal(str(number).replace(",", "")))
        except InvalidOperation:
            return self.forms["other"]
        category = Locale.parse(language).plural_form(value) if value.is_finite() else "other"
        return self.forms[category]


class Catalog:
    """Texts of one language. Call it with a dotted key and the values of the placeholders."""

    def __init__(self, language: str, texts: Mapping[str, str | Plural]) -> None:
        self.language, self.texts = language, texts

    def __call__(self, key: str, **params: object) -> str:
        text = self.texts[key]
        if isinstance(text, Plural):
            text = text.form(self.language, params[text.of])
        return text.format(**params) if params else text

    def __contains__(self, key: str) -> bool:
        return key in self.texts

    def keys(self) -> Iterable[str]:
        return self.texts.keys()

    def forms(self, key: str) -> Mapping[str, str]:
        """Return the text of each plural category; a plain text has only the category "other"."""
        text = self.texts[key]
        return text.forms if isinstance(text, Plural) else {"other": text}


@cache
def catalog(language: str) -> Catalog:
    """Return the catalog of a language of :data:`LANGUAGES`; raise KeyError for any other."""
    if language not in LANGUAGES:
        raise KeyError(language)
    texts: dict[str, str | Plural] = {}
    for path in sorted((LOCALES_DIR / language).glob("*.toml")):
        in_file = dict(_flatten(tomllib.loads(path.read_text("utf-8"))))
        if twice := texts.keys() & in_file.keys():
            raise KeyError(f"{path}: {min(twice)} is in another file as well")
        texts |= in_file
    return Catalog(language, texts)


def _flatten(tables: dict[str, Any], prefix: str = "") -> Iterable[tuple[str, str | Plural]]:
    for name, content in tables.items():
        key = f"{prefix}{name}"
        if isinstance(content, dict) and "plural_of" in content:
            forms = {
                category: text for category, text in content.items() if category != "plural_of"
            }
            yield key, Plural(content["plural_of"], forms)
        elif isinstance(content, dict):
            yield from _flatten(content, f"{key}.")
        else:
            yield key, content


def best_language(preferred: Iterable[str]) -> str:
    """Return the available language that fits best.

    ``preferred`` are BCP 47 or POSIX tags in order of preference. Every variant of Chinese gets
    the simplified catalog, the only Chinese catalog.
    """
    for tag in preferred:
        if tag.lower().startswith("zh"):
            return "zh_Hans"
        match = negotiate_locale([tag.split(".")[0].replace("-", "_")], list(LANGUAGES), sep="_")
        if match:
            return match
    return DEFAULT_LANGUAGE


def terminal_catalog() -> Catalog:
    """Return the catalog in the language of this terminal."""
    names = ("FLOPLEDGER_LANG", "LC_ALL", "LC_MESSAGES", "LANG")
    return catalog(best_language(os.environ[name] for name in names if os.environ.get(name)))
