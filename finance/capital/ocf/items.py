"""Securities and classes of stock as objects of the Open Cap Table Format."""

from __future__ import annotations

import json
from decimal import Decimal
from fractions import Fraction
from typing import Any, TypeVar

from pydantic import Field

from engine.documents import Document
from engine.field_types import CurrencyCode
from engine.text import catalog
from finance.capital.exact import NonNegativeShares
from finance.capital.instruments import Note, OptionGrant, Safe, Warrant
from finance.capital.interest import Accrual, DayCount
from finance.capital.ocf.vesting import terms_id
from finance.capital.table import Holding, StockClass
from finance.capital.vesting import Vesting

Json = dict[str, Any]
_Document = TypeVar("_Document", bound=Document)

COMMENT = "flopledger "
"""Begins the comment that holds the whole document, as JSON."""
PLAN = "option-pool"


class Header(Document):
    """What belongs to a whole table alone."""

    currency: CurrencyCode = "USD"
    rates: dict[CurrencyCode, Decimal] = Field(default_factory=dict)
    pool: NonNegativeShares = Fraction(0)


def security(one: Holding | OptionGrant | Warrant | Safe | Note, currency: str) -> Json:
    """The issuance of one security."""
    match one:
        case Holding():
            return _stock(one, currency)
        case OptionGrant():
            return _options(one, currency)
        case Warrant():
            return _warrant(one, currency)
        case _:
            return _convertible(one)


def stock_class(one: StockClass, currency: str, common: str) -> Json:
    """One class; preferred converts into ``common``."""
    item: Json = {
        "object_type": "STOCK_CLASS",
        "id": one.name,
        "name": one.name,
        "class_type": "PREFERRED" if one.preferred else "COMMON",
        "default_id_prefix": "PS-" if one.preferred else "CS-",
        "initial_shares_authorized": "NOT APPLICABLE",
        "votes_per_share": "1",
        "seniority": str(one.seniority),
        "comments": [comment(plain(one))],
    }
    if one.issue_price is not None:
        item["price_per_share"] = money(one.issue_price, currency)
    if one.preferred:
        ratio, price = one.common_per_share, one.conversion_price or one.issue_price
        item["liquidation_preference_multiple"] = numeric(Fraction(one.liquidation_multiple))
        item["conversion_rights"] = [
            {
                "type": "STOCK_CLASS_CONVERSION_RIGHT",
                "conversion_mechanism": {
                    "type": "RATIO_CONVERSION",
                    "conversion_price": money(price or Fraction(0), currency),
                    "ratio": {
                        "numerator": str(ratio.numerator),
                        "denominator": str(ratio.denominator),
                    },
                    "rounding_type": "NORMAL",
                },
                "converts_to_stock_class_id": common,
            }
        ]
    if one.participation_cap is not None and one.participating:
        item["participation_cap_multiple"] = numeric(Fraction(one.participation_cap))
    return item


def _stock(one: Holding, currency: str) -> Json:
    return {
        **_issuance("TX_STOCK_ISSUANCE", one),
        "stock_class_id": one.stock_class,
        "share_price": money(Fraction(one.paid) / one.shares, currency),
        "quantity": numeric(one.shares),
        "stock_legend_ids": [],
        **_vests(one.vesting),
    }


def _options(one: OptionGrant, currency: str) -> Json:
    return {
        **_issuance("TX_EQUITY_COMPENSATION_ISSUANCE", one),
        "compensation_type": "OPTION",
        "stock_plan_id": PLAN,
        "stock_class_id": one.stock_class,
        "quantity": numeric(one.shares + one.exercised),
        "exercise_price": money(one.exercise_price, currency),
        "expiration_date": None,
        "termination_exercise_windows": [],
        **_vests(one.vesting),
    }


def _warrant(one: Warrant, currency: str) -> Json:
    trigger: Json = {
        "type": "ELECTIVE_AT_WILL",
        "trigger_id": f"{one.name} at will",
        "conversion_right": {
            "type": "WARRANT_CONVERSION_RIGHT",
            "conversion_mechanism": {
                "type": "FIXED_AMOUNT_CONVERSION",
                "converts_to_quantity": numeric(one.shares),
            },
            "converts_to_stock_class_id": one.stock_class,
        },
    }
    expires = {} if one.expires is None else {"warrant_expiration_date": one.expires.isoformat()}
    return {
        **_issuance("TX_WARRANT_ISSUANCE", one),
        "quantity": numeric(one.shares),
        "exercise_price": money(one.exercise_price, currency),
        "purchase_price": money(Fraction(0), currency),
        "exercise_triggers": [trigger],
        **expires,
    }


