"""Posting of compute: the cost of each contract is charged to the purposes that used it.

The cost of unused hours under contract is idle compute, an expense of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import assert_never

import numpy as np
import pyxirr

from engine.units import HOURS_PER_MONTH, MONTHS_PER_YEAR
from finance.books.cents import (
    Cents,
    Floats,
    amount_in_month,
    divide_by_weight,
    spread_evenly,
    to_cents,
    total,
)
from finance.books.ledger import Account, Ledger
from finance.books.months import is_active_month
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
from finance.compute.supply import ServedContract
from finance.treasury.loans import place_in_months, post_loan, schedule


def post_contract(ledger: Ledger, numbers: Numbers, served: ServedContract, days: int) -> None:
    """Post the costs of a contract with devices.

    Parameters
    ----------
    numbers
        The numbers of the contract.
    days
        Payment term for devices that are paid by the hour.
    """
    contract = served.contract
    match contract:
        case OnDemand():
            _post_hourly(ledger, numbers, served, served.used_hours, days)
        case Spot():
            paid_hours = served.used_hours * (1 + numbers("interruption_share"))
            _post_hourly(ledger, numbers, served, paid_hours, days)
        case Reserved():
            _post_reserved(ledger, numbers, contract, served)
        case Lease():
            _post_lease(ledger, numbers, contract, served)
        case Owned():
            _post_owned(ledger, numbers, contract, served)
        case _:
            assert_never(contract)


def _post_hourly(
    ledger: Ledger, numbers: Numbers, served: ServedContract, paid_hours: Floats, days: int
) -> None:
    """Post device-hours that are paid by the hour."""
    cents = to_cents(paid_hours * numbers("price_usd_per_device_hour"), numbers.path)
    for purpose, part in _split_by_purpose(cents, served, served.used_hours):
        ledger.spend(purpose, part, numbers.path, days=days)


def _post_reserved(
    ledger: Ledger, numbers: Numbers, contract: Reserved, served: ServedContract
) -> None:
    """Post a reservation: the prepaid part is expensed over the term, the rest is paid monthly."""
    n_months = ledger.n_months
    whole = to_cents(
        _usd_of_term(numbers("price_usd_per_device_hour"), served, contract.months), numbers.path
    )
    in_advance = np.rint(whole * numbers("prepaid_share")).astype(np.int64)
    prepaid = amount_in_month(in_advance, contract.first_month, n_months)
    ledger.post(Account.PREPAID_COMPUTE, Account.CASH, prepaid, numbers.path)
    used_up = spread_evenly(prepaid, contract.months)
    monthly = spread_evenly(
        amount_in_month(whole - in_advance, contract.first_month, n_months), contract.months
    )
    _charge_by_use(ledger, numbers, used_up, Account.PREPAID_COMPUTE, served)
    _charge_by_use(ledger, numbers, monthly, Account.CASH, served)


def _post_lease(ledger: Ledger, numbers: Numbers, contract: Lease, served: ServedContract) -> None:
    """Post a lease under IFRS 16.

    The present value of the payments is a right-of-use asset, which is depreciated, and a lease
    liability, which is repaid. Interest is each payment less the repayment, so that it absorbs the
    rounding.
    """
    n_months = ledger.n_months
    first, months = contract.first_month, contract.months
    payment = numbers("usd_per_device_month") * contract.devices
    rate = numbers("interest_share_per_year") / MONTHS_PER_YEAR
    value = to_cents(np.asarray(pyxirr.pv(rate, months, -payment, 0), np.float64), numbers.path)
    asset = amount_in_month(value, first, n_months)
    ledger.post(Account.RIGHT_OF_USE, Account.LEASE_LIABILITY, asset, numbers.path)
    _charge_by_use(ledger, numbers, spread_evenly(asset, months), Account.RIGHT_OF_USE, served)
    repaid = schedule(value, rate, months).repaid
    interest = place_in_months(to_cents(payment, numbers.path) - repaid, first, n_months)
    ledger.post(Account.INTEREST, Account.CASH, interest, numbers.path)
    ledger.post(
        Account.LEASE_LIABILITY,
        Account.CASH,
        place_in_months(repaid, first, n_months),
        numbers.path,
    )
    deposit = to_cents(numbers("deposit_usd"), numbers.path)
    ledger.post(
        Account.DEPOSITS, Account.CASH, amount_in_month(deposit, first, n_months), numbers.path
    )
    ledger.post(
        Account.CASH,
        Account.DEPOSITS,
        amount_in_month(deposit, first + months, n_months),
        numbers.path,
    )
    _post_running_costs(ledger, numbers, served)


def _post_owned(ledger: Ledger, numbers: Numbers, contract: Owned, served: ServedContract) -> None:
    """Post purchased hardware: straight-line depreciation to the residual value, then its sale.

    The sale brings the residual value, so that there is no gain or loss.
    """
    n_months = ledger.n_months
    first, sold = contract.first_month, contract.first_month + contract.lifetime_months
    price = to_cents(numbers("usd_per_device") * contract.devices, numbers.path)
    residual = np.rint(price * numbers("residual_share")).astype(np.int64)
    depreciable = price - residual
    ledger.post(
        Account.EQUIPMENT, Account.CASH, amount_in_month(price, first, n_months), numbers.path
    )
    depreciation = spread_evenly(
        amount_in_month(depreciable, first, n_months), contract.lifetime_months
    )
    _charge_by_use(ledger, numbers, depreciation, Account.ACCUMULATED_DEPRECIATION, served)
    ledger.post(
        Account.ACCUMULATED_DEPRECIATION,
        Account.EQUIPMENT,
        amount_in_month(depreciable, sold, n_months),
        numbers.path,
    )
    ledger.post(
        Account.CASH, Account.EQUIPMENT, amount_in_month(residual, sold, n_months), numbers.path
    )
    _post_running_costs(ledger, numbers, served)
    if isinstance(contract, GpuBackedDebt):
        post_loan(
            ledger,
            numbers.path,
            np.rint(price * numbers("loan_share")).astype(np.int64),
            numbers("interest_share_per_year"),
            month=first,
            months=contract.loan_months,
        )


def _post_running_costs(ledger: Ledger, numbers: Numbers, served: ServedContract) -> None:
    """Post space and maintenance of all devices, and electricity for the hours in use."""
    power = served.used_hours * numbers("electricity_usd_per_device_hour")
    for purpose, part in _split_by_purpose(
        to_cents(power, numbers.path), served, served.used_hours
    ):
        ledger.spend(purpose, part, numbers.path)
    devices = np.where(served.capacity_hours > 0, served.contract.devices, 0)
    usd = devices * numbers("running_usd_per_device_month")
    _charge_by_use(ledger, numbers, to_cents(usd, numbers.path), Account.CASH, served)


def _usd_of_term(price: Floats, served: ServedContract, months: int) -> Floats:
    """Return the price of a contract's whole term in USD, including months beyond the horizon."""
    return price * served.contract.devices * HOURS_PER_MONTH * months


