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
"""Prefix of a comment that holds a whole document as JSON."""
PLAN = "option-pool"
"""Id and name of the only stock plan of a written package."""


class Header(Document):
    """Fields of a cap table that belong to none of its securities."""

    currency: CurrencyCode = "USD"
    rates: dict[CurrencyCode, Decimal] = Field(default_factory=dict)
    pool: NonNegativeShares = Fraction(0)


def security(document: Holding | OptionGrant | Warrant | Safe | Note, currency: str) -> Json:
    """Return the issuance of a security.

    ``currency`` is the cap table's.
    """
    match document:
        case Holding():
            return _stock(document, currency)
        case OptionGrant():
            return _options(document, currency)
        case Warrant():
            return _warrant(document, currency)
        case _:
            return _convertible(document)


def stock_class(document: StockClass, currency: str, common: str) -> Json:
    """Return a stock class as an OCF object; preferred stock converts into ``common``."""
    item: Json = {
        "object_type": "STOCK_CLASS",
        "id": document.name,
        "name": document.name,
        "class_type": "PREFERRED" if document.preferred else "COMMON",
        "default_id_prefix": "PS-" if document.preferred else "CS-",
        "initial_shares_authorized": "NOT APPLICABLE",
        "votes_per_share": "1",
        "seniority": str(document.seniority),
        "comments": [comment(plain(document))],
    }
    if document.issue_price is not None:
        item["price_per_share"] = money(document.issue_price, currency)
    if document.preferred:
        ratio, price = document.common_per_share, document.conversion_price or document.issue_price
        item["liquidation_preference_multiple"] = numeric(Fraction(document.liquidation_multiple))
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
    if document.participation_cap is not None and document.participating:
        item["participation_cap_multiple"] = numeric(Fraction(document.participation_cap))
    return item


def _stock(holding: Holding, currency: str) -> Json:
    return {
        **_issuance("TX_STOCK_ISSUANCE", holding),
        "stock_class_id": holding.stock_class,
        "share_price": money(Fraction(holding.paid) / holding.shares, currency),
        "quantity": numeric(holding.shares),
        "stock_legend_ids": [],
        **_vests(holding.vesting),
    }


def _options(grant: OptionGrant, currency: str) -> Json:
    return {
        **_issuance("TX_EQUITY_COMPENSATION_ISSUANCE", grant),
        "compensation_type": "OPTION",
        "stock_plan_id": PLAN,
        "stock_class_id": grant.stock_class,
        "quantity": numeric(grant.shares + grant.exercised),
        "exercise_price": money(grant.exercise_price, currency),
        "expiration_date": None,
        "termination_exercise_windows": [],
        **_vests(grant.vesting),
    }


def _warrant(warrant: Warrant, currency: str) -> Json:
    trigger: Json = {
        "type": "ELECTIVE_AT_WILL",
        "trigger_id": f"{warrant.name} at will",
        "conversion_right": {
            "type": "WARRANT_CONVERSION_RIGHT",
            "conversion_mechanism": {
                "type": "FIXED_AMOUNT_CONVERSION",
                "converts_to_quantity": numeric(warrant.shares),
            },
            "converts_to_stock_class_id": warrant.stock_class,
        },
    }
    expires = (
        {} if warrant.expires is None else {"warrant_expiration_date": warrant.expires.isoformat()}
    )
    return {
        **_issuance("TX_WARRANT_ISSUANCE", warrant),
        "quantity": numeric(warrant.shares),
        "exercise_price": money(warrant.exercise_price, currency),
        "purchase_price": money(Fraction(0), currency),
        "exercise_triggers": [trigger],
        **expires,
    }


