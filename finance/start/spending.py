"""Compute contracts, staff and other costs of a new company, as plain data for its document."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from engine.costs.ownership import Ownership, own_cost
from engine.documents import InputError
from engine.plan import Plan
from engine.text import Catalog
from engine.units import MONTHS_PER_YEAR
from finance.costs.people import StaffFunction
from finance.numbers.money import cents
from finance.start.answers import PersonAnswer, RoleKind, StartAnswers
from finance.start.defaults import Origins, assumption, computed, default_of, usual_company

Data = dict[str, Any]

FUNCTIONS: dict[RoleKind, StaffFunction] = {
    "founder": "general",
    "research": "research",
    "engineer": "research",
    "sales": "sales",
    "support": "support",
    "operations": "general",
}
_TEN = Decimal(10)


def compute_contracts(answers: StartAnswers, plan: Plan, text: Catalog, origins: Origins) -> Data:
    """Return the terms of compute: nothing to rent now, or one reservation or purchase.

    Raises
    ------
    InputError
        If no purchase price of the accelerator is published.
    """
    way = answers.compute.way
    if way == "rent":
        return {}
    path = "company.compute.contracts.0"
    contract: Data = {
        "name": text(f"start.contract.{way}"),
        "first_month": 1,
        "devices": plan.cluster.n_devices,
    }
    on_demand = plan.cluster.price_usd_per_device_hour
    if way == "reserve":
        discount = origins.mark(
            default_of("reserved_discount"), f"{path}.price_usd_per_device_hour"
        )
        contract |= {
            "kind": "reserved",
            "months": origins.count(None, "reserved_months", f"{path}.months"),
            "price_usd_per_device_hour": str(round(on_demand * (1 - discount.number), 4)),
        }
        return {"contracts": [contract]}
    owned = own_cost(plan.cluster.accelerator, Ownership())
    if owned is None or owned.price is None:
        raise InputError(
            "compute.accelerator", plan.cluster.accelerator, "accelerator_with_purchase_price"
        )
    outlay = computed(
        "purchase", f"{owned.outlay_usd_per_device:.0f}", f"{owned.price.source} and its network"
    )
    running = computed(
        "running", f"{owned.fixed_running_usd_per_year:.0f}", "data/energy.csv, colocation"
    )
    origins.mark(outlay, f"{path}.usd_per_device")
    origins.mark(
        running,
        f"{path}.running_usd_per_device_month",
        f"{path}.electricity_usd_per_device_hour",
    )
    contract |= {
        "kind": "purchase",
        "usd_per_device": str(cents(owned.outlay_usd_per_device)),
        "lifetime_months": round(owned.lifetime_years * MONTHS_PER_YEAR),
        "running_usd_per_device_month": str(
            cents(owned.fixed_running_usd_per_year / MONTHS_PER_YEAR)
        ),
        "electricity_usd_per_device_hour": str(round(Decimal(owned.electricity_usd_per_hour), 4)),
    }
    return {"contracts": [contract]}


def team_of(answers: StartAnswers) -> tuple[PersonAnswer, ...]:
    """Return the answered team, or the usual team of a company of this kind."""
    return usual_company(answers.product).team if answers.people is None else answers.people


def default_salary(role: RoleKind, country: str) -> Decimal:
    """Return the default yearly salary of a role in a country, in USD."""
    key = "salary_research" if role == "research" else "salary_engineer"
    return default_of(key, country).number * default_of("role_factor", role).number


def staff(answers: StartAnswers, text: Catalog, origins: Origins) -> list[Data]:
    """Return the roles of the company.

    Raises
    ------
    InputError
        If the table has no salaries of a role's country and the answer states none.
    """
    roles = []
    for number, person in enumerate(team_of(answers)):
        path, country = f"company.people.{number}", person.country or answers.country
        if answers.people is None:
            usual = assumption("team", person.role)
            origins.mark(usual, f"{path}.people", f"{path}.start_month")
        else:
            origins.answer(f"{path}.people", f"{path}.start_month")
        yearly = person.salary_usd_per_year
        if yearly is None:
            yearly = default_salary(person.role, country)
            key = "salary_research" if person.role == "research" else "salary_engineer"
            origins.mark(default_of(key, country), f"{path}.cost_usd_per_month")
        else:
            origins.answer(f"{path}.cost_usd_per_month")
        on_cost = origins.mark(default_of("on_cost", country), f"{path}.on_cost_share")
        raised = origins.mark(default_of("raise_per_year"), f"{path}.raise_share_per_year")
        roles.append(
            {
                "title": person.title or text(f"start.role.{person.role}"),
                "people": person.people,
                "cost_usd_per_month": str(round(yearly / MONTHS_PER_YEAR / _TEN) * 10),
                "start_month": person.start_month,
                "function": FUNCTIONS[person.role],
                "region": country,
                "on_cost_share": on_cost.value,
                "raise_share_per_year": raised.value,
            }
        )
    return roles


def other_costs(answers: StartAnswers, origins: Origins) -> str:
    """Return the other monthly costs in USD: a fixed part, and a part for each person at first."""
    path = "company.other_costs_usd_per_month"
    if answers.other_costs_usd_per_month is not None:
        origins.answer(path)
        return str(answers.other_costs_usd_per_month)
    at_first = sum(person.people for person in team_of(answers) if person.start_month <= 2)
    each = origins.mark(default_of("other_costs_per_person"), path)
    fixed = origins.mark(default_of("other_costs_fixed"), path)
    return str(fixed.number + each.number * at_first)


def marketing(
    answers: StartAnswers, launch_month: int, text: Catalog, origins: Origins
) -> list[Data]:
    """Return the spending on marketing from one month before the launch; empty if it is 0.

    It is a fixed amount, and a share of revenue that grows with sales.
    """
    path = "company.spending.0.amount_per_month"
    amount = origins.number(answers.marketing_usd_per_month, "marketing", path)
    if not amount:
        return []
    share = origins.mark(default_of("marketing_share"), "company.spending.0.share_of_revenue")
    return [
        {
            "name": text("start.marketing"),
            "category": "marketing",
            "first_month": max(1, launch_month - 1),
            "amount_per_month": str(amount),
            "share_of_revenue": share.value,
        }
    ]
