"""Names of fields in words: labels with units, options, and places such as Costs → Office → Amount.

The catalogs have a field's texts under its own path (``field.<path>``), or else under its name
(``entry.<name>``). Texts are looked up once per path without numbers and language.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import cache

from engine import quantities
from engine.document_paths import field_name, parent_path
from engine.documents import InputError
from engine.text import Catalog, catalog
from pages.parts.kinds import is_percent

ARROW = " → "
PAGE_OF_PREFIX = {
    "company.revenue": "revenue",
    "company.revenue_lines": "revenue",
    "company.people": "costs",
    "company.spending": "costs",
    "company.data": "costs",
    "company.compute": "costs",
    "company.training": "costs",
    "company.training_events": "costs",
    "company.other_costs_usd_per_month": "costs",
    "company.payment_days": "costs",
    "company.exchange_rates": "costs",
    "company.capital": "funding",
    "company.funding_goal": "funding",
    "company.sale": "funding",
    "company": "cash",
    "plan.shape": "train",
    "plan.tokens": "train",
    "plan.law": "train",
    "plan.serving": "serving",
    "plan": "cluster",
}
"""Page on which the fields below a path are edited; the longest prefix counts."""
_LEAST_GROUPED = 10_000
_UNIT = re.compile(r"\s*[(（][^()（）]*[)）]\s*$")


def page_of(path: str) -> str | None:
    """Return the name of the page on which a field is edited; None if all pages have it."""
    above = path
    while above:
        if above in PAGE_OF_PREFIX:
            return PAGE_OF_PREFIX[above]
        above = above.rpartition(".")[0]
    return None


def pattern_of(path: str) -> str:
    """Return a path without the numbers of list entries."""
    return ".".join(name for name in path.split(".") if not name.isdigit())


@cache
def field_texts_of(pattern: str, language: str) -> tuple[str, str | None]:
    """Return the label and the help of the fields with a path pattern, in a language."""
    say = catalog(language)
    own = f"field.{pattern}"
    key = own if f"{own}.label" in say else f"entry.{field_name(pattern)}"
    return say(f"{key}.label"), say(f"{key}.help") if f"{key}.help" in say else None


@cache
def option_in_words(name: str, option: object, language: str) -> str:
    """Return the label of a value of the field ``name`` that is chosen from a list."""
    say = catalog(language)
    for table in ("option", "entry_option"):
        if (key := f"{table}.{name}.{option}") in say:
            return say(key)
    return str(option)


def place_in_words(
    say: Catalog, path: str, names: Mapping[str, str], *, with_page: bool = True
) -> str:
    """Return the place of a field, such as "Costs → Labelling data → Fixed amount per month".

    Parameters
    ----------
    names
        Names of the entries on the way, by their paths; others are counted from 1.
    with_page
        Whether the place begins with the page on which the field is edited.
    """
    return ARROW.join(_places(say, path, names, with_page))


def _places(say: Catalog, path: str, names: Mapping[str, str], with_page: bool) -> Iterator[str]:
    page = page_of(path)
    if with_page and page is not None:
        yield say(f"page.{page}")
    above: list[str] = []
    parts = path.split(".")
    for position, part in enumerate(parts):
        above.append(part)
        here = ".".join(above)
        if part.isdigit():
            yield names.get(here) or f"{short_label(say, '.'.join(above[:-1]))} {int(part) + 1}"
        elif position + 1 == len(parts) or (
            _is_inside_an_entry(above) and not parts[position + 1].isdigit()
        ):
            yield short_label(say, here)


def _is_inside_an_entry(above: list[str]) -> bool:
    return any(part.isdigit() for part in above)


def short_label(say: Catalog, path: str) -> str:
    """Return a field's label without its unit; a field without a label is named by its path."""
    pattern = pattern_of(path)
    name, above = field_name(pattern), field_name(parent_path(pattern))
    keys = [
        f"field.{pattern}.label",
        f"entry.{name}.label",
        f"funding.field.{above}_{name}",
        f"funding.field.{name}",
        f"changes.field.{above}_{name}",
        f"changes.field.{name}",
        f"entries.{name}",
    ]
    _, is_of_run, of_plan = pattern.partition(".changes.")
    if is_of_run:  # fields of the plan that a training run changes
        keys.insert(0, f"field.plan.{of_plan}.label")
    found = next((say(key) for key in keys if key in say), None)
    return name.replace("_", " ") if found is None else _UNIT.sub("", found)


def allowed_in_words(say: Catalog, error: InputError) -> str:
    """Return what an error's rule allows, with the limits in the unit of the field."""
    of_percent = is_percent(error.field)
    params = {
        name: _limit_in_words(value, of_percent, say.language)
        for name, value in error.params.items()
    }
    return say(f"error.{error.rule}", **params)


def _limit_in_words(value: object, of_percent: bool, language: str) -> object:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return value
    if of_percent:
        return f"{quantities.exact(100 * Decimal(str(value)), language)}%"
    if -_LEAST_GROUPED < value < _LEAST_GROUPED:  # such as the year 2100
        return value
    return quantities.exact(value, language)
