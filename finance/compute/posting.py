"""Compute in the books: what each contract costs, charged to what it was used for.

Hours under contract that nobody used are idle compute, a cost of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import assert_never

import numpy as np
import pyxirr

from engine.units import HOURS_PER_MONTH, MONTHS_PER_YEAR
from finance.books.cents import Cents, Floats, divided, in_month, spread, to_cents, total
from finance.books.ledger import Account, Ledger
from finance.books.months import within
from finance.books.trials import Numbers
from finance.compute.contracts import (
    Credits,
    GpuBackedDebt,
    Lease,
    MoneyContract,
    OnDemand,
    Owned,
    Reserved,
    Spot,
)
from finance.compute.needs import PURPOSES
from finance.compute.supply import Served
from finance.treasury.loans import placed, post_loan, schedule


def post_contract(ledger: Ledger, at: Numbers, served: Served, days: int) -> None:
    """Pay for a contract with devices; ``days`` until what is bought by the hour is paid."""
    contract = served.contract
    match contract:
        case OnDemand():
            _by_the_hour(ledger, at, served, served.used_hours, days)
        case Spot():
            redone = served.used_hours * (1 + at("interruption_share"))
            _by_the_hour(ledger, at, served, redone, days)
        case Reserved():
            _reserved(ledger, at, contract, served)
        case Lease():
            _lease(ledger, at, contract, served)
        case Owned():
            _owned(ledger, at, contract, served)
        case _:
            assert_never(contract)


def _by_the_hour(
    ledger: Ledger, at: Numbers, served: Served, paid_hours: Floats, days: int
) -> None:
    cents = to_cents(paid_hours * at("price_usd_per_device_hour"), at.path)
    for purpose, part in _by_purpose(cents, served, served.used_hours):
        ledger.spend(purpose, part, at.path, days=days)


def _reserved(ledger: Ledger, at: Numbers, contract: Reserved, served: Served) -> None:
    n_months = ledger.n_months
    whole = to_cents(_term_usd(at("price_usd_per_device_hour"), served, contract.months), at.path)
    in_advance = np.rint(whole * at("prepaid_share")).astype(np.int64)
    prepaid = in_month(in_advance, contract.first_month, n_months)
    ledger.post(Account.PREPAID_COMPUTE, Account.CASH, prepaid, at.path)
    used_up = spread(prepaid, contract.months)
    monthly = spread(in_month(whole - in_advance, contract.first_month, n_months), contract.months)
    _charge(ledger, at, used_up, Account.PREPAID_COMPUTE, served)
    _charge(ledger, at, monthly, Account.CASH, served)


def _lease(ledger: Ledger, at: Numbers, contract: Lease, served: Served) -> None:
    """IFRS 16: the payments' present value is an asset that wears off and a debt that is paid.

    What a payment does not take off the debt is interest, so that rounding ends up there.
    """
    n_months = ledger.n_months
    first, months = contract.first_month, contract.months
    payment = at("usd_per_device_month") * contract.devices
    rate = at("interest_share_per_year") / MONTHS_PER_YEAR
    value = to_cents(np.asarray(pyxirr.pv(rate, months, -payment, 0), np.float64), at.path)
    asset = in_month(value, first, n_months)
    ledger.post(Account.RIGHT_OF_USE, Account.LEASE_LIABILITY, asset, at.path)
    _charge(ledger, at, spread(asset, months), Account.RIGHT_OF_USE, served)
    repaid = schedule(value, rate, months).repaid
    interest = placed(to_cents(payment, at.path) - repaid, first, n_months)
    ledger.post(Account.INTEREST, Account.CASH, interest, at.path)
    ledger.post(Account.LEASE_LIABILITY, Account.CASH, placed(repaid, first, n_months), at.path)
    deposit = to_cents(at("deposit_usd"), at.path)
    ledger.post(Account.DEPOSITS, Account.CASH, in_month(deposit, first, n_months), at.path)
    ledger.post(
        Account.CASH, Account.DEPOSITS, in_month(deposit, first + months, n_months), at.path
    )
    _running(ledger, at, served)


def _owned(ledger: Ledger, at: Numbers, contract: Owned, served: Served) -> None:
    """Worn off in equal parts down to the residual value, for which it is sold at the end."""
    n_months = ledger.n_months
    first, sold = contract.first_month, contract.first_month + contract.lifetime_months
    price = to_cents(at("usd_per_device") * contract.devices, at.path)
    residual = np.rint(price * at("residual_share")).astype(np.int64)
    worn = price - residual
    ledger.post(Account.EQUIPMENT, Account.CASH, in_month(price, first, n_months), at.path)
    wear = spread(in_month(worn, first, n_months), contract.lifetime_months)
    _charge(ledger, at, wear, Account.ACCUMULATED_DEPRECIATION, served)
    ledger.post(
        Account.ACCUMULATED_DEPRECIATION,
        Account.EQUIPMENT,
        in_month(worn, sold, n_months),
        at.path,
    )
    ledger.post(Account.CASH, Account.EQUIPMENT, in_month(residual, sold, n_months), at.path)
    _running(ledger, at, served)
    if isinstance(contract, GpuBackedDebt):
        post_loan(
            ledger,
            at.path,
            np.rint(price * at("loan_share")).astype(np.int64),
            at("interest_share_per_year"),
            month=first,
            months=contract.loan_months,
        )


def _running(ledger: Ledger, at: Numbers, served: Served) -> None:
    """Space and maintenance of every device, electricity of the hours in use."""
    power = served.used_hours * at("electricity_usd_per_device_hour")
    for purpose, part in _by_purpose(to_cents(power, at.path), served, served.used_hours):
        ledger.spend(purpose, part, at.path)
    devices = np.where(served.capacity_hours > 0, served.contract.devices, 0)
    usd = devices * at("running_usd_per_device_month")
    _charge(ledger, at, to_cents(usd, at.path), Account.CASH, served)


def _term_usd(price: Floats, served: Served, months: int) -> Floats:
    """What the devices of a contract cost in its whole term, also beyond the last month."""
    return price * served.contract.devices * HOURS_PER_MONTH * months


def _charge(ledger: Ledger, at: Numbers, cents: Cents, credit: Account, served: Served) -> None:
    """Charge what all devices cost to what they were used for, and the rest to idle compute."""
    for purpose, part in _by_purpose(cents, served, served.capacity_hours):
        ledger.post(purpose, credit, part, at.path)


def _by_purpose(cents: Cents, served: Served, whole_hours: Floats) -> list[tuple[Account, Cents]]:
    purposes = list(served.hours)
    parts = divided(cents, [served.hours[purpose] for purpose in purposes], whole_hours)
    return list(zip([*purposes, Account.IDLE_COMPUTE], parts, strict=True))


def post_on_demand(
    ledger: Ledger,
    on_demand: Mapping[Account, Floats],
    contracts: Sequence[tuple[Numbers, MoneyContract]],
    days: int,
) -> None:
    """Pay what no device contract serves: by credits and compute for shares, then in cash."""
    left = on_demand_cents(on_demand)
    for at, contract in contracts:
        _pay_with(ledger, at, contract, left)
    for purpose, cents in left.items():
        ledger.spend(purpose, cents, "company.compute", days=days)


def on_demand_cents(usd: Mapping[Account, Floats]) -> dict[Account, Cents]:
    """In cents, rounded so that a run with its research comes to what both come to together."""
    found = {}
    for first, second in ((PURPOSES[0], PURPOSES[1]), (PURPOSES[2], PURPOSES[3])):
        both = to_cents(usd[first] + usd[second], "company.compute")
        found[first] = to_cents(usd[first], "company.compute")
        found[second] = both - found[first]
    return found


def _pay_with(
    ledger: Ledger, at: Numbers, contract: MoneyContract, left: dict[Account, Cents]
) -> None:
    """Take from ``left`` what a contract pays for, until it is used up or expires."""
    n_months = ledger.n_months
    running = within(contract.first_month, contract.last_month, n_months)
    amount = to_cents(at("amount_usd"), at.path)
    purposes = [Account(name) for name in contract.serves]
    wanted = total((left[purpose] for purpose in purposes), n_months) * running
    used_so_far = np.minimum(np.cumsum(wanted, axis=1), amount)
    used = np.diff(used_so_far, axis=1, prepend=0)
    given = in_month(amount, contract.first_month, n_months)
    expired = in_month(amount - used_so_far[:, -1:], contract.last_month + 1, n_months)
    asset, other_side, gone = (
        (Account.COMPUTE_CREDITS, Account.DEFERRED_CREDITS, Account.DEFERRED_CREDITS)
        if isinstance(contract, Credits)
        else (Account.PREPAID_COMPUTE, Account.PAID_IN, Account.EXPIRED_COMPUTE)
    )
    ledger.post(asset, other_side, given, at.path)
    ledger.post(gone, asset, expired, at.path)
    if isinstance(contract, Credits):
        ledger.post(Account.DEFERRED_CREDITS, Account.CREDITS_USED, used, at.path)
    for purpose in purposes:
        part = np.minimum(used, left[purpose] * running)
        ledger.post(purpose, asset, part, at.path)
        left[purpose] = left[purpose] - part
        used = used - part
