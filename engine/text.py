"""User texts, from the catalogs in ``data/locales``.

Each language has a folder with the same files and keys, and each top-level table is in a single
file. A test checks that keys and placeholders are equal in all catalogs. The command line takes its
language from ``FLOPLEDGER_LANG`` or the locale of the terminal; the app takes it from the browser
or from the user's choice.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from babel.core import negotiate_locale

LOCALES_DIR = Path(__file__).parent.parent / "data" / "locales"
LANGUAGES = {"en": "English", "zh_Hans": "简体中文"}
DEFAULT_LANGUAGE = "en"


class Catalog:
    """Texts of one language. Call it with a dotted key and the values of the placeholders."""

    def __init__(self, language: str, texts: dict[str, str]) -> None:
        self.language, self._texts = language, texts

    def __call__(self, key: str, **params: object) -> str:
        return self._texts[key].format(**params) if params else self._texts[key]

    def __contains__(self, key: str) -> bool:
        return key in self._texts

    def keys(self) -> Iterable[str]:
        return self._texts.keys()


@cache
def catalog(language: str) -> Catalog:
    """Return the catalog of a language of :data:`LANGUAGES`; raise KeyError for any other."""
    if language not in LANGUAGES:
        raise KeyError(language)
    texts: dict[str, str] = {}
    for path in sorted((LOCALES_DIR / language).glob("*.toml")):
        in_file = dict(_flatten(tomllib.loads(path.read_text("utf-8"))))
        if twice := texts.keys() & in_file.keys():
            raise KeyError(f"{path}: {min(twice)} is in another file as well")
        texts |= in_file
    return Catalog(language, texts)


def _flatten(tables: dict[str, Any], prefix: str = "") -> Iterable[tuple[str, str]]:
    for name, content in tables.items():
        key = f"{prefix}{name}"
        if isinstance(content, dict):
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
