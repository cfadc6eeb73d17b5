"""Comparison of compute options: cash, profit, covenants and dilution.

Each option is a monthly run of the company with other contracts, so that its effects come from the
full statements.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from engine.costs.ownership import Ownership, annuity_usd_per_year
from engine.costs.rent_or_buy import break_even_share
from engine.forecast import Forecast
from engine.units import HOURS_PER_MONTH, MONTHS_PER_YEAR
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
    """Results of a company with one compute option, over all its months."""

    option: str
    """Name of the option."""
    cash_at_end_usd: Decimal
    lowest_cash_usd: Decimal
    profit_usd: Decimal
    """Net profit of all months."""
    debt_at_most_usd: Decimal
    """Maximum of loans and lease liabilities."""
    broken: tuple[tuple[str, str, int], ...]
    """Breached covenants: (loan, covenant, first month of the breach)."""
    sold_share: Decimal
    """Share of the company that is sold for compute."""
    break_even_utilisation: tuple[float | None, ...]
    """Break-even utilisation of each contract with devices (:func:`break_even_utilisation`)."""


def compare_compute_options(
    scenario: Scenario, predicted: Forecast, options: Mapping[str, Sequence[AnyContract]]
) -> list[OptionOutcome]:
    """Run a scenario's company once for each option, with its contracts in place of the company's.

    Parameters
    ----------
    predicted
        The forecast of ``scenario.plan``.
    options
        Contracts by name of the option. Without contracts, all compute is bought on demand at the
        plan's price.
    """
    company = scenario.company
    rates = compute_rates(scenario.plan, predicted, company.training_events)
    price = scenario.plan.cluster.price_usd_per_device_hour
    outcomes = []
    for option, contracts in options.items():
        terms = company.compute.model_copy(update={"contracts": tuple(contracts)})
        books = run_company(company.model_copy(update={"compute": terms}), rates)
        sheet = books.statements.balance_sheet
        owed = sheet[Account.DEBT] + sheet[Account.LEASE_LIABILITY]
        outcomes.append(
            OptionOutcome(
                option=option,
                cash_at_end_usd=cents_to_usd(sheet[Account.CASH][0, -1]),
                lowest_cash_usd=cents_to_usd(sheet[Account.CASH].min()),
                profit_usd=cents_to_usd(books.statements.income["net_profit"].sum()),
                debt_at_most_usd=cents_to_usd(owed.max()),
                broken=tuple(
                    (check.loan, check.covenant, int(check.broken[0].argmax()) + 1)
                    for check in check_covenants(books)
                    if check.broken.any()
                ),
                sold_share=_sold_share(contracts),
                break_even_utilisation=tuple(
                    break_even_utilisation(contract, price)
                    for contract in contracts
                    if isinstance(contract, DeviceContract)
                ),
            )
        )
    return outcomes


def break_even_utilisation(contract: DeviceContract, on_demand_usd: Decimal) -> float | None:
    """Return the utilisation from which a contract is cheaper than the same hours on demand.

    The utilisation u solves fixed = u · hours · (on demand − variable), for one device and month.
    It is 0 if the contract has no fixed costs and a cheaper hour. Hardware is charged as an annuity
    at the default cost of capital, as in :mod:`engine.costs.rent_or_buy`, so that a purchase at
    market terms has the break-even that all pages show.

    Returns
    -------
    float or None
        A share from 0 to 1, or None if on demand is cheaper even at full utilisation.
    """
    fixed, variable = _fixed_and_variable_usd(contract)
    return break_even_share(MONTHS_PER_YEAR * fixed, variable, float(on_demand_usd))


def _fixed_and_variable_usd(contract: DeviceContract) -> tuple[float, float]:
    """Return (fixed USD per device and month, variable USD per device-hour in use)."""
    if isinstance(contract, Reserved):
        return float(contract.price_usd_per_device_hour) * HOURS_PER_MONTH, 0.0
    if isinstance(contract, Lease):
        monthly = contract.usd_per_device_month + contract.running_usd_per_device_month
        return float(monthly), float(contract.electricity_usd_per_device_hour)
    if isinstance(contract, Owned):
        price = float(contract.usd_per_device)
        annuity = annuity_usd_per_year(
            price,
            price * float(contract.residual_share),
            contract.lifetime_months / MONTHS_PER_YEAR,
            Ownership().cost_of_capital_per_year,
        )
        fixed = annuity / MONTHS_PER_YEAR + float(contract.running_usd_per_device_month)
        return fixed, float(contract.electricity_usd_per_device_hour)
    hour = float(contract.price_usd_per_device_hour)
    if isinstance(contract, Spot):
        hour *= 1 + float(contract.interruption_share)
    return 0.0, hour


def _sold_share(contracts: Sequence[AnyContract]) -> Decimal:
    """Return the share of the company that the contracts sell; later sales dilute earlier ones."""
    kept = Decimal(1)
    for contract in contracts:
        if isinstance(contract, ComputeForEquity):
            kept *= 1 - contract.sold_share
    return 1 - kept
