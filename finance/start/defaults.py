"""Default values of a new company, each with its source, and the record of those in use."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from typing import Annotated, Literal

from pydantic import Field

from engine.documents import Document, InputError, read_toml_table
from engine.facts import Fact, read_facts
from engine.paths import DATA_DIR
from finance.company.provenance import MAX_SOURCE_CHARS, Origin
from finance.start.answers import PersonAnswer, Product, SalesKind, WeightsOrigin

Basis = Literal["published", "few_rows", "assumption", "computed"]
"""Kind of source: a published figure, a published figure of fewer than 20 rows, an assumption of
this project, or a result of the other answers."""


class StartDefault(Fact):
    """One row of ``data/start_defaults.csv``."""

    key: Annotated[str, Field(min_length=1)]
    scope: str
    """Country, role, size or choice that the value is for; empty if it is for all."""
    value: Annotated[str, Field(min_length=1)]
    unit: str
    confidence: Basis
    notes: str

    @property
    def number(self) -> Decimal:
        """Value as a decimal number."""
        return Decimal(self.value)

    @property
    def citation(self) -> str:
        """Source with its date, or the words that say that the value is an assumption."""
        cited = f"{self.source} ({self.as_of})"
        return cited if len(cited) <= MAX_SOURCE_CHARS else f"{cited[: MAX_SOURCE_CHARS - 1]}…"

    @property
    def count(self) -> int:
        """Value as a whole number."""
        return int(Decimal(self.value))


class UsualCompany(Document):
    """Model, sales and team that a company of one kind usually has."""

    origin: WeightsOrigin
    base_model: str | None = None
    parameters: int | None = None
    sales: tuple[SalesKind, ...]
    cash_usd: Decimal
    team: tuple[PersonAnswer, ...]


_CASH_STEP = Decimal(50_000)


@cache
def start_defaults() -> dict[tuple[str, str], StartDefault]:
    """Return all rows of ``data/start_defaults.csv`` by key and scope."""
    rows = read_facts(DATA_DIR / "start_defaults.csv", StartDefault)
    return {(row.key, row.scope): row for row in rows}


def default_of(key: str, scope: str = "") -> StartDefault:
    """Return the default of a key in one scope.

    Raises
    ------
    InputError
        If the table has no such row, such as a country without salaries.
    """
    row = start_defaults().get((key, scope))
    if row is None:
        known = ", ".join(scopes_of(key)) or "—"
        raise InputError(key, scope, "known_name", nearest=known)
    return row


def scopes_of(key: str) -> tuple[str, ...]:
    """Return the scopes of a key in the order of the table."""
    return tuple(scope for name, scope in start_defaults() if name == key)


@cache
def usual_company(product: Product) -> UsualCompany:
    """Return what a company of one kind usually makes, sells and employs."""
    path = DATA_DIR / "start" / "products.toml"
    return UsualCompany.parse(read_toml_table(path)[product], where=f"{path.name}: {product}")


def usual_cash(product: Product, country: str) -> StartDefault:
    """Return the default cash of today: that of the kind of company, at the country's salaries."""
    usual = usual_company(product).cash_usd
    level = (
        default_of("salary_engineer", country).number / default_of("salary_engineer", "US").number
    )
    rounded = max(_CASH_STEP, round(usual * level / _CASH_STEP) * _CASH_STEP)
    note = "" if country == "US" else f"that of the United States times the salaries of {country}"
    return assumption("cash", rounded, note)


def countries() -> tuple[str, ...]:
    """Return the countries with default salaries and employer's contributions."""
    paid = set(scopes_of("salary_research")) & set(scopes_of("salary_engineer"))
    return tuple(country for country in scopes_of("on_cost") if country in paid)


@dataclass(slots=True)
class Origins:
    """Record of the fields of a new scenario that were answered, and of those with a default."""

    of_path: dict[str, StartDefault] = field(default_factory=dict)
    """Source of each default by the dotted path of its field in the scenario."""
    answered: dict[str, str] = field(default_factory=dict)
    """Source of each answered field by its path; empty where the user typed the value."""

    def mark(self, row: StartDefault, *paths: str) -> StartDefault:
        """Record that the fields at ``paths`` have a default, and return it."""
        self.of_path |= dict.fromkeys(paths, row)
        return row

    def answer(self, *paths: str, source: str = "") -> None:
        """Record that the user answered the fields at ``paths``."""
        self.answered |= dict.fromkeys(paths, source)

    def number(self, given: Decimal | None, key: str, *paths: str, scope: str = "") -> Decimal:
        """Return the given number, or the default of ``key``, and record which it is."""
        if given is None:
            return self.mark(default_of(key, scope), *paths).number
        self.answer(*paths)
        return given

    def count(self, given: int | None, key: str, *paths: str, scope: str = "") -> int:
        """Return the given whole number, or the default of ``key``, and record which it is."""
        if given is None:
            return self.mark(default_of(key, scope), *paths).count
        self.answer(*paths)
        return given

    def text(self, given: str | None, key: str, *paths: str) -> str:
        """Return the given text, or the default of ``key``, and record which it is."""
        if given is None:
            return self.mark(default_of(key), *paths).value
        self.answer(*paths)
        return given

    def provenance(self, answered_on: datetime.date) -> dict[str, Origin]:
        """Return the origin of each recorded field, for a scenario."""
        defaults = {
            path: Origin(by="default", source=row.citation) for path, row in self.of_path.items()
        }
        answers = {
            path: Origin(by="user", source=source[:MAX_SOURCE_CHARS], as_of=answered_on)
            for path, source in self.answered.items()
        }
        return defaults | answers


def assumption(key: str, value: object, note: str = "") -> StartDefault:
    """Return a default from ``data/start/products.toml``, which holds assumptions only."""
    return StartDefault(
        key=key,
        scope="",
        value=str(value) or "—",
        unit="",
        confidence="assumption",
        source="own assumption (data/start/products.toml)",
        as_of="2026-11",
        notes=note,
    )


def computed(key: str, value: object, source: str) -> StartDefault:
    """Return a value that follows from the other answers, such as a searched layout."""
    return StartDefault(
        key=key,
        scope="",
        value=str(value) or "—",
        unit="",
        confidence="computed",
        source=source,
        as_of="2026-11",
        notes="",
    )
