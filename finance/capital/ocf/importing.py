"""Read a cap table from a package of the Open Cap Table Format."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

from pydantic import ConfigDict

from engine.documents import Document, InputError
from finance.capital.instruments import Note, Safe
from finance.capital.ocf.items import Header, alike, in_comment, numeric, stock_class
from finance.capital.ocf.objects import (
    OcfStockClass,
    Stakeholder,
    StockPlan,
    Transaction,
    VestingTerms,
)
from finance.capital.ocf.package import OpenSecurity, Package, open_securities, read_package
from finance.capital.ocf.relationships import role_of_stakeholder
from finance.capital.ocf.securities import (
    PackageContext,
    convertible,
    holding,
    kept,
    option_grant,
    warrant,
)
from finance.capital.table import CapTable, StockClass

_GRANTS = ("TX_EQUITY_COMPENSATION_ISSUANCE", "TX_PLAN_SECURITY_ISSUANCE")


class _Manifest(Document):
    model_config = ConfigDict(extra="ignore")
    as_of: datetime.date
    comments: tuple[str, ...] = ()


def read_ocf(path: Path, day: datetime.date | None = None) -> CapTable:
    """Read the cap table of a package, a folder or a zip file, at the end of a day.

    ``day`` defaults to the package's ``as_of``. Classes, holders and securities are named by
    their OCF names where those are unique, and otherwise by their ids.

    Raises
    ------
    InputError
        For the first field that OCF or a cap table does not allow.
    """
    package = read_package(path)
    manifest = _Manifest.parse(package.manifest, "Manifest")
    day = day or manifest.as_of
    transactions = package.transactions(day)
    classes = package.read(OcfStockClass, "STOCK_CLASS")
    header = _header(manifest, classes, transactions)
    stakeholders = package.read(Stakeholder, "STAKEHOLDER")
    context = PackageContext(
        header=header,
        class_names=_unique((ocf_class.id, ocf_class.name) for ocf_class in classes),
        holder_names=_unique(
            (stakeholder.id, stakeholder.name.legal_name) for stakeholder in stakeholders
        ),
        issuances={
            str(item["security_id"]): item
            for item in package.objects
            if str(item.get("object_type", "")).endswith("_ISSUANCE")
        },
        vesting_terms={terms.id: terms for terms in package.read(VestingTerms, "VESTING_TERMS")},
        vesting_starts={
            transaction.security_id: transaction.date
            for transaction in transactions
            if transaction.object_type == "TX_VESTING_START"
        },
        splits=tuple(
            transaction for transaction in transactions if transaction.split_ratio is not None
        ),
    )
    securities = open_securities(transactions)
    pool = _pool(package, transactions, securities.values())
    return CapTable.parse(
        {
            "date": day,
            "currency": header.currency,
            "rates": header.rates,
            "classes": _classes(package, context, transactions, classes),
            "pool": header.pool if alike(header.pool, pool) else pool,
            "roles": {
                context.holder_names[stakeholder.id]: role
                for stakeholder in stakeholders
                if (role := role_of_stakeholder(stakeholder)) is not None
            },
            **_securities(context, securities),
        }
    )


def _securities(
    context: PackageContext, securities: dict[str, OpenSecurity]
) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {
        name: [] for name in ("holdings", "grants", "warrants", "safes", "notes")
    }
    names = _unique((key, security.issuance.custom_id) for key, security in securities.items())
    for key, security in securities.items():
        match security.issuance.object_type:
            case "TX_STOCK_ISSUANCE":
                found["holdings"].append(holding(context, names[key], security))
            case "TX_WARRANT_ISSUANCE":
                found["warrants"].append(warrant(context, names[key], security))
            case "TX_CONVERTIBLE_ISSUANCE":
                read = convertible(context, names[key], security.issuance)
                found[_LISTS[type(read)]].append(read)
            case _:
                found["grants"].append(option_grant(context, names[key], security))
    return found


_LISTS: dict[type, str] = {Safe: "safes", Note: "notes"}


def _classes(
    package: Package,
    context: PackageContext,
    transactions: list[Transaction],
    classes: list[OcfStockClass],
) -> list[StockClass]:
    items = {item.get("id"): item for item in package.objects}
    common = next((ocf_class.id for ocf_class in classes if ocf_class.class_type == "COMMON"), "")
    ranks = sorted({ocf_class.seniority for ocf_class in classes})
    by_date = sorted(transactions, key=lambda transaction: transaction.date)
    found = []
    for ocf_class in classes:
        ratios = [
            change.new_ratio_conversion_mechanism.ratio.value
            for change in by_date
            if change.stock_class_id == ocf_class.id and change.new_ratio_conversion_mechanism
        ]
        split = context.split_since(ocf_class.id, datetime.date.min)
        whole = kept(
            items[ocf_class.id],
            StockClass,
            lambda document: stock_class(document, context.header.currency, common),
        )
        if whole is not None and not ratios and split == 1:
            found.append(whole)
            continue
        rights = [right.conversion_mechanism.ratio.value for right in ocf_class.conversion_rights]
        ratio = ([*rights[:1], *ratios] or [Fraction(1)])[-1]
        price = None
        if ocf_class.price_per_share is not None and ocf_class.price_per_share.amount:
            price = context.money(ocf_class.price_per_share) / split
        if price is None and ratio != 1:
            raise InputError(f"STOCK_CLASS {ocf_class.id}.price_per_share", "—", "missing")
        preferred, cap = ocf_class.class_type == "PREFERRED", ocf_class.participation_cap_multiple
        found.append(
            StockClass.parse(
                {
                    "name": context.class_name(ocf_class.id),
                    "preferred": preferred,
                    "issue_price": price,
                    "conversion_price": None if price is None else price / ratio,
                    "seniority": ranks.index(ocf_class.seniority),
                    "liquidation_multiple": numeric(
                        1
                        if ocf_class.liquidation_preference_multiple is None
                        else ocf_class.liquidation_preference_multiple
                    ),
                    "participating": preferred and cap is not None,
                    "participation_cap": numeric(cap) if preferred and cap else None,
                },
                f"STOCK_CLASS {ocf_class.id}",
            )
        )
    return found


def _pool(
    package: Package, transactions: list[Transaction], securities: Iterable[OpenSecurity]
) -> Fraction:
    """Return the shares that plans reserve, less those granted and those exercised."""
    plans = package.read(StockPlan, "STOCK_PLAN")
    reserved = {plan.id: plan.initial_shares_reserved for plan in plans}
    for change in sorted(transactions, key=lambda transaction: transaction.date):
        if change.shares_reserved is not None:
            reserved[change.stock_plan_id] = change.shares_reserved
    granted = [
        security.left + security.exercised
        for security in securities
        if security.issuance.object_type in _GRANTS and security.issuance.stock_plan_id in reserved
    ]
    return sum(reserved.values(), Fraction(0)) - sum(granted, Fraction(0))


def _header(
    manifest: _Manifest, classes: list[OcfStockClass], transactions: list[Transaction]
) -> Header:
    """Return the header that this project wrote, or one with the currency of the first amount.

    Prices of classes are searched first, then prices of securities, then invested amounts.
    """
    for comment in manifest.comments:
        if (written := in_comment(Header, comment)) is not None:
            return written
    amounts = [ocf_class.price_per_share for ocf_class in classes]
    amounts += [
        transaction.share_price or transaction.exercise_price for transaction in transactions
    ]
    amounts += [transaction.investment_amount for transaction in transactions]
    currencies = (amount.currency for amount in amounts if amount is not None)
    return Header(currency=next(currencies, "USD"))


def _unique(named: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return names by their ids; the id replaces a name that is absent or not unique."""
    pairs = list(named)
    times = Counter(name for _, name in pairs)
    return {key: name if name and times[name] == 1 else key for key, name in pairs}
