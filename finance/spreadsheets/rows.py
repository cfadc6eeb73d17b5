"""Rows of a spreadsheet as entries of a company, with one line for each row that is refused."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from engine.documents import Document, InputError
from engine.units import MONTHS_PER_YEAR
from finance.costs.people import Role
from finance.costs.spending import Spending
from finance.numbers.money import cents
from finance.revenue.lines import Enterprise
from finance.spreadsheets import cells
from finance.spreadsheets.columns import ImportKind, Mapped, require_columns
from finance.spreadsheets.reading import Table

Data = dict[str, Any]

_FUNCTIONS: dict[str, tuple[str, ...]] = {
    "sales": ("sales", "market", "growth", "销售", "市场"),
    "support": ("support", "success", "service", "客服", "客户", "支持"),
    "research": (
        "research", "engineer", "develop", "product", "data", "scien", "design", "r&d", "tech",
        "研", "技术", "工程", "算法", "开发", "产品", "数据",
    ),
}  # fmt: skip
_CATEGORIES: dict[str, tuple[str, ...]] = {
    "marketing": ("market", "advert", "brand", "event", "市场", "推广", "广告"),
    "delivery": ("delivery", "cogs", "payment", "hosting", "交付", "成本", "支付"),
}
SECURITIES: dict[str, tuple[str, ...]] = {
    "safe": ("safe",),
    "option": ("option", "esop", "期权"),
    "preferred": ("prefer", "series", "优先", "轮"),
}
_ROLES: dict[str, tuple[str, ...]] = {
    "founder": ("founder", "创始"),
    "employee": ("employee", "staff", "team", "员工", "雇员"),
    "adviser": ("advis", "consultant", "顾问"),
    "investor": ("invest", "fund", "angel", "vc", "投资", "基金"),
}
_RENEWAL = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that was refused."""

    number: int
    """Number of the row in the file."""
    error: InputError
    """Reason; its field is the column of the file, or the field of the entry."""


@dataclass(frozen=True, slots=True)
class ReadRows:
    """Rows of a file as entries, and the rows that were refused."""

    kind: ImportKind
    entries: tuple[Data, ...]
    numbers: tuple[int, ...]
    """Number of the row of each entry in the file."""
    bad: tuple[BadRow, ...]


def read_rows(
    kind: ImportKind,
    table: Table,
    mapped: Mapped,
    first_month: datetime.date,
    usd_per_unit: Decimal = Decimal(1),
) -> ReadRows:
    """Return the entries of all rows.

    Parameters
    ----------
    mapped
        Column of the file by the field that it holds.
    first_month
        First month of the company; dates count from it.
    usd_per_unit
        Value of one unit of the file's currency, in USD.

    Raises
    ------
    InputError
        If a required field has no column. A bad row does not raise.
    """
    require_columns(kind, mapped)
    make = _MAKERS[kind]
    place = {name: number for number, name in enumerate(table.columns)}
    entries, numbers, bad = [], [], []
    for number, row in zip(table.numbers, table.rows, strict=True):
        given = {field: row[place[column]] for field, column in mapped.items() if column in place}
        try:
            entry = make(_Row(given, mapped, first_month, usd_per_unit))
        except InputError as error:
            bad.append(BadRow(number, error))
            continue
        if entry is not None:
            entries.append(entry)
            numbers.append(number)
    return ReadRows(kind, tuple(entries), tuple(numbers), tuple(bad))


@dataclass(frozen=True, slots=True)
class _Row:
    """Cells of one row by field, with the readers of the columns."""

    given: dict[str, str]
    mapped: Mapped
    first_month: datetime.date
    usd_per_unit: Decimal

    def text(self, field: str) -> str:
        return self.given.get(field, "").strip()

    def needed(self, field: str) -> str:
        if not self.text(field):
            raise InputError(self.column(field), "—", "missing")
        return self.text(field)[:80]

    def column(self, field: str) -> str:
        return self.mapped.get(field, field)

    def usd(self, field: str) -> Decimal | None:
        cell = self.text(field)
        return cells.amount(self.column(field), cell) * self.usd_per_unit if cell else None

    def share(self, field: str) -> Decimal | None:
        cell = self.text(field)
        return cells.share(self.column(field), cell) if cell else None

    def count(self, field: str) -> int | None:
        cell = self.text(field)
        return cells.count(self.column(field), cell) if cell else None

    def month(self, field: str) -> int | None:
        cell = self.text(field)
        return cells.month(self.column(field), cell, self.first_month) if cell else None

    def one_of(self, *fields: str) -> None:
        if not any(self.text(field) for field in fields):
            raise InputError(" / ".join(self.column(field) for field in fields), "—", "missing")