def _convertible(one: Safe | Note) -> Json:
    """The issuance of a SAFE or note; it converts in the next priced round."""
    mechanism: Json = {
        "capitalization_definition_rules": {
            "include_outstanding_shares": True,
            "include_outstanding_options": True,
            "include_outstanding_unissued_options": one.counted.pool,
            "include_this_security": one.counted.converting,
            "include_other_converting_securities": one.counted.converting,
            "include_option_pool_topup_for_promised_options": one.counted.pool_increase,
            "include_additional_option_pool_topup": one.counted.pool_increase,
            "include_new_money": False,
        }
    }
    if one.cap is not None:
        mechanism["conversion_valuation_cap"] = money(Fraction(one.cap), one.currency)
    if one.discount:
        mechanism["conversion_discount"] = numeric(Fraction(one.discount))
    if isinstance(one, Safe):
        mechanism |= {
            "type": "SAFE_CONVERSION",
            "conversion_mfn": one.mfn,
            "conversion_timing": "POST_MONEY" if one.counted.converting else "PRE_MONEY",
        }
    else:
        thirty = one.day_count in (DayCount.THIRTY_360, DayCount.THIRTY_E_360)
        simple = one.accrual is Accrual.SIMPLE
        mechanism |= {
            "type": "CONVERTIBLE_NOTE_CONVERSION",
            "interest_rates": [
                {
                    "rate": numeric(Fraction(one.rate)),
                    "accrual_start_date": one.date.isoformat(),
                }
            ],
            "day_count_convention": "30_360" if thirty else "ACTUAL_365",
            "interest_payout": "DEFERRED",
            "interest_accrual_period": "DAILY",
            "compounding_type": "SIMPLE" if simple else "COMPOUNDING",
        }
    trigger = {
        "type": "AUTOMATIC_ON_CONDITION",
        "trigger_id": f"{one.name} next round",
        "trigger_condition": catalog("en")("capital.ocf.next_round"),
        "conversion_right": {
            "type": "CONVERTIBLE_CONVERSION_RIGHT",
            "conversion_mechanism": mechanism,
            "converts_to_future_round": True,
        },
    }
    return {
        **_issuance("TX_CONVERTIBLE_ISSUANCE", one),
        "investment_amount": money(Fraction(one.amount), one.currency),
        "convertible_type": "SAFE" if isinstance(one, Safe) else "NOTE",
        "conversion_triggers": [trigger],
        "seniority": 1,
    }


def _issuance(kind: str, one: Holding | OptionGrant | Warrant | Safe | Note) -> Json:
    return {
        "object_type": kind,
        "id": f"{one.name} issued",
        "security_id": one.name,
        "custom_id": one.name,
        "date": one.date.isoformat(),
        "stakeholder_id": one.holder,
        "security_law_exemptions": [],
        "comments": [comment(plain(one))],
    }


def _vests(vesting: Vesting | None) -> Json:
    return {} if vesting is None else {"vesting_terms_id": terms_id(vesting)}


def numeric(value: Fraction | int) -> str:
    """OCF's number: fixed point, at most ten decimals."""
    whole, rest = divmod(round(Fraction(value) * 10**10), 10**10)
    return f"{whole}.{rest:010d}".rstrip("0") if rest else str(whole)


def alike(one: Fraction, other: Fraction) -> bool:
    """Whether two counts differ only by what :func:`numeric` rounds, in sums of a few."""
    return abs(one - other) < Fraction(1, 10**8)


def money(amount: Fraction, currency: str) -> Json:
    return {"amount": numeric(amount), "currency": currency}


def plain(document: Document) -> Json:
    return document.model_dump(mode="json", exclude_defaults=True)


def comment(content: Json) -> str:
    return COMMENT + json.dumps(content, sort_keys=True, ensure_ascii=False)


def in_comment(kind: type[_Document], text: str) -> _Document | None:
    """The document that :func:`comment` wrote; None for a comment of anybody else's."""
    if not text.startswith(COMMENT):
        return None
    try:
        return kind.parse(json.loads(text.removeprefix(COMMENT)))
    except ValueError:  # no JSON, or not such a document
        return None
