"""Units of inputs, from the names of their fields."""

from __future__ import annotations

import datetime
import re

from engine.document_paths import field_name, parent_path, value_or_none
from finance.company.scenario import Scenario
from finance.verdict.inputs import CHANGES

NO_UNIT = ""
_BY_ENDING = (
    ("usd_per_device_hour", "usd_per_device_hour"),
    ("usd_per_device_month", "usd_per_device_month"),
    ("usd_per_device", "usd_per_device"),
    ("usd_per_customer_month", "usd_per_customer_month"),
    ("usd_per_month", "usd_per_month"),
    ("usd_per_year", "usd_per_year"),
    ("_usd", "usd"),
    ("share_per_month", "percent_per_month"),
    ("share_per_year", "percent_per_year"),
    ("share_at_renewal", "percent"),
    ("share_at_launch", "percent"),
    ("share_of_revenue", "percent"),
    ("_share", "percent"),
    ("tokens_per_month", "tokens_per_month"),
    ("tokens_per_customer_month", "tokens_per_month"),
    ("_tokens", "tokens"),
    ("days_per_month", "days_per_month"),
    ("_days", "days"),
    ("_months", "months"),
    ("_month", "month"),
    ("per_device_year", "per_device_year"),
    ("bytes_per_parameter", "bytes_per_parameter"),
    ("gb_per_s_per_device", "gb_per_s_per_device"),
    ("_s", "seconds"),
    ("per_year", "per_year"),
)
"""Units by the end of a field's name, the longest ends first."""
_BY_NAME = {
    "share": "percent",
    "discount": "percent",
    "rate": "percent_per_year",
    "tokens": "tokens",
    "vocab": "tokens",
    "seq_len_tokens": "tokens",
    "micro_batch_sequences": "sequences",
    "concurrent_sequences": "sequences",
    "people": "people",
    "market": "customers",
    "customers_at_launch": "customers",
    "devices": "devices",
    "n_devices": "devices",
    "shares": "shares",
    "runs": "runs",
    "month": "month",
    "months": "months",
    "months_invoiced": "months",
    "repeat_every_months": "months",
}
_OF_CURRENCY = {
    "price_per_million_input_tokens": "per_million_tokens",
    "price_per_million_cached_tokens": "per_million_tokens",
    "price_per_million_output_tokens": "per_million_tokens",
    "price_per_million_tokens": "per_million_tokens",
    "cost_per_million_tokens": "per_million_tokens",
    "price_per_month": "per_month",
    "amount_per_month": "per_month",
    "price_per_year": "per_year",
    "price_per_day": "per_day",
    "amount_per_new_customer": "per_customer",
    "licence_price": "",
    "delivery_cost": "",
    "amount": "",
    "new_money": "",
    "pre_money": "",
    "cap": "",
    "exercise_price": "per_share",
    "price": "per_share",
}
"""Fields whose amount is in the currency of their document, and what they are per."""


def unit_of(scenario: Scenario, path: str) -> str:
    """Return the code of an input's unit.

    It is a currency's ISO code, alone or as in ``EUR/per_month``, or a code below ``input_unit`` in
    the catalogs; empty for a pure number, a date or a choice.
    """
    name = field_name(path)
    if f".{CHANGES}." not in path:
        value = value_or_none(scenario, path)
        if isinstance(value, bool | str | datetime.date):
            return NO_UNIT
    if re.match(r"company\.exchange_rates\.[A-Z]{3}$", path):
        return f"USD/{name}"
    if name in _OF_CURRENCY:
        per = _OF_CURRENCY[name]
        currency = _currency(scenario, path)
        return f"{currency}/{per}" if per else currency
    if name in _BY_NAME:
        return _BY_NAME[name]
    for ending, unit in _BY_ENDING:
        if name.endswith(ending.lstrip("_") if name == ending.lstrip("_") else ending):
            return unit
    return NO_UNIT


def _currency(scenario: Scenario, path: str) -> str:
    """Return the currency of the nearest table that has one; USD if none has."""
    above = parent_path(path)
    while above:
        currency = getattr(value_or_none(scenario, above), "currency", None)
        if isinstance(currency, str):
            return currency
        above = parent_path(above)
    capital = scenario.company.capital
    if path.startswith("company.capital.") and capital is not None:
        return capital.opening.currency
    return "USD"
