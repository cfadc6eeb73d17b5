"""A cap table from a package of the Open Cap Table Format."""

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
from finance.capital.ocf.securities import (
    Surroundings,
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
    """The cap table of a package, a folder or a zip, at the end of a day.

    ``day`` is the package's own ``as_of`` unless given. Classes, holders and securities go by
    their OCF names where those are unique, else by their ids.

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
    around = Surroundings(
        header=header,
        class_names=_unique((one.id, one.name) for one in classes),
        holder_names=_unique(
            (one.id, one.name.legal_name) for one in package.read(Stakeholder, "STAKEHOLDER")
        ),
        issuances={
            str(one["security_id"]): one
            for one in package.objects
            if str(one.get("object_type", "")).endswith("_ISSUANCE")
        },
        vesting_terms={one.id: one for one in package.read(VestingTerms, "VESTING_TERMS")},
        vesting_starts={
            one.security_id: one.date
            for one in transactions
            if one.object_type == "TX_VESTING_START"
        },
        splits=tuple(one for one in transactions if one.split_ratio is not None),
    )
    securities = open_securities(transactions)
    pool = _pool(package, transactions, securities.values())
    return CapTable.parse(
        {
            "date": day,
            "currency": header.currency,
            "rates": header.rates,
            "classes": _classes(package, around, transactions, classes),
            "pool": header.pool if alike(header.pool, pool) else pool,
            **_securities(around, securities),
        }
    )


def _securities(around: Surroundings, securities: dict[str, OpenSecurity]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {
        name: [] for name in ("holdings", "grants", "warrants", "safes", "notes")
    }
    names = _unique((key, one.issuance.custom_id) for key, one in securities.items())
    for key, one in securities.items():
        match one.issuance.object_type:
            case "TX_STOCK_ISSUANCE":
                found["holdings"].append(holding(around, names[key], one))
            case "TX_WARRANT_ISSUANCE":
                found["warrants"].append(warrant(around, names[key], one))
            case "TX_CONVERTIBLE_ISSUANCE":
                read = convertible(around, names[key], one.issuance)
                found[_LISTS[type(read)]].append(read)
            case _:
                found["grants"].append(option_grant(around, names[key], one))
    return found


_LISTS: dict[type, str] = {Safe: "safes", Note: "notes"}


def _classes(
    package: Package,
    around: Surroundings,
    transactions: list[Transaction],
    classes: list[OcfStockClass],
) -> list[StockClass]:
    items = {one.get("id"): one for one in package.objects}
    common = next((one.id for one in classes if one.class_type == "COMMON"), "")
    ranks = sorted({one.seniority for one in classes})
    by_date = sorted(transactions, key=lambda one: one.date)
    found = []
    for one in classes:
        ratios = [
            change.new_ratio_conversion_mechanism.ratio.value
            for change in by_date
            if change.stock_class_id == one.id and change.new_ratio_conversion_mechanism
        ]
        split = around.split_since(one.id, datetime.date.min)
        whole = kept(
            items[one.id],
            StockClass,
            lambda again: stock_class(again, around.header.currency, common),
        )
        if whole is not None and not ratios and split == 1:
            found.append(whole)
            continue
        rights = [right.conversion_mechanism.ratio.value for right in one.conversion_rights]
        ratio = ([*rights[:1], *ratios] or [Fraction(1)])[-1]
        price = None
        if one.price_per_share is not None and one.price_per_share.amount:
            price = around.money(one.price_per_share) / split
        if price is None and ratio != 1:
            raise InputError(f"STOCK_CLASS {one.id}.price_per_share", "—", "missing")
        preferred, cap = one.class_type == "PREFERRED", one.participation_cap_multiple
        found.append(
            StockClass.parse(
                {
                    "name": around.class_name(one.id),
                    "preferred": preferred,
                    "issue_price": price,
                    "conversion_price": None if price is None else price / ratio,
                    "seniority": ranks.index(one.seniority),
                    "liquidation_multiple": numeric(
                        1
                        if one.liquidation_preference_multiple is None
                        else one.liquidation_preference_multiple
                    ),
                    "participating": preferred and cap is not None,
                    "participation_cap": numeric(cap) if preferred and cap else None,
                },
                f"STOCK_CLASS {one.id}",
            )
        )
    return found


def _pool(
    package: Package, transactions: list[Transaction], securities: Iterable[OpenSecurity]
) -> Fraction:
    """What the plans reserve, less what is granted and what was exercised."""
    plans = package.read(StockPlan, "STOCK_PLAN")
    reserved = {one.id: one.initial_shares_reserved for one in plans}
    for change in sorted(transactions, key=lambda one: one.date):
        if change.shares_reserved is not None:
            reserved[change.stock_plan_id] = change.shares_reserved
    taken = [
        one.left + one.exercised
        for one in securities
        if one.issuance.object_type in _GRANTS and one.issuance.stock_plan_id in reserved
    ]
    return sum(reserved.values(), Fraction(0)) - sum(taken, Fraction(0))


def _header(
    manifest: _Manifest, classes: list[OcfStockClass], transactions: list[Transaction]
) -> Header:
    """The table's own, or the currency of the first price, of an amount where there is none."""
    for comment in manifest.comments:
        if (written := in_comment(Header, comment)) is not None:
            return written
    prices = [one.price_per_share for one in classes]
    prices += [one.share_price or one.exercise_price for one in transactions]
    prices += [one.investment_amount for one in transactions]
    return Header(currency=next((one.currency for one in prices if one is not None), "USD"))


def _unique(named: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Names by id, the id itself where a name is absent or another's too."""
    pairs = list(named)
    times = Counter(name for _, name in pairs)
    return {key: name if name and times[name] == 1 else key for key, name in pairs}
