"""The equations of a priced round: price, conversions, pool and new shares together.

Each unknown depends on the others: a post-money cap counts the other conversions, a pool target
is a share of the total, an adjustment of an earlier series depends on the price, and the price
depends on the number of shares. The unknowns are u = 1 ÷ price (shares for a unit of money), the
pool p, the converting shares c and the adjustment shares a. Each equals the largest of a few
straight lines in (u, p, c, a) without negative slopes.

:func:`price_round` picks for each unknown the line that is largest at the present point, solves
the four equations in fractions, and repeats until the picks no longer change. This is Newton's
method for convex rising functions, which reaches the smallest solution in finitely many steps.
The picks are the deciding terms.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from engine.documents import InputError
from finance.capital.antidilution import Protection
from finance.capital.exact import ZERO
from finance.capital.round_terms import (
    Convention,
    PoolBasis,
    PricedShares,
    Protected,
    RoundTerms,
)
from finance.capital.rounding import rounded_shares


def price_round(terms: RoundTerms) -> PricedShares:
    """Return the share counts and prices that solve a round.

    Raises
    ------
    InputError
        If conversions, new money and pool would take the whole company or more, or if the price
        rounds to zero.
    """
    sold = sum(
        (
            security.amount / security.cap
            for security in terms.converting
            if security.cap and security.counts_itself
        ),
        ZERO,
    )
    if sold >= 1:
        raise InputError("cap", f"{float(sold):.1%}", "sells_all")
    lines = _Lines(terms)
    point = np.array([ZERO, ZERO, ZERO, ZERO, Fraction(1)], dtype=object)
    while True:
        pool = _largest(lines.pool, point)
        converted = [_largest(options, point) for options in lines.converting]
        gained = [
            _gain(series, terms.new_money)
            for series in terms.protected
            # The price is lower than the conversion price, so that the line is above 0.
            if series.conversion_price * point[0] > 1
        ]
        right = np.array([lines.per_money, pool, sum(converted, _NONE), sum(gained, _NONE)])
        solution = _solution(right)
        if solution is None or any(solution < point[:4]):
            raise InputError("pre_money", f"{float(terms.pre_money):,.2f}", "round_unsolvable")
        if all(solution == point[:4]):
            break
        point = np.concatenate([solution, _ONE[4:]])
    by_cap = tuple(
        security.cap is not None and line is options[0]
        for security, line, options in zip(
            terms.converting, converted, lines.converting, strict=True
        )
    )
    return rounded_shares(terms, 1 / point[0], point[1], by_cap)


# A line is an array of five numbers: its slopes in u, p, c and a, and its constant.
_Line = np.ndarray[Any, np.dtype[np.object_]]
_PER_MONEY, _POOL, _CONVERTED, _GAINED, _ONE = (
    np.array([Fraction(i == j) for j in range(5)], dtype=object) for i in range(5)
)
_NONE = 0 * _ONE


class _Lines:
    """The right sides of the four equations; of several lines the largest counts."""

    def __init__(self, terms: RoundTerms) -> None:
        change = terms.pool_change
        before = terms.outstanding * _ONE
        gained = _GAINED if terms.adjustments_in_pre_money else _NONE
        total = before + _POOL + _CONVERTED + _GAINED + terms.new_money * _PER_MONEY

        value = terms.pre_money
        counted = (
            before
            + gained
            + (_POOL if change is None or change.in_pre_money else terms.pool * _ONE)
        )
        if terms.convention is not Convention.PRE_MONEY:
            counted = counted + _CONVERTED
        if terms.convention is Convention.DOLLARS_INVESTED:
            value += sum((security.amount for security in terms.converting), ZERO)
        self.per_money: _Line = counted / value

        self.pool: list[_Line] = [terms.pool * _ONE]
        if change is not None:
            match change.basis:
                case PoolBasis.INCREASE:
                    self.pool = [(terms.pool + change.value) * _ONE]
                case PoolBasis.UNALLOCATED:
                    self.pool.append(change.value * total)
                case PoolBasis.WHOLE:
                    self.pool.append(change.value * total - terms.granted * _ONE)

        self.converting: list[list[_Line]] = []
        for security in terms.converting:
            at_price = security.amount / (1 - security.discount) * _PER_MONEY
            if security.cap is None:
                self.converting.append([at_price])
                continue
            if security.cap_shares is not None:
                base = security.cap_shares * _ONE
            else:
                base = before + gained + (_CONVERTED if security.counted.converting else _NONE)
                if security.counted.pool:
                    base = base + (_POOL if security.counted.pool_increase else terms.pool * _ONE)
            self.converting.append([security.amount / security.cap * base, at_price])


def _gain(series: Protected, new_money: Fraction) -> _Line:
    """Return the line of the shares, as converted, that a series gains below its price."""
    worth = series.shares * series.issue_price
    if series.protection is Protection.FULL_RATCHET:
        slope, constant = worth, ZERO
    else:
        weight = worth / (series.outstanding * series.conversion_price + new_money)
        slope, constant = weight * new_money, weight * series.outstanding
    before = worth / series.conversion_price
    return np.array([slope, ZERO, ZERO, ZERO, constant - before], dtype=object)


def _largest(lines: list[_Line], point: _Line) -> _Line:
    if len(lines) == 1:
        return lines[0]
    return max(lines, key=lambda line: _at(line, point))


def _at(line: _Line, point: _Line) -> Fraction:
    return sum((slope * x for slope, x in zip(line, point, strict=True) if slope), ZERO)


def _solution(right: _Line) -> _Line | None:
    """Return the x that solves x = right · (x, 1), or None if it is not unique."""
    size = len(right)
    rows = np.concatenate([np.diag([Fraction(1)] * size) - right[:, :size], right[:, size:]], 1)
    for i in range(size):
        pivot = next((j for j in range(i, size) if rows[j, i] != 0), None)
        if pivot is None:
            return None
        rows[[i, pivot]] = rows[[pivot, i]]
        rows[i] = rows[i] / rows[i, i]
        for j in range(size):
            if j != i and rows[j, i]:
                rows[j] = rows[j] - rows[j, i] * rows[i]
    solved: _Line = rows[:, size]
    return solved
