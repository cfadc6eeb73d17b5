"""Inputs of a scenario in words: their place, their value, their unit and their range."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from enum import Enum
from typing import Any

from engine import quantities
from engine.document_paths import field_name
from engine.facts import accelerators
from engine.text import Catalog
from finance.verdict.drivers import FORECAST, Driver
from finance.verdict.inputs import CALIBRATION, CHANGES
from pages.parts.field_errors import entry_names
from pages.parts.field_words import ARROW, option_in_words, page_of, place_in_words

_CHANGED = f".{CHANGES}."
_RATES = "company.exchange_rates."
_DIGITS = 6


def input_place(
    say: Catalog, data: Mapping[str, Any], path: str, *, with_page: bool = False
) -> str:
    """Return the place of an input, such as "API → Customer growth → Market".

    Parameters
    ----------
    data
        The scenario as plain data, which has the names of the entries.
    with_page
        Whether the place of an input outside of lists begins with its page.
    """
    if path == FORECAST:
        return say("driver.forecast")
    if path.startswith(f"{CALIBRATION}."):
        return say("input_label.measured_ratio", quantity=say(f"ratio.{path.split('.')[2]}"))
    if path.startswith(_RATES):
        return say("input_unit.rate", currency=path.removeprefix(_RATES))
    if _CHANGED in path:
        event, _, changed = path.partition(_CHANGED)
        places = (
            place_in_words(say, event, entry_names(data, event), with_page=False),
            place_in_words(say, f"plan.{changed}", {}, with_page=False),
        )
        return ARROW.join(places)
    is_of_an_entry = any(part.isdigit() for part in path.split("."))
    with_page = with_page and not is_of_an_entry
    place = place_in_words(say, path, entry_names(data, path), with_page=with_page)
    own_label = f"input_label.{field_name(path)}"
    if own_label in say:  # the label on its page is only a unit, or needs the form around it
        place = ARROW.join([*place.split(ARROW)[:-1], say(own_label)])
    return place


def input_page(path: str) -> str:
    """Return the name of the page on which an input is edited."""
    if path == FORECAST or path.startswith(f"{CALIBRATION}."):
        return "calibrate"
    return page_of(path) or "summary"


def unit_in_words(say: Catalog, unit: str) -> str:
    """Return the name of a unit of :func:`finance.verdict.units.unit_of`."""
    if not unit:
        return ""
    first, _, per = unit.partition("/")
    if first == "USD" and len(per) == 3 and per.isupper():
        return say("input_unit.rate", currency=per)
    if per:
        key = "per_amount_year" if per == "per_year" else per
        return say(f"input_unit.{key}", currency=first)
    return say(f"input_unit.{unit}") if f"input_unit.{unit}" in say else unit


def value_in_words(say: Catalog, path: str, value: Any, unit: str) -> str:
    """Return an input's value with its significant digits, without its unit."""
    if isinstance(value, bool):
        return say("assumptions.yes" if value else "assumptions.no")
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, str):
        return _choice_in_words(say, path, value.value if isinstance(value, Enum) else value)
    number = float(f"{float(value):.{_DIGITS}g}")
    if unit.startswith("percent"):
        number = round(100 * number, 6)
    if unit in ("tokens", "tokens_per_month", "customers") and number == int(number):
        return quantities.exact_count(int(number), say.language)
    return quantities.exact(int(number) if number == int(number) else number, say.language)


def _choice_in_words(say: Catalog, path: str, value: str) -> str:
    name = field_name(path)
    if name == "accelerator" and value in accelerators():
        return accelerators()[value].name
    return option_in_words(name, value, say.language)


def range_in_words(say: Catalog, driver: Driver, unit: str) -> str:
    """Return the values at both ends of an input's range with their unit."""
    if driver.path == FORECAST:
        return say("driver.interval")
    ends = (
        "–" if end is None else value_in_words(say, driver.path, end, unit)
        for end in (driver.low, driver.high)
    )
    low, high = ends
    if unit == "month":
        return say("driver.in_months", low=low, high=high)
    shown, name = say("driver.relative", low=low, high=high), unit_in_words(say, unit)
    return f"{shown}{name}" if unit.startswith("percent") else f"{shown} {name}".strip()
