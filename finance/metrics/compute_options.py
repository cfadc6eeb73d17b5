"""Ways of getting the same compute, beside each other: cash, profit, covenants, dilution.

Each way is the company run through all its months with other contracts, so that what it does to
cash, to profit and to promises is what the statements say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from engine.forecast import Forecast
from engine.units import HOURS_PER_MONTH
from finance.books.cents import cents_to_usd
from finance.books.ledger import Account
from finance.company.monthly_run import run_company
from finance.company.scenario import Scenario
from finance.compute.contracts import (
    AnyContract,
    ComputeForEquity,
    DeviceContract,
    Lease,
    Owned,
    Reserved,
    Spot,
)
from finance.compute.rates import compute_rates
from finance.metrics.covenants import check_covenants


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionOutcome:
    """A company with one way of getting compute, over all its months."""

    option: str
    cash_at_end_usd: Decimal
    lowest_cash_usd: Decimal
    profit_usd: Decimal
    """Net, all months together."""
    debt_at_most_usd: Decimal
    """Loans and leases."""
    broken: tuple[tuple[str, str, int], ...]
    """Promises that are broken: (loan, covenant, first month)."""
    sold_share: Decimal
    """Of the company, for compute."""
    break_even_utilisation: tuple[float | None, ...]
    """Of each contract with devices: see :func:`break_even_utilisation`."""


def compare_compute_options(
    scenario: Scenario, predicted: Forecast, options: Mapping[str, Sequence[AnyContract]]
) -> list[OptionOutcome]:
    """Run a scenario's company with each of several sets of contracts in place of its own.

    An empty set buys everything on demand at the plan's price.

    Parameters
    ----------
    predicted
        The forecast of ``scenario.plan``.
    """
    company = scenario.company
    rates = compute_rates(scenario.plan, predicted, company.training_events)
    price = scenario.plan.cluster.price_usd_per_device_hour
    found = []
    for option, contracts in options.items():
        terms = company.compute.model_copy(update={"contracts": tuple(contracts)})
        books = run_company(company.model_copy(update={"compute": terms}), rates)
        sheet = books.statements.balance_sheet
        owed = sheet[Account.DEBT] + sheet[Account.LEASE_LIABILITY]
        found.append(
            OptionOutcome(
                option=option,
                cash_at_end_usd=cents_to_usd(sheet[Account.CASH][0, -1]),
                lowest_cash_usd=cents_to_usd(sheet[Account.CASH].min()),
                profit_usd=cents_to_usd(books.statements.income["net_profit"].sum()),
                debt_at_most_usd=cents_to_usd(owed.max()),
                broken=tuple(
                    (one.loan, one.covenant, int(one.broken[0].argmax()) + 1)
                    for one in check_covenants(books)
                    if one.broken.any()
                ),
                sold_share=_sold_share(contracts),
                break_even_utilisation=tuple(
                    break_even_utilisation(one, price)
                    for one in contracts
                    if isinstance(one, DeviceContract)
                ),
            )
        )
    return found


def break_even_utilisation(contract: DeviceContract, on_demand_usd: Decimal) -> float | None:
    """From which share of its hours on a contract is cheaper than the same hours on demand.

    fixed = u · hours · (on demand − variable), both for one device and month; 0 where nothing is
    fixed and the hour is cheaper. Hardware is charged its loss of value in equal parts; what its
    money costs is in the comparison's cash, not here.

    Returns
    -------
    float or None
        None where on demand is cheaper even if every hour is used.
    """
    fixed, variable = _fixed_and_variable_usd(contract)
    margin = float(on_demand_usd) - variable
    if margin <= 0:
        return None
    share = fixed / (HOURS_PER_MONTH * margin)
    return share if share <= 1 else None


def _fixed_and_variable_usd(contract: DeviceContract) -> tuple[float, float]:
    """(USD for one device and month, used or not; USD for an hour in use)."""
    if isinstance(contract, Reserved):
        return float(contract.price_usd_per_device_hour) * HOURS_PER_MONTH, 0.0
    if isinstance(contract, Lease):
        monthly = contract.usd_per_device_month + contract.running_usd_per_device_month
        return float(monthly), float(contract.electricity_usd_per_device_hour)
    if isinstance(contract, Owned):
        worn = contract.usd_per_device * (1 - contract.residual_share) / contract.lifetime_months
        fixed = worn + contract.running_usd_per_device_month
        return float(fixed), float(contract.electricity_usd_per_device_hour)
    hour = float(contract.price_usd_per_device_hour)
    if isinstance(contract, Spot):
        hour *= 1 + float(contract.interruption_share)
    return 0.0, hour


def _sold_share(contracts: Sequence[AnyContract]) -> Decimal:
    """Sold one after the other: the second sale takes its share of all that is there then."""
    kept = Decimal(1)
    for one in contracts:
        if isinstance(one, ComputeForEquity):
            kept *= 1 - one.sold_share
    return 1 - kept
