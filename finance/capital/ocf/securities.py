"""One security of an Open Cap Table package as a document of ours."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any, TypeVar

from engine.documents import Document, InputError
from finance.capital.exact import cents_of
from finance.capital.instruments import (
    POST_MONEY,
    PRE_MONEY,
    Counted,
    Note,
    OptionGrant,
    Safe,
    Warrant,
)
from finance.capital.ocf.items import Header, Json, alike, in_comment, numeric, security
from finance.capital.ocf.objects import (
    Mechanism,
    Monetary,
    Transaction,
    Trigger,
    VestingTerms,
)
from finance.capital.ocf.package import OpenSecurity
from finance.capital.ocf.vesting import vesting_of
from finance.capital.table import Decided, Holding, Term
from finance.capital.vesting import Vesting

_Kept = TypeVar("_Kept", bound=Document)
_Counted = TypeVar("_Counted", Holding, OptionGrant, Warrant)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a security refers to in its package."""

    header: Header
    class_names: Mapping[str, str]
    """By id."""
    holder_names: Mapping[str, str]
    issuances: Mapping[str, Json]
    """As they stand in the file, by security."""
    vesting_terms: Mapping[str, VestingTerms]
    vesting_starts: Mapping[str, date]
    splits: tuple[Transaction, ...]

    def money(self, money: Monetary | None) -> Fraction:
        """In the table's currency; nothing where there is none."""
        if money is None:
            return Fraction(0)
        if money.currency == self.header.currency:
            return money.amount
        if money.currency not in self.header.rates:
            raise InputError(
                "currency", money.currency, "rate_needed", currency=self.header.currency
            )
        return money.amount * Fraction(self.header.rates[money.currency])

    def split_since(self, stock_class_id: str, day: date) -> Fraction:
        """What one share of a class has become since a day."""
        ratio = Fraction(1)
        for one in self.splits:
            if one.stock_class_id == stock_class_id and one.date > day and one.split_ratio:
                ratio *= one.split_ratio.value
        return ratio

    def class_name(self, stock_class_id: str) -> str:
        return self.class_names.get(stock_class_id, stock_class_id)


def kept(item: Json, kind: type[_Kept], again: Callable[[_Kept], Json]) -> _Kept | None:
    """The document in an object's comment, if the object still says the same.

    What another program has changed is read from the object alone.
    """
    for comment in item.get("comments", ()):
        if (document := in_comment(kind, comment)) is not None and again(document) == item:
            return document
    return None


def holding(around: Surroundings, name: str, one: OpenSecurity) -> Holding:
    issued = one.issuance
    if (whole := _whole(around, Holding, one)) is not None:
        return whole
    price = around.money(issued.share_price)
    return Holding.parse(
        {
            **_issued(around, name, issued),
            "stock_class": around.class_name(issued.stock_class_id),
            "shares": one.left,
            "paid": cents_of(one.left / _grown(around, issued) * price),
            "term": Term(decided=Decided.ISSUED, price=price),
            "vesting": _vesting(around, issued),
        },
        issued.security_id,
    )


def option_grant(around: Surroundings, name: str, one: OpenSecurity) -> OptionGrant:
    issued = one.issuance
    if (whole := _whole(around, OptionGrant, one)) is not None:
        return whole
    return OptionGrant.parse(
        {
            **_issued(around, name, issued),
            "stock_class": around.class_name(issued.stock_class_id),
            "shares": one.left,
            "exercised": one.exercised,
            "exercise_price": around.money(issued.exercise_price) / _grown(around, issued),
            "vesting": _vesting(around, issued),
        },
        issued.security_id,
    )


def warrant(around: Surroundings, name: str, one: OpenSecurity) -> Warrant:
    issued = one.issuance
    if (whole := _whole(around, Warrant, one)) is not None:
        return whole
    rights = [trigger.conversion_right for trigger in issued.exercise_triggers]
    into = [right.converts_to_stock_class_id for right in rights]
    stated = [right.conversion_mechanism.converts_to_quantity for right in rights]
    return Warrant.parse(
        {
            **_issued(around, name, issued),
            "stock_class": around.class_name(next((of for of in into if of), "")),
            "shares": one.left or next((of for of in stated if of), Fraction(0)),
            "exercise_price": around.money(issued.exercise_price),
            "expires": issued.warrant_expiration_date,
        },
        issued.security_id,
    )


