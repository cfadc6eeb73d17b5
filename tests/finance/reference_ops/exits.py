"""Ops for the waterfall of an exit."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from finance.exits.claims import Claim, Common, Debt, Option, Preferred, Stack
from finance.exits.waterfall import payouts

Inputs = Mapping[str, Any]


def waterfall(case: Inputs) -> Inputs:
    claims: list[Claim] = [
        Debt(id=debt["id"], claim_usd=exact(debt["claim"]), seniority=debt.get("seniority") or 0)
        for debt in case.get("debt") or ()
    ]
    claims += [_preferred(terms) for terms in case.get("preferred") or ()]
    claims += [
        Common(id=name, shares=exact(shares)) for name, shares in (case.get("common") or {}).items()
    ]
    claims += [
        Option(id=option["id"], shares=exact(option["shares"]), strike_usd=exact(option["strike"]))
        for option in (*(case.get("options") or ()), *(case.get("warrants") or ()))
    ]
    return payouts(Stack(tuple(claims)), exact(case["exit_value"])).usd


def _preferred(terms: Inputs) -> Preferred:
    cap = terms.get("cap_multiple")
    return Preferred(
        id=terms["id"],
        shares=exact(terms["shares"]),
        invested_usd=exact(terms["invested"]),
        multiple=exact(terms.get("multiple", 1)),
        participating=bool(terms.get("participating")),
        cap_multiple=None if cap is None else exact(cap),
        seniority=terms.get("seniority") or 0,
    )


def exact(number: Any) -> Fraction:
    """Return a number of JSON as the fraction of its text."""
    return Fraction(str(number))


OPS = {"waterfall": waterfall}
