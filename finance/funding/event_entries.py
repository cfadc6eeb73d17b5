"""Conversion between events of a cap table and the values that users type into forms."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from copy import deepcopy
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any

from engine import quantities
from engine.document_paths import put_value, remove_value, value_or_none
from finance.books.months import date_of_month, month_of_date
from finance.capital.events import PricedRound
from finance.capital.history import Capital
from finance.capital.instruments import POST_MONEY, PRE_MONEY
from finance.capital.round_terms import PoolBasis
from finance.funding.ownership import Names, last_day
from finance.funding.proposed_round import next_series

NONE = "none"
"""Choice that leaves a field out."""
NEW_ROUND_USD = Decimal(5_000_000)
"""New money of a new round before it is edited."""
OTHER = "other"
"""Choice of the shares that a cap counts if the document's count is neither of YC's forms."""
_COUNTED = {"post_money": POST_MONEY, "pre_money": PRE_MONEY}
_SUFFIXES = (("B", 10**9), ("M", 10**6), ("K", 10**3))
_NAMES = {
    "safe": "SAFE",
    "note": "NOTE",
    "option_grant": "OPT",
    "stock_issue": "CS",
    "tranche": "TR",
    "warrant": "W",
}


def event_from_form(
    event: Mapping[str, Any], typed: Mapping[str, tuple[str, Any]]
) -> dict[str, Any]:
    """Return the fields of an event with the typed values, to be validated.

    Fields without a typed value keep their value.

    Parameters
    ----------
    typed
        Kind of the field and typed value, by the dotted path of the field. An empty value gives
        the field its default.
    """
    found = deepcopy(dict(event))
    for name, (kind, value) in typed.items():
        _put(found, name, _document_value(found, name, kind, value))
    if found.get("counted") == OTHER:
        found["counted"] = event["counted"]
    if "counted" in found and isinstance(found["counted"], str):
        found["counted"] = _COUNTED[found["counted"]].model_dump()
    pool = found.get("pool")
    if pool is not None and (pool.get("basis") == NONE or not pool.get("value")):
        found["pool"] = None
    vesting = found.get("vesting")
    if vesting is not None:
        if vesting.get("months"):
            vesting.setdefault("start", found["date"])
        else:
            found["vesting"] = None
    return found


def form_value(event: Mapping[str, Any], name: str, kind: str) -> Any:
    """Return the value that a form field shows before it is edited."""
    value = value_or_none(event, name)
    if name == "counted":
        same = [key for key, counted in _COUNTED.items() if value == counted.model_dump()]
        return same[0] if same else OTHER
    match kind:
        case "date":
            return None if value is None else datetime.date.fromisoformat(value)
        case "switch":
            return bool(value)
        case "many":
            return list(value or ())
        case "choice":
            return NONE if value is None else value
        case "percent":
            if value is None:
                return ""
            if name == "pool.value" and event["pool"]["basis"] == PoolBasis.INCREASE:
                return _short(value)
            return _decimal(100 * Fraction(value))
    if value is None:
        return ""
    return _short(value) if kind in ("amount", "price") else str(value)


def new_name(names: Names, capital: Capital, kind: str, field: str) -> str:
    """Return a name that is not in use, such as SAFE-3 or Series B."""
    if kind == "priced_round":
        return next_series(capital, NEW_ROUND_USD, names)
    used = {getattr(event, "name", None) for event in capital.events}
    used |= {security.name for security in capital.opening.securities}
    if field == "series":
        rounds = [event for event in capital.events if isinstance(event, PricedRound)]
        return rounds[-1].series if rounds else ""
    number = 1
    while f"{_NAMES[kind]}-{number}" in used:
        number += 1
    return f"{_NAMES[kind]}-{number}"


def new_date(capital: Capital, first_month: datetime.date, horizon_months: int) -> datetime.date:
    """Return a day for a new event: within the plan, and a month after the events in it.

    Without events from the first month on it is the first day of the plan.
    """
    if not capital.events:
        return max(first_month, capital.opening.date)
    last = last_day(capital)
    if last < first_month:
        return first_month
    month = min(month_of_date(first_month, last) + 1, horizon_months)
    return max(date_of_month(first_month, month), last)


def _document_value(event: Mapping[str, Any], name: str, kind: str, value: Any) -> Any:
    """Return a typed value as the document writes it; None if it is empty."""
    if value is None or value == "":
        return None
    match kind:
        case "date":
            return value.isoformat()
        case "months":
            return int(value) if str(value).strip().isdigit() else value
        case "amount":
            return _number(value)
        case "percent":
            basis = (event.get("pool") or {}).get("basis")
            if name == "pool.value" and basis == PoolBasis.INCREASE:
                return _number(value)
            return _share(value)
    return value


def _number(typed: str) -> str:
    """Return 6M as 6000000; other text is returned unchanged, for the document to refuse."""
    plain = typed.replace(",", "").replace("_", "").strip()
    try:
        return str(Decimal(plain))
    except InvalidOperation:
        count = quantities.parse_count(typed)
        return typed if count is None else str(count)


def _share(typed: str) -> str:
    """Return 20 or 20% as 0.2; other text is returned unchanged, for the document to refuse."""
    try:
        return str(Decimal(typed.strip().removesuffix("%")) / 100)
    except InvalidOperation:
        return typed


def _short(value: str) -> str:
    exact = Fraction(value)
    for suffix, size in _SUFFIXES:
        if exact >= size and (exact * 1000) % size == 0:
            return f"{_decimal(exact / size)}{suffix}"
    return _decimal(exact)


def _decimal(exact: Fraction) -> str:
    decimal = round(Decimal(exact.numerator) / exact.denominator, 12)
    text = f"{decimal:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _put(event: dict[str, Any], name: str, value: Any) -> None:
    """Set a field of an event. None removes the field, so that its default applies."""
    if value is None:
        remove_value(event, name)
    else:
        put_value(event, name, value)