def convertible(around: Surroundings, name: str, issued: Transaction) -> Safe | Note:
    """A SAFE or a note; InputError if OCF describes neither in full."""
    item, currency = around.issuances[issued.security_id], around.header.currency
    is_safe = issued.convertible_type == "SAFE"
    whole: Safe | Note | None
    if is_safe:
        whole = kept(item, Safe, lambda one: security(one, currency))
    else:
        whole = kept(item, Note, lambda one: security(one, currency))
    if whole is not None:
        return whole
    mechanism = _mechanism(
        issued.security_id,
        issued.conversion_triggers,
        "SAFE_CONVERSION" if is_safe else "CONVERTIBLE_NOTE_CONVERSION",
    )
    if issued.investment_amount is None:
        raise InputError(f"{issued.security_id}.investment_amount", "—", "missing")
    cap = mechanism.conversion_valuation_cap
    terms = {
        **_issued(around, name, issued),
        "amount": cents_of(issued.investment_amount.amount),
        "currency": issued.investment_amount.currency,
        "cap": None if cap is None else cents_of(cap.amount),
        "discount": numeric(mechanism.conversion_discount or Fraction(0)),
        "counted": _counted(mechanism),
    }
    if is_safe:
        return Safe.parse({**terms, "mfn": mechanism.conversion_mfn}, issued.security_id)
    rates = [one.rate for one in mechanism.interest_rates]
    return Note.parse(
        {
            **terms,
            "rate": numeric(rates[0] if rates else Fraction(0)),
            "accrual": "compound" if mechanism.compounding_type == "COMPOUNDING" else "simple",
            "day_count": "30/360" if mechanism.day_count_convention == "30_360" else "act/365F",
        },
        issued.security_id,
    )


def _whole(around: Surroundings, kind: type[_Counted], one: OpenSecurity) -> _Counted | None:
    """The kept document of a security of which nothing has gone and whose class did not split."""
    item = around.issuances[one.issuance.security_id]
    found = kept(item, kind, lambda again: security(again, around.header.currency))
    if found is None or not alike(found.shares, one.left):
        return None
    return found if _grown(around, one.issuance) == 1 else None


def _grown(around: Surroundings, issued: Transaction) -> Fraction:
    return around.split_since(issued.stock_class_id, issued.date)


def _issued(around: Surroundings, name: str, issued: Transaction) -> dict[str, Any]:
    holder = issued.stakeholder_id
    return {
        "name": name,
        "holder": around.holder_names.get(holder, holder),
        "date": issued.date,
    }


def _vesting(around: Surroundings, issued: Transaction) -> Vesting | None:
    terms = around.vesting_terms.get(issued.vesting_terms_id)
    if terms is None:
        return None
    return vesting_of(terms, around.vesting_starts.get(issued.security_id, issued.date))


def _mechanism(where: str, triggers: Iterable[Trigger], wanted: str) -> Mechanism:
    found = [one.conversion_right.conversion_mechanism for one in triggers]
    for one in found:
        if one.type == wanted and len(one.interest_rates) <= 1:
            return one
    kinds = ", ".join(one.type for one in found) or "—"
    raise InputError(f"{where}.conversion_mechanism", kinds, "ocf_mechanism")


def _counted(mechanism: Mechanism) -> Counted:
    rules = mechanism.capitalization_definition_rules
    if rules is None:
        return PRE_MONEY if mechanism.conversion_timing == "PRE_MONEY" else POST_MONEY
    return Counted(
        pool=rules.include_outstanding_unissued_options,
        pool_increase=rules.include_additional_option_pool_topup,
        converting=rules.include_other_converting_securities,
    )
