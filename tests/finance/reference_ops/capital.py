"""Ops for SAFEs, notes, priced rounds, anti-dilution, vesting and cap tables."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from math import floor
from pathlib import Path
from typing import Any

from finance.capital.antidilution import Protection, adjusted_price, conversion_ratio
from finance.capital.conversion import (
    break_even_pre_money,
    conversion_price,
    simplified_cap_price,
)
from finance.capital.exact import EXACT, YC_GUIDE, Rounding
from finance.capital.instruments import POST_MONEY, PRE_MONEY, Counted, exit_claim
from finance.capital.interest import Accrual, DayCount, accrued, year_fraction
from finance.capital.ocf.package import stock_outstanding
from finance.capital.pricing import price_round
from finance.capital.prorata import (
    pro_rata_budget,
    pro_rata_on_top,
    pro_rata_shares,
    sold_by,
)
from finance.capital.round_terms import (
    Convention,
    Converting,
    PoolChange,
    PricedShares,
    RoundTerms,
)
from finance.capital.vesting import vested_shares

Inputs = Mapping[str, Any]


def exact(value: Any) -> Fraction:
    """Return a number of a case: 0.1 is a tenth, "4/7" four sevenths, None is 0."""
    return Fraction(0) if value is None else Fraction(str(value))


def safe_round(inputs: Inputs) -> dict[str, Any]:
    priced = price_round(_terms(inputs, _rounding(inputs)))
    total = priced.total
    shares = [conversion.shares for conversion in priced.conversions]
    common = exact(inputs["common_incl_granted_options"])
    return {
        "company_capitalization": priced.capitalization,
        "safe_shares": shares,
        "conversion_prices": [conversion.price for conversion in priced.conversions],
        "safe_prices": [conversion.price for conversion in priced.conversions],
        "price": priced.price,
        "new_shares": priced.new_shares,
        "total": total,
        "pool_increase": priced.pool_increase,
        "pool_shares": priced.pool,
        "pool_unallocated": priced.pool,
        "safe_shares_total": sum(shares, Fraction(0)),
        "pre_money_shares": total - priced.new_shares,
        "pre_money_capitalization": common + priced.pool,
        "post_money": priced.price * total,
        "own_common": common / total,
        "own_safes": [converted / total for converted in shares],
        "own_safes_total": sum(shares, Fraction(0)) / total,
        "own_new": priced.new_shares / total,
        "own_pool_unallocated": priced.pool / total,
        "own_pool": priced.pool / total,
    }


def yc_rounded(inputs: Inputs) -> dict[str, Any]:
    rounding = _rounding(inputs, YC_GUIDE)
    before = exact(inputs["fd_before_safes"])
    unissued = exact(inputs.get("unissued"))
    # A promised share of the capitalization is that amount under a cap of 1.
    priced = price_round(
        RoundTerms(
            pre_money=exact(inputs["pre_money"]),
            new_money=exact(inputs["new_money"]),
            outstanding=before - unissued,
            pool=unissued,
            pool_change=_pool(["increase", inputs.get("pool_increase") or 0]),
            converting=tuple(
                Converting(amount=exact(part), cap=Fraction(1)) for part in inputs["safes_pct"]
            ),
            rounding=rounding,
        )
    )
    figures = _rounded_figures(inputs, priced)
    index = inputs.get("pro_rata_holder_index")
    if index is not None:
        held = priced.conversions[index].shares
        bought = rounding.converted(pro_rata_shares(held, priced.capitalization, priced.new_shares))
        figures |= {
            "pro_rata_shares": bought,
            "holder_total_after_pro_rata": held + bought,
            "holder_pct_after_pro_rata": _printed((held + bought) / priced.total),
        }
    return figures


def _rounded_figures(inputs: Inputs, priced: PricedShares) -> dict[str, Any]:
    shares = [conversion.shares for conversion in priced.conversions]
    return {
        "company_capitalization": priced.capitalization,
        "safe_shares": shares,
        "price": priced.price,
        "new_shares": priced.new_shares,
        "total": priced.total,
        "pool_shares": priced.pool,
        "pool_pct": _printed(priced.pool / priced.total),
        "founders_pct": _printed(exact(inputs.get("founders")) / priced.total),
        "safes_pct": [_printed(converted / priced.total) for converted in shares],
        "new_pct": _printed(priced.new_shares / priced.total),
    }


def _printed(share: Fraction) -> Fraction:
    """Return a share of the company rounded to 0.01%, as the guide prints it."""
    return Fraction(floor(share * 10_000 + Fraction(1, 2)), 10_000)


def _terms(inputs: Inputs, rounding: Rounding) -> RoundTerms:
    convention = str(inputs.get("convention") or "percentage_ownership")
    return RoundTerms(
        pre_money=exact(inputs["pre_money"]),
        new_money=exact(inputs["new_money"]),
        outstanding=exact(inputs["common_incl_granted_options"]),
        granted=exact(inputs.get("granted_options")),
        pool=exact(inputs.get("pool_unallocated")),
        pool_change=_pool(inputs.get("pool")),
        convention=Convention(convention.removesuffix("_method")),
        converting=_converting(inputs.get("safes") or ()),
        rounding=rounding,
    )


def _converting(safes: Sequence[Inputs]) -> tuple[Converting, ...]:
    return tuple(_safe(_amended(safe, safes)) for safe in safes)


def _amended(safe: Inputs, safes: Sequence[Inputs]) -> Inputs:
    """Return an MFN SAFE with the terms of the SAFE that its holder elected, by its index."""
    elected = safe.get("mfn_of", safe.get("elects"))
    if elected is None:
        return safe
    return {**safes[elected], "amount": safe["amount"]}


def _safe(safe: Inputs) -> Converting:
    kind: str = safe.get("kind") or "post"
    counted = PRE_MONEY if kind.startswith("pre") else POST_MONEY
    if safe.get("counted") is not None:
        counted = Counted.parse(safe["counted"])
    return Converting(
        amount=exact(safe["amount"]),
        cap=exact(safe["cap"]) if safe.get("cap") else None,
        discount=exact(safe.get("discount")),
        counted=counted,
        cap_shares=exact(safe["cap_shares"]) if safe.get("cap_shares") else None,
    )


_POOLS = {
    "increase": "increase",
    "target": "unallocated",
    "target_unallocated": "unallocated",
    "unallocated": "unallocated",
    "target_total": "whole",
    "total": "whole",
    "whole": "whole",
}


def _pool(pool: Sequence[Any] | None) -> PoolChange | None:
    if pool is None or not pool[1]:
        return None
    basis, value, *placed = pool
    return PoolChange.parse(
        {"basis": _POOLS[basis], "value": exact(value), "in_pre_money": "post" not in placed}
    )


def _rounding(inputs: Inputs, otherwise: Rounding = EXACT) -> Rounding:
    decimals = inputs.get("price_decimals")
    if decimals is None:
        return otherwise
    return YC_GUIDE.model_copy(update={"price_decimals": decimals})


def own_pct(inputs: Inputs) -> dict[str, Any]:
    pairs = zip(inputs["amounts"], inputs["caps"], strict=True)
    parts = [sold_by(exact(amount), exact(cap)) for amount, cap in pairs]
    return {"pct": parts, "total": sum(parts, Fraction(0))}


def pro_rata_table(inputs: Inputs) -> dict[str, Any]:
    new, increase = exact(inputs["new_investors"]), exact(inputs.get("pool_increase"))
    right = exact(inputs["safes_with_pro_rata"])
    safes = exact(inputs.get("safes", inputs["safes_with_pro_rata"]))
    found = pro_rata_on_top(new, right, safes, increase)
    return {
        "pro_rata_alloc": found.allocation,
        "round_dilution": found.dilution,
        "safes_after": found.safes_after,
        "safes_after_with_pro_rata": found.safes_after + found.allocation,
        "total_round": new + found.allocation,
        "founders_after": (1 - safes) * (1 - found.dilution),
    }


def budget(inputs: Inputs) -> dict[str, Any]:
    return {
        "max_pct": pro_rata_budget(exact(inputs["new_investors"]), exact(inputs["total_round"]))
    }


_METHODS = {"compound": Accrual.COMPOUND, "pik": Accrual.PIK, "simple": Accrual.SIMPLE}
_BASES = {
    "act/365": DayCount.ACT_365F,
    "act/365f": DayCount.ACT_365F,
    "act/365.25": DayCount.ACT_365_25,
    "act/360": DayCount.ACT_360,
    "act/act": DayCount.ACT_ACT,
    "act/actisda": DayCount.ACT_ACT,
    "30/360": DayCount.THIRTY_360,
    "30u/360": DayCount.THIRTY_360,
    "30e/360": DayCount.THIRTY_E_360,
}


def _claim(inputs: Inputs, years: Fraction | None = None) -> Fraction:
    method = _METHODS[str(inputs.get("method") or "simple").lower()]
    if years is None:
        years = _years(inputs)
    return accrued(
        exact(inputs.get("principal", inputs.get("amount"))),
        exact(inputs.get("rate")),
        years,
        method,
        inputs.get("m") or inputs.get("periods_per_year") or 1,
    ) + exact(inputs.get("exit_fee"))


def _years(inputs: Inputs) -> Fraction:
    if inputs.get("start") is None:
        return exact(inputs.get("years"))
    basis = str(inputs.get("basis") or "act/365F").lower().replace("actual", "act")
    start, end = (datetime.date.fromisoformat(inputs[name]) for name in ("start", "end"))
    return year_fraction(start, end, _BASES[basis.replace(" ", "").replace("_", "")])


def accrue(inputs: Inputs) -> dict[str, Any]:
    claim, principal = _claim(inputs), exact(inputs["principal"])
    return {"claim": claim, "interest": claim - principal, "years": _years(inputs)}


def note_convert(inputs: Inputs) -> dict[str, Any]:
    amount = _claim(inputs)
    cap_price = None
    round_price = None if inputs.get("round_price") is None else exact(inputs["round_price"])
    if inputs.get("cap") is not None and inputs.get("cap_shares") is not None:
        cap_price = exact(inputs["cap"]) / exact(inputs["cap_shares"])
    elif inputs.get("cap") is not None and round_price is not None:
        cap_price = simplified_cap_price(
            exact(inputs["cap"]), exact(inputs["pre_money"]), round_price
        )
    found = conversion_price(round_price, exact(inputs.get("discount")), cap_price)
    return _shares_at(amount, found.price, round_price)


def _shares_at(amount: Fraction, price: Fraction, round_price: Fraction | None) -> dict[str, Any]:
    figures = {"converted_amount": amount, "price": price, "shares": amount / price}
    if round_price is not None:
        figures["value"] = figures["shares"] * round_price
    return figures


def cap_discount_breakeven(inputs: Inputs) -> dict[str, Any]:
    return {"pre_money": break_even_pre_money(exact(inputs["cap"]), exact(inputs["discount"]))}


_TIMES = {
    "one": Fraction(1),
    "one_and_a_half": Fraction(3, 2),
    "two": Fraction(2),
    "three": Fraction(3),
    "four": Fraction(4),
    "five": Fraction(5),
}


def note_exit(inputs: Inputs) -> dict[str, Any]:
    principal = exact(inputs["principal"])
    figures: dict[str, Any] = {}
    for years in range(1, 11):
        claim = _claim(inputs, Fraction(years))
        figures |= {f"after_{years}y": claim, f"at_maturity_{years}y": claim}
        for word, times in _TIMES.items():
            figures[f"{word}_x_after_{years}y"] = exit_claim(principal, claim, times)
    return figures


_PROTECTIONS = {
    "weighted": Protection.BROAD_BASED,
    "weighted_average": Protection.BROAD_BASED,
    "broad": Protection.BROAD_BASED,
    "broad_based": Protection.BROAD_BASED,
    "narrow": Protection.NARROW_BASED,
    "narrow_based": Protection.NARROW_BASED,
    "ratchet": Protection.FULL_RATCHET,
    "full_ratchet": Protection.FULL_RATCHET,
    "none": Protection.NONE,
}


def anti_dilution(inputs: Inputs) -> dict[str, Any]:
    if "series" in inputs:  # several series, each against its own price, with the same A
        shared = {name: value for name, value in inputs.items() if name != "series"}
        answers = [anti_dilution({**shared, **series}) for series in inputs["series"]]
        return {name: [figures[name] for figures in answers] for name in answers[0]}
    before, issued = exact(inputs["cp1"]), exact(inputs["C"])
    consideration = inputs.get("consideration")
    paid = exact(inputs["issue_price"]) * issued if consideration is None else exact(consideration)
    original = exact(inputs["oip"]) if inputs.get("oip") is not None else before
    after = adjusted_price(
        _PROTECTIONS[inputs.get("kind") or "weighted"],
        before,
        exact(inputs.get("A")),
        issued,
        paid,
    )
    ratio = conversion_ratio(original, after)
    return {
        "cp2": after,
        "ratio": ratio,
        "issue_price": paid / issued,
        "as_converted": ratio * exact(inputs.get("shares")),
    }


def vest(inputs: Inputs) -> dict[str, Any]:
    shares = exact(inputs["shares"])
    vested = vested_shares(
        shares, inputs["total_months"], inputs.get("cliff") or 0, inputs["months"],
        inputs.get("every_months") or 1,
    )  # fmt: skip
    return {"vested": vested, "unvested": shares - vested}


def ocf(inputs: Inputs) -> dict[str, Any]:
    day = datetime.date.fromisoformat(inputs["as_of"])
    return dict(stock_outstanding(Path(inputs["path"]), day))


OPS: dict[str, Callable[[Inputs], Mapping[str, Any]]] = {
    "safe_round": safe_round,
    "yc_rounded": yc_rounded,
    "own_pct": own_pct,
    "pro_rata_table": pro_rata_table,
    "pro_rata_budget": budget,
    "accrue": accrue,
    "note_convert": note_convert,
    "note_convert_simplified": note_convert,
    "cap_discount_breakeven": cap_discount_breakeven,
    "note_exit": note_exit,
    "anti_dilution": anti_dilution,
    "vest": vest,
    "ocf": ocf,
}
