"""Convert one security of an Open Cap Table package into a document of this project."""

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
class PackageContext:
    """Objects of a package that its securities refer to."""

    header: Header
    class_names: Mapping[str, str]
    """Names of stock classes by their ids."""
    holder_names: Mapping[str, str]
    """Names of holders by their ids."""
    issuances: Mapping[str, Json]
    """JSON of each issuance by the id of its security."""
    vesting_terms: Mapping[str, VestingTerms]
    """Vesting schedules by their ids."""
    vesting_starts: Mapping[str, date]
    """First day of vesting by the id of the security."""
    splits: tuple[Transaction, ...]

    def money(self, money: Monetary | None) -> Fraction:
        """Return an amount in the table's currency, 0 for None."""
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
        """Return the number of shares that one share of a class has become since a day."""
        ratio = Fraction(1)
        for split in self.splits:
            if split.stock_class_id == stock_class_id and split.date > day and split.split_ratio:
                ratio *= split.split_ratio.value
        return ratio

    def class_name(self, stock_class_id: str) -> str:
        """Return the name of a stock class, or its id if it has no unique name."""
        return self.class_names.get(stock_class_id, stock_class_id)


def kept(item: Json, kind: type[_Kept], write: Callable[[_Kept], Json]) -> _Kept | None:
    """Return the document in an object's comment if ``write`` turns it into the same object.

    An object that another program has changed is read without its comment.
    """
    for comment in item.get("comments", ()):
        if (document := in_comment(kind, comment)) is not None and write(document) == item:
            return document
    return None


def holding(context: PackageContext, name: str, open_security: OpenSecurity) -> Holding:
    """Return an open stock security as a holding."""
    issued = open_security.issuance
    if (whole := _whole(context, Holding, open_security)) is not None:
        return whole
    price = context.money(issued.share_price)
    return Holding.parse(
        {
            **_issued(context, name, issued),
            "stock_class": context.class_name(issued.stock_class_id),
            "shares": open_security.left,
            "paid": cents_of(open_security.left / _split_ratio(context, issued) * price),
            "term": Term(decided=Decided.ISSUED, price=price),
            "vesting": _vesting(context, issued),
        },
        issued.security_id,
    )


def option_grant(context: PackageContext, name: str, open_security: OpenSecurity) -> OptionGrant:
    """Return an open equity compensation security as a grant of options."""
    issued = open_security.issuance
    if (whole := _whole(context, OptionGrant, open_security)) is not None:
        return whole
    return OptionGrant.parse(
        {
            **_issued(context, name, issued),
            "stock_class": context.class_name(issued.stock_class_id),
            "shares": open_security.left,
            "exercised": open_security.exercised,
            "exercise_price": context.money(issued.exercise_price) / _split_ratio(context, issued),
            "vesting": _vesting(context, issued),
        },
        issued.security_id,
    )


def warrant(context: PackageContext, name: str, open_security: OpenSecurity) -> Warrant:
    """Return an open warrant."""
    issued = open_security.issuance
    if (whole := _whole(context, Warrant, open_security)) is not None:
        return whole
    rights = [trigger.conversion_right for trigger in issued.exercise_triggers]
    into = [right.converts_to_stock_class_id for right in rights]
    stated = [right.conversion_mechanism.converts_to_quantity for right in rights]
    return Warrant.parse(
        {
            **_issued(context, name, issued),
            "stock_class": context.class_name(next((of for of in into if of), "")),
            "shares": open_security.left or next((of for of in stated if of), Fraction(0)),
            "exercise_price": context.money(issued.exercise_price),
            "expires": issued.warrant_expiration_date,
        },
        issued.security_id,
    )


def convertible(context: PackageContext, name: str, issued: Transaction) -> Safe | Note:
    """Return a convertible issuance as a SAFE or a note.

    Raises
    ------
    InputError
        If the issuance has no amount, or no conversion mechanism of its type with at most one
        interest rate.
    """
    item, currency = context.issuances[issued.security_id], context.header.currency
    is_safe = issued.convertible_type == "SAFE"
    whole: Safe | Note | None
    if is_safe:
        whole = kept(item, Safe, lambda safe: security(safe, currency))
    else:
        whole = kept(item, Note, lambda note: security(note, currency))
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
        **_issued(context, name, issued),
        "amount": cents_of(issued.investment_amount.amount),
        "currency": issued.investment_amount.currency,
        "cap": None if cap is None else cents_of(cap.amount),
        "discount": numeric(mechanism.conversion_discount or Fraction(0)),
        "counted": _counted(mechanism),
    }
    if is_safe:
        return Safe.parse({**terms, "mfn": mechanism.conversion_mfn}, issued.security_id)
    rates = [interest.rate for interest in mechanism.interest_rates]
    return Note.parse(
        {
            **terms,
            "rate": numeric(rates[0] if rates else Fraction(0)),
            "accrual": "compound" if mechanism.compounding_type == "COMPOUNDING" else "simple",
            "day_count": "30/360" if mechanism.day_count_convention == "30_360" else "act/365F",
        },
        issued.security_id,
    )


def _whole(
    context: PackageContext, kind: type[_Counted], open_security: OpenSecurity
) -> _Counted | None:
    """Return the kept document of a security, if all of it is left and its class did not split."""
    item = context.issuances[open_security.issuance.security_id]
    found = kept(item, kind, lambda document: security(document, context.header.currency))
    if found is None or not alike(found.shares, open_security.left):
        return None
    return found if _split_ratio(context, open_security.issuance) == 1 else None


def _split_ratio(context: PackageContext, issued: Transaction) -> Fraction:
    return context.split_since(issued.stock_class_id, issued.date)


def _issued(context: PackageContext, name: str, issued: Transaction) -> dict[str, Any]:
    holder = issued.stakeholder_id
    return {
        "name": name,
        "holder": context.holder_names.get(holder, holder),
        "date": issued.date,
    }


def _vesting(context: PackageContext, issued: Transaction) -> Vesting | None:
    terms = context.vesting_terms.get(issued.vesting_terms_id)
    if terms is None:
        return None
    return vesting_of(terms, context.vesting_starts.get(issued.security_id, issued.date))


def _mechanism(where: str, triggers: Iterable[Trigger], wanted: str) -> Mechanism:
    found = [trigger.conversion_right.conversion_mechanism for trigger in triggers]
    for mechanism in found:
        if mechanism.type == wanted and len(mechanism.interest_rates) <= 1:
            return mechanism
    kinds = ", ".join(mechanism.type for mechanism in found) or "—"
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
