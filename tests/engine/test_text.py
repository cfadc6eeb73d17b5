"""Catalogs have the same keys and placeholders in every language, and all keys that code uses."""

import ast
import re
import string
from pathlib import Path
from typing import get_args

import pytest
from babel import Locale

from engine.calibration.calibration import Calibration
from engine.forecast import Forecast
from engine.paths import PROJECT_DIR
from engine.reports.forecast_tables import FIGURES
from engine.runs.folder import Phase
from engine.text import LANGUAGES, Plural, best_language, catalog
from finance.company.provenance import OriginKind
from finance.metrics.cash_report import LINES
from finance.verdict.findings import CheckName
from finance.verdict.rules import rules
from finance.verdict.verdict import Answer

SOURCES = [
    path
    for folder in ("engine", "finance", "pages")
    for path in (PROJECT_DIR / folder).rglob("*.py")
] + [PROJECT_DIR / "app.py"]


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_all_languages_have_the_same_keys_in_the_same_order() -> None:
    keys = {language: list(catalog(language).keys()) for language in LANGUAGES}
    assert keys["en"] == keys["zh_Hans"]


def test_all_languages_have_the_same_placeholders() -> None:
    en, zh = catalog("en"), catalog("zh_Hans")
    for key in en.keys():  # noqa: SIM118 - a catalog is no dict
        names = placeholders(zh.forms(key)["other"])
        assert placeholders(en.forms(key)["other"]) == names, key
        for text in [*en.forms(key).values(), *zh.forms(key).values()]:
            assert placeholders(text) <= names, key


@pytest.mark.parametrize("language", LANGUAGES)
def test_plurals_have_one_form_for_each_category_of_the_language(language: str) -> None:
    plurals = {
        key: text for key, text in catalog(language).texts.items() if isinstance(text, Plural)
    }
    for key, plural in plurals.items():
        assert set(plural.forms) == {*Locale.parse(language).plural_form.tags, "other"}, key
        assert plural.of in placeholders(plural.forms["other"]), key
    assert bool(plurals) == (language == "en")


@pytest.mark.parametrize(
    ("number", "english", "chinese"),
    [
        (0, "0 months", "0 个月"),
        (1, "1 month", "1 个月"),
        ("1", "1 month", "1 个月"),
        (2, "2 months", "2 个月"),
        ("1.5", "1.5 months", "1.5 个月"),
        ("1,001", "1,001 months", "1,001 个月"),
        ("1K", "1K months", "1K 个月"),
        (float("inf"), "inf months", "inf 个月"),
    ],
)
def test_a_number_selects_the_plural(number: float | str, english: str, chinese: str) -> None:
    assert catalog("en")("unit.months", n=number) == english
    assert catalog("zh_Hans")("unit.months", n=number) == chinese


def test_no_text_leaves_the_plural_open() -> None:
    en = catalog("en")
    open_plurals = [key for key in en.keys() if re.search(r"[a-z]\(e?s\)", en.forms(key)["other"])]  # noqa: SIM118
    assert open_plurals == []


def test_chinese_is_chinese() -> None:
    """The Chinese catalog has no untranslated English sentence."""
    en, zh = catalog("en"), catalog("zh_Hans")
    words = {
        key: re.findall(r"[A-Za-z]{2,}", re.sub(r"{.*?}", "", en.forms(key)["other"]))
        for key in en.keys()  # noqa: SIM118
    }
    sentences = [key for key, found in words.items() if len(found) > 2]
    assert len(sentences) > 150
    assert [
        key for key in sentences if not re.search(r"[\u4e00-\u9fff]", zh.forms(key)["other"])
    ] == []


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PROJECT_DIR)))
def test_every_key_in_the_code_is_in_the_catalog(path: Path) -> None:
    code = path.read_text("utf-8")
    keys = set(
        re.findall(r"""\b(?:say|text|text\(\))\(\s*"([a-z_]+\.[A-Za-z_.0-9]+)"\s*[,)]""", code)
    )
    assert {key for key in keys if key not in catalog("en")} == set()


def test_every_rule_of_an_input_error_is_in_the_catalog() -> None:
    for path in SOURCES:
        for call in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "InputError":
                rules = [rule for rule in call.args[2:3] if isinstance(rule, ast.Constant)]
                assert all(f"error.{rule.value}" in catalog("en") for rule in rules), path


def test_lines_of_rules_belong_to_rules_and_name_the_field_and_what_is_allowed() -> None:
    en = catalog("en")
    lines = [key for key in en.keys() if key.startswith("error_line.")]  # noqa: SIM118
    assert len(lines) > 10
    for key in lines:
        assert f"error.{key.removeprefix('error_line.')}" in en
        assert {"field", "allowed"} <= placeholders(en.forms(key)["other"])


def test_keys_that_are_put_together() -> None:
    en = catalog("en")
    for figure in FIGURES:
        assert f"quantity.{figure}" in en
        assert f"basis.{figure}" in en
    for phase in Phase:
        assert f"phase.{phase}" in en
        assert f"phase_note.{phase}" in en
    for line in LINES:
        assert f"line.{line}" in en
    for name in CheckName:
        assert f"check.{name}.label" in en
        assert f"todo.{name}" in en
    for name in rules():
        assert f"verdict_rule.{name}" in en
    for answer in Answer:
        assert f"verdict.{answer}" in en
    for origin in get_args(OriginKind):
        assert f"input_origin.{origin}" in en
    for ratio in ("step_time", "memory", "loss"):
        assert ratio in Calibration.model_fields
        assert f"ratio.{ratio}" in en
    assert "sources" in Forecast.model_fields


@pytest.mark.parametrize(
    ("preferred", "language"),
    [
        (["zh-CN"], "zh_Hans"),
        (["zh_TW.UTF-8"], "zh_Hans"),
        (["en-GB"], "en"),
        (["fr-FR"], "en"),
        (["C.UTF-8"], "en"),
        (["fr", "zh"], "zh_Hans"),
        ([], "en"),
    ],
)
def test_the_best_language(preferred: list[str], language: str) -> None:
    assert best_language(preferred) == language
