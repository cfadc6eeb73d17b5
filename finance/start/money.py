"""Cap table of a new company, and the raise that its lowest cash calls for."""

from __future__ import annotations

import datetime
import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from engine.documents import InputError
from engine.text import Catalog
from finance.books.months import MAX_MONTHS, date_of_month
from finance.capital.roles import HolderRole
from finance.company.cashflow import CashMonth
from finance.funding.raises import CashWithRaises, raise_needed
from finance.start.answers import MoneyAnswers, Stage, StartAnswers
from finance.start.defaults import Origins, computed, default_of
from finance.start.spending import team_of

Data = dict[str, Any]
_FIRST_POSSIBLE_MONTH = 4
"""Earliest month of a proposed raise while the cash lasts: a raise takes three months at least."""
_MOST_MOVES = 4
"""Times that a proposed month is moved; another month has another target and another buffer."""
_STEPS = ((Decimal(1_000_000), Decimal(50_000)), (Decimal(10_000_000), Decimal(250_000)))
"""Amounts are rounded up to a step that grows with them: (up to, step)."""
_LARGEST_STEP = Decimal(1_000_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Raise:
    """A priced round that the answers plan or that the cash calls for."""

    month: int
    amount_usd: Decimal
    pre_money_usd: Decimal
    stage: Stage
    runway_months: int
    """Months from the raise that its money is meant to last."""

    @property
    def sold_share(self) -> Decimal:
        """Share of the company that the new money buys."""
        return self.amount_usd / (self.pre_money_usd + self.amount_usd)


def planned_raise(
    money: MoneyAnswers, cash: CashWithRaises, path: str, origins: Origins
) -> Raise | None:
    """Return the raise, or None if none is wanted or the cash lasts without one.

    The proposed month leaves six months of cash. The amount is the smallest that keeps the buffer
    to the end of the target runway (:func:`finance.funding.raises.raise_needed`), rounded up.

    Parameters
    ----------
    cash
        Cash of the scenario without any raise, with a horizon beyond the raise and its runway.
    path
        Path of the round in the scenario.
    """
    if not money.raises:
        return None
    target = origins.count(money.runway_months, "runway")
    month = money.raise_month
    if month is None:
        month = _proposed_month(cash.months_without)
        if month is None and money.raise_usd is None:
            return None
        origins.mark(default_of("months_before_empty"), f"{path}.date")
    else:
        origins.answer(f"{path}.date")
    month = month or _FIRST_POSSIBLE_MONTH
    amount = money.raise_usd
    if amount is None:
        month, needed = _month_and_amount(money, cash, month, target)
        amount, last = rounded_up(needed), min(month + target, cash.horizon_months)
        source = f"smallest raise that lasts to month {last} with the buffer, rounded up"
        origins.mark(computed("raise", amount, source), f"{path}.new_money")
    else:
        origins.answer(f"{path}.new_money")
    if not amount:
        return None
    stage: Stage = "seed" if amount <= default_of("largest_seed").number else "series_a"
    return Raise(
        month=month,
        amount_usd=amount,
        pre_money_usd=origins.number(
            money.pre_money_usd, "pre_money", f"{path}.pre_money", scope=stage
        ),
        stage=stage,
        runway_months=target,
    )


def _month_and_amount(
    money: MoneyAnswers, cash: CashWithRaises, month: int, target: int
) -> tuple[int, Decimal]:
    """Return the month of the raise and the smallest amount for it.

    A proposed month is moved to the last month whose cash is above the buffer, if that is earlier,
    but not before a raise is possible.
    """
    pre_money = money.pre_money_usd or default_of("pre_money", "seed").number
    buffer = default_of("buffer").number
    amount = Decimal(0)
    for _ in range(_MOST_MOVES):
        last = min(month + target, cash.horizon_months)
        solved = raise_needed(cash.scenario, last, buffer, pre_money, cash=cash)
        amount = solved.amount_usd
        safe = month if solved.month is None else max(solved.month, _FIRST_POSSIBLE_MONTH)
        if money.raise_month is not None or month <= safe:
            break
        month = safe
    return month, amount


def _proposed_month(months: Sequence[CashMonth]) -> int | None:
    """Return the month of a raise that leaves time; None if the cash never runs out."""
    empty = next((month.month for month in months if month.cash_usd < 0), None)
    if empty is None:
        return None
    in_time = empty - 1 - default_of("months_before_empty").count
    return max(1, min(empty - 1, max(_FIRST_POSSIBLE_MONTH, in_time)))


def rounded_up(amount: Decimal) -> Decimal:
    """Return an amount rounded up to 50,000 USD, or to larger steps above a million."""
    step = next((step for limit, step in _STEPS if amount <= limit), _LARGEST_STEP)
    return step * math.ceil(amount / step)


def founder_names(answers: StartAnswers, text: Catalog) -> tuple[str, ...]:
    """Return the names of the founders; there are as many as the team has, and at least one."""
    named = answers.money.founders
    count = sum(person.people for person in team_of(answers) if person.role == "founder")
    numbered = (
        text("start.founder", n=number) for number in range(len(named) + 1, max(count, 1) + 1)
    )
    return (*named, *numbered)


def cap_table(answers: StartAnswers, text: Catalog, origins: Origins) -> Data:
    """Return the cap table of today: founders in equal parts, a pool, and the signed SAFEs.

    All of it is dated on the day before the first month, so that its money is in the cash of today.
    """
    names = founder_names(answers, text)
    if repeated := next((name for name in names if names.count(name) > 1), None):
        raise InputError("money.founders", repeated, "no_repeats")
    day = str(answers.first_month.replace(day=1) - datetime.timedelta(days=1))
    path = "company.capital.events"
    whole = origins.mark(default_of("founders_shares"), *_paths(path, len(names), "shares"))
    events: list[Data] = [
        {
            "kind": "stock_issue",
            "date": day,
            "name": f"CS-{number}",
            "holder": name,
            "shares": str(whole.count // len(names)),
            "price": "0.0001",
        }
        for number, name in enumerate(names, 1)
    ]
    pool = origins.mark(default_of("pool"), f"{path}.{len(events)}.shares").number
    issued = whole.count // len(names) * len(names)
    events.append(
        {"kind": "pool_increase", "date": day, "shares": str(round(issued * pool / (1 - pool)))}
    )
    for number, safe in enumerate(answers.money.safes, 1):
        origins.answer(f"{path}.{len(events)}.amount", f"{path}.{len(events)}.holder")
        cap = origins.number(safe.cap_usd, "safe_cap", f"{path}.{len(events)}.cap")
        events.append(
            {
                "kind": "safe",
                "date": day,
                "name": f"SAFE-{number}",
                "holder": safe.holder,
                "amount": str(safe.amount_usd),
                "cap": str(cap),
            }
        )
    roles = dict.fromkeys(names, HolderRole.FOUNDER.value)
    return {"opening": {"date": day, "roles": roles}, "events": events}


def round_event(first_month: datetime.date, deal: Raise, text: Catalog) -> Data:
    """Return the planned priced round of a raise."""
    return {
        "kind": "priced_round",
        "date": str(date_of_month(first_month.replace(day=1), min(deal.month, MAX_MONTHS))),
        "planned": True,
        "series": text(f"start.stage.{deal.stage}"),
        "pre_money": str(deal.pre_money_usd),
        "new_money": str(deal.amount_usd),
        "lead": text("start.new_investors"),
        "convention": "percentage_ownership",
        "pool": {"basis": "unallocated", "value": default_of("pool").value},
        "rounding": {"price_decimals": 4, "converted": "down", "sold": "nearest"},
    }


def _paths(path: str, count: int, field: str) -> tuple[str, ...]:
    return tuple(f"{path}.{number}.{field}" for number in range(count))