def _person(row: _Row) -> Data | None:
    end = row.text("end")
    if end and not end.isdigit() and cells.date(row.column("end"), end) < row.first_month:
        return None  # left before the first month
    row.one_of("yearly_salary", "monthly_cost")
    yearly, monthly = row.usd("yearly_salary"), row.usd("monthly_cost")
    if monthly is None:
        assert yearly is not None
        monthly = yearly / MONTHS_PER_YEAR
    people = row.count("people")
    entry: Data = {
        "title": row.needed("title"),
        "people": 1 if people is None else people,
        "cost_usd_per_month": str(cents(monthly)),
        "start_month": row.month("start") or 1,
        "end_month": row.month("end"),
        "function": cells.choice(
            row.column("function"),
            f"{row.text('function')} {row.text('title')}",
            _FUNCTIONS,
            "general",
        ),
        "region": row.text("region")[:60],
        "on_cost_share": str(row.share("on_cost") or 0),
    }
    return _checked(Role, entry)


def _cost(row: _Row) -> Data | None:
    row.one_of("monthly", "yearly", "share_of_revenue")
    monthly, yearly = row.usd("monthly"), row.usd("yearly")
    if monthly is None and yearly is not None:
        monthly = yearly / MONTHS_PER_YEAR
    entry: Data = {
        "name": row.needed("name"),
        "category": cells.choice(
            row.column("category"),
            f"{row.text('category')} {row.text('name')}",
            _CATEGORIES,
            "general",
        ),
        "first_month": row.month("start") or 1,
        "last_month": row.month("end"),
        "amount_per_month": str(cents(monthly or Decimal(0))),
        "share_of_revenue": str(row.share("share_of_revenue") or 0),
    }
    return _checked(Spending, entry)


def _revenue(row: _Row) -> Data | None:
    row.one_of("yearly_price", "monthly_price")
    yearly, monthly = row.usd("yearly_price"), row.usd("monthly_price")
    by_month = yearly is None
    if yearly is None:
        assert monthly is not None
        yearly = monthly * MONTHS_PER_YEAR
    churn = row.share("churn") or Decimal(0)
    customers = row.count("customers")
    entry: Data = {
        "kind": "enterprise",
        "name": row.needed("name"),
        "launch_month": row.month("launch") or 1,
        "adoption": {
            "kind": "growth",
            "customers_at_launch": str(1 if customers is None else customers),
            "growth_share_per_month": str(row.share("growth") or 0),
        },
        "price_per_year": str(cents(yearly)),
        "renewal_share": str(((1 - churn) ** MONTHS_PER_YEAR).quantize(_RENEWAL)),
        "months_invoiced": 1 if by_month else 12,
    }
    return _checked(Enterprise, entry)


def _security(row: _Row) -> Data | None:
    row.one_of("shares", "amount")
    kind = cells.choice(row.column("security"), row.text("security"), SECURITIES, "common")
    shares = row.text("shares")
    amount, price, cap = row.usd("amount"), row.usd("price"), row.usd("cap")
    if kind == "safe":
        if amount is None:
            raise InputError(row.column("amount"), "—", "missing")
    elif not shares:
        raise InputError(row.column("shares"), "—", "missing")
    return {
        "holder": row.needed("holder"),
        "security": kind,
        "role": cells.choice(row.column("role"), row.text("role"), _ROLES, ""),
        "stock_class": row.text("security") if kind == "preferred" else "Common",
        "shares": cells.count(row.column("shares"), shares) if shares else 0,
        "price": None if price is None else str(price),
        "amount": None if amount is None else str(cents(amount)),
        "cap": None if cap is None else str(cents(cap)),
        "discount": str(row.share("discount") or 0),
        "date": cells.date(row.column("date"), row.text("date")) if row.text("date") else None,
    }


_MAKERS: dict[ImportKind, Callable[[_Row], Data | None]] = {
    "people": _person,
    "costs": _cost,
    "revenue": _revenue,
    "cap_table": _security,
}


def _checked(kind: type[Document], entry: Data) -> Data:
    """Return the entry without its empty fields; InputError if the document does not allow it."""
    filled = {name: value for name, value in entry.items() if value is not None}
    kind.parse(filled)
    return filled
