"""The waterfall of an exit."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from finance.exits.claims import Claim, Common, Debt, Option, Preferred, Stack
from finance.exits.waterfall import payouts

Inputs = Mapping[str, Any]


def waterfall(case: Inputs) -> Inputs:
    claims: list[Claim] = [
        Debt(id=one["id"], claim_usd=exact(one["claim"]), seniority=one.get("seniority") or 0)
        for one in case.get("debt") or ()
    ]
    claims += [_preferred(one) for one in case.get("preferred") or ()]
    claims += [
        Common(id=name, shares=exact(shares)) for name, shares in (case.get("common") or {}).items()
    ]
    claims += [
        Option(id=one["id"], shares=exact(one["shares"]), strike_usd=exact(one["strike"]))
        for one in (*(case.get("options") or ()), *(case.get("warrants") or ()))
    ]
    return payouts(Stack(tuple(claims)), exact(case["exit_value"])).usd


def _preferred(one: Inputs) -> Preferred:
    cap = one.get("cap_multiple")
    return Preferred(
        id=one["id"],
        shares=exact(one["shares"]),
        invested_usd=exact(one["invested"]),
        multiple=exact(one.get("multiple", 1)),
        participating=bool(one.get("participating")),
        cap_multiple=None if cap is None else exact(cap),
        seniority=one.get("seniority") or 0,
    )


def exact(number: Any) -> Fraction:
    """Numbers of JSON as they are written."""
    return Fraction(str(number))


OPS = {"waterfall": waterfall}