def _charge_by_use(
    ledger: Ledger, numbers: Numbers, cents: Cents, credit: Account, served: ServedContract
) -> None:
    """Charge a cost of all devices to the purposes by hours used, and the rest to idle compute."""
    for purpose, part in _split_by_purpose(cents, served, served.capacity_hours):
        ledger.post(purpose, credit, part, numbers.path)


def _split_by_purpose(
    cents: Cents, served: ServedContract, whole_hours: Floats
) -> list[tuple[Account, Cents]]:
    """Split a cost by the purposes' shares of ``whole_hours``; the rest is idle compute."""
    purposes = list(served.hours)
    parts = divide_by_weight(cents, [served.hours[purpose] for purpose in purposes], whole_hours)
    return list(zip([*purposes, Account.IDLE_COMPUTE], parts, strict=True))


def post_on_demand(
    ledger: Ledger,
    on_demand: Mapping[Account, Floats],
    contracts: Sequence[tuple[Numbers, MoneyContract]],
    days: int,
) -> None:
    """Post compute on demand, paid with credits and compute for shares first, then in cash.

    Parameters
    ----------
    on_demand
        USD by purpose that no device contract serves. Shapes (1 or trials, months).
    days
        Payment term, in days.
    """
    left = on_demand_cents(on_demand)
    for numbers, contract in contracts:
        _pay_with_contract(ledger, numbers, contract, left)
    for purpose, cents in left.items():
        ledger.spend(purpose, cents, "company.compute", days=days)


def on_demand_cents(usd: Mapping[Account, Floats]) -> dict[Account, Cents]:
    """Return costs on demand in cents, by purpose.

    Paid and free inference, and likewise training and research, are rounded so that they sum to
    their rounded sum.
    """
    rounded = {}
    for first, second in ((PURPOSES[0], PURPOSES[1]), (PURPOSES[2], PURPOSES[3])):
        both = to_cents(usd[first] + usd[second], "company.compute")
        rounded[first] = to_cents(usd[first], "company.compute")
        rounded[second] = both - rounded[first]
    return rounded


def _pay_with_contract(
    ledger: Ledger, numbers: Numbers, contract: MoneyContract, left: dict[Account, Cents]
) -> None:
    """Pay on-demand costs with a contract until it is used up or expires.

    ``left`` holds the costs by purpose that are not yet paid; what the contract pays is deducted.
    """
    n_months = ledger.n_months
    running = is_active_month(contract.first_month, contract.last_month, n_months)
    amount = to_cents(numbers("amount_usd"), numbers.path)
    purposes = [Account(name) for name in contract.serves]
    payable = total((left[purpose] for purpose in purposes), n_months) * running
    used_so_far = np.minimum(np.cumsum(payable, axis=1), amount)
    used = np.diff(used_so_far, axis=1, prepend=0)
    granted = amount_in_month(amount, contract.first_month, n_months)
    expired = amount_in_month(amount - used_so_far[:, -1:], contract.last_month + 1, n_months)
    asset, granted_against, expired_against = (
        (Account.COMPUTE_CREDITS, Account.DEFERRED_CREDITS, Account.DEFERRED_CREDITS)
        if isinstance(contract, Credits)
        else (Account.PREPAID_COMPUTE, Account.PAID_IN, Account.EXPIRED_COMPUTE)
    )
    ledger.post(asset, granted_against, granted, numbers.path)
    ledger.post(expired_against, asset, expired, numbers.path)
    if isinstance(contract, Credits):
        ledger.post(Account.DEFERRED_CREDITS, Account.CREDITS_USED, used, numbers.path)
    for purpose in purposes:
        part = np.minimum(used, left[purpose] * running)
        ledger.post(purpose, asset, part, numbers.path)
        left[purpose] = left[purpose] - part
        used = used - part
