"""Vesting schedules in the Open Cap Table Format, as conditions that follow each other."""

from __future__ import annotations

import datetime
from fractions import Fraction
from itertools import pairwise
from typing import Any

from engine.documents import InputError
from engine.text import catalog
from finance.capital.ocf.objects import Period, VestingTerms
from finance.capital.vesting import Vesting

Json = dict[str, Any]

START = "start"


def terms_id(vesting: Vesting) -> str:
    """Return the id of a schedule; equal schedules have equal ids."""
    return f"{vesting.months}-months-{vesting.cliff_months}-cliff-every-{vesting.every_months}"


def vesting_terms(vesting: Vesting) -> Json:
    """Return a schedule as OCF conditions: its start, its cliff and the rest."""
    every, months = vesting.every_months, vesting.months
    steps = max(1, (months - vesting.cliff_months) // every)
    conditions = [_condition(START, 0, months, {"type": "VESTING_START_DATE"})]
    before, part = START, Fraction(vesting.cliff_months, months)
    if vesting.cliff_months:
        conditions.append(
            _condition("cliff", part, months, _after(before, vesting.cliff_months, 1))
        )
        before = "cliff"
    if part < 1:
        step = (1 - part) / steps
        conditions.append(_condition("rest", step, months, _after(before, every, steps)))
    for condition, following in pairwise(conditions):
        condition["next_condition_ids"] = [following["id"]]
    return {
        "object_type": "VESTING_TERMS",
        "id": terms_id(vesting),
        "name": terms_id(vesting),
        "description": catalog("en")(
            "capital.ocf.vesting", months=months, cliff=vesting.cliff_months, every=every
        ),
        "allocation_type": "CUMULATIVE_ROUND_DOWN",
        "vesting_conditions": conditions,
    }


def _condition(name: str, part: Fraction | int, months: int, trigger: Json) -> Json:
    of = Fraction(part) * months
    return {
        "id": name,
        "portion": {"numerator": str(int(of)), "denominator": str(months)},
        "trigger": trigger,
        "next_condition_ids": [],
    }


def _after(condition: str, length: int, times: int) -> Json:
    return {
        "type": "VESTING_SCHEDULE_RELATIVE",
        "period": {
            "type": "MONTHS",
            "length": length,
            "occurrences": times,
            "day_of_month": "VESTING_START_DAY_OR_LAST_DAY_OF_MONTH",
        },
        "relative_to_condition_id": condition,
    }


def vesting_of(terms: VestingTerms, start: datetime.date) -> Vesting:
    """Read a schedule from its OCF conditions.

    Raises
    ------
    InputError
        If it vests by days or by events, or has more than one step before the even steps.
    """
    relative = [
        condition
        for condition in terms.vesting_conditions
        if condition.trigger.type == "VESTING_SCHEDULE_RELATIVE"
    ]
    others = len(terms.vesting_conditions) - len(relative)
    if not 1 <= len(relative) <= 2 or others > 1:
        raise InputError(f"vesting_terms.{terms.id}", others + len(relative), "ocf_vesting")
    first, last = relative[0], relative[-1]
    every = _months(terms.id, last.trigger.period)
    times = 1 if last.trigger.period is None else last.trigger.period.occurrences
    cliff = 0
    if first is not last:
        cliff = _months(terms.id, first.trigger.period)
    elif first.cliff_condition is not None:
        cliff = _months(terms.id, first.cliff_condition.period)
    months = every * times + (cliff if first is not last else 0)
    if times == 1:  # all shares vest at once
        every, cliff = 1, months
    return Vesting.parse(
        {"start": start, "months": months, "cliff_months": cliff, "every_months": every},
        f"vesting_terms.{terms.id}",
    )


def _months(terms: str, period: Period | None) -> int:
    if period is None or period.type == "DAYS":
        raise InputError(
            f"vesting_terms.{terms}", "—" if period is None else period.type, "ocf_vesting"
        )
    return period.length * (12 if period.type == "YEARS" else 1)