def _convertible(convertible: Safe | Note) -> Json:
    """Return the issuance of a SAFE or note, which converts in the next priced round."""
    mechanism: Json = {
        "capitalization_definition_rules": {
            "include_outstanding_shares": True,
            "include_outstanding_options": True,
            "include_outstanding_unissued_options": convertible.counted.pool,
            "include_this_security": convertible.counted.converting,
            "include_other_converting_securities": convertible.counted.converting,
            "include_option_pool_topup_for_promised_options": convertible.counted.pool_increase,
            "include_additional_option_pool_topup": convertible.counted.pool_increase,
            "include_new_money": False,
        }
    }
    if convertible.cap is not None:
        mechanism["conversion_valuation_cap"] = money(
            Fraction(convertible.cap), convertible.currency
        )
    if convertible.discount:
        mechanism["conversion_discount"] = numeric(Fraction(convertible.discount))
    if isinstance(convertible, Safe):
        mechanism |= {
            "type": "SAFE_CONVERSION",
            "conversion_mfn": convertible.mfn,
            "conversion_timing": "POST_MONEY" if convertible.counted.converting else "PRE_MONEY",
        }
    else:
        thirty = convertible.day_count in (DayCount.THIRTY_360, DayCount.THIRTY_E_360)
        simple = convertible.accrual is Accrual.SIMPLE
        mechanism |= {
            "type": "CONVERTIBLE_NOTE_CONVERSION",
            "interest_rates": [
                {
                    "rate": numeric(Fraction(convertible.rate)),
                    "accrual_start_date": convertible.date.isoformat(),
                }
            ],
            "day_count_convention": "30_360" if thirty else "ACTUAL_365",
            "interest_payout": "DEFERRED",
            "interest_accrual_period": "DAILY",
            "compounding_type": "SIMPLE" if simple else "COMPOUNDING",
        }
    trigger = {
        "type": "AUTOMATIC_ON_CONDITION",
        "trigger_id": f"{convertible.name} next round",
        "trigger_condition": catalog("en")("capital.ocf.next_round"),
        "conversion_right": {
            "type": "CONVERTIBLE_CONVERSION_RIGHT",
            "conversion_mechanism": mechanism,
            "converts_to_future_round": True,
        },
    }
    return {
        **_issuance("TX_CONVERTIBLE_ISSUANCE", convertible),
        "investment_amount": money(Fraction(convertible.amount), convertible.currency),
        "convertible_type": "SAFE" if isinstance(convertible, Safe) else "NOTE",
        "conversion_triggers": [trigger],
        "seniority": 1,
    }


def _issuance(kind: str, document: Holding | OptionGrant | Warrant | Safe | Note) -> Json:
    return {
        "object_type": kind,
        "id": f"{document.name} issued",
        "security_id": document.name,
        "custom_id": document.name,
        "date": document.date.isoformat(),
        "stakeholder_id": document.holder,
        "security_law_exemptions": [],
        "comments": [comment(plain(document))],
    }


def _vests(vesting: Vesting | None) -> Json:
    return {} if vesting is None else {"vesting_terms_id": terms_id(vesting)}


def numeric(value: Fraction | int) -> str:
    """Return a number as OCF writes it: fixed point, at most ten decimals."""
    whole, rest = divmod(round(Fraction(value) * 10**10), 10**10)
    return f"{whole}.{rest:010d}".rstrip("0") if rest else str(whole)


def alike(first: Fraction, second: Fraction) -> bool:
    """Return whether two counts differ by no more than :func:`numeric` rounds in a short sum."""
    return abs(first - second) < Fraction(1, 10**8)


def money(amount: Fraction, currency: str) -> Json:
    """Return an amount of money as an OCF object."""
    return {"amount": numeric(amount), "currency": currency}


def plain(document: Document) -> Json:
    """Return a document as JSON without the fields that have their default."""
    return document.model_dump(mode="json", exclude_defaults=True)


def comment(content: Json) -> str:
    """Return a comment that holds JSON for :func:`in_comment`."""
    return COMMENT + json.dumps(content, sort_keys=True, ensure_ascii=False)


def in_comment(kind: type[_Document], text: str) -> _Document | None:
    """Return the document that :func:`comment` wrote; None for any other comment."""
    if not text.startswith(COMMENT):
        return None
    try:
        return kind.parse(json.loads(text.removeprefix(COMMENT)))
    except ValueError:  # not JSON, or not such a document
        return None
