"""One priced round as equations: the price, what converts, the pool and the new shares at once.

Each depends on the others: a post-money cap counts what converts beside it, a pool target is a
share of the total, an adjustment of an earlier series depends on the price, and the price on
how many shares there are. Written in shares per unit of money, u = 1 ÷ price, every one is the
largest of a few straight lines in u, the pool p, the converting shares c and the adjustment
shares a, with no negative slope. :func:`price_round` picks for each the line that is largest so
far, solves the four equations in fractions, and repeats until the picks stay: Newton's method
for convex rising functions, which reaches the smallest solution in finitely many steps. The
picks are the deciding terms.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from engine.documents import InputError
from finance.capital.antidilution import Protection
from finance.capital.round_terms import (
    ZERO,
    Convention,
    PoolBasis,
    PricedShares,
    Protected,
    RoundTerms,
)
from finance.capital.rounding import rounded_shares


def price_round(terms: RoundTerms) -> PricedShares:
    """Solve a round.

    Raises
    ------
    InputError
        If what converts, the new money and the pool would take the whole company or more, or
        the price rounds to nothing.
    """
    sold = sum(
        (one.amount / one.cap for one in terms.converting if one.cap and one.counts_itself), ZERO
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
            if series.conversion_price * point[0] > 1  # the price is below: its line is above 0
        ]
        right = np.array([lines.per_money, pool, sum(converted, _NONE), sum(gained, _NONE)])
        solution = _solution(right)
        if solution is None or any(solution < point[:4]):
            raise InputError("pre_money", f"{float(terms.pre_money):,.2f}", "round_unsolvable")
        if all(solution == point[:4]):
            break
        point = np.concatenate([solution, _ONE[4:]])
    by_cap = tuple(
        one.cap is not None and line is options[0]
        for one, line, options in zip(terms.converting, converted, lines.converting, strict=True)
    )
    return rounded_shares(terms, 1 / point[0], point[1], by_cap)


# A line is an array of the slopes in u, p, c and a, and the constant.
_Line = np.ndarray[Any, np.dtype[np.object_]]
_PER_MONEY, _POOL, _CONVERTED, _GAINED, _ONE = (
    np.array([Fraction(i == j) for j in range(5)], dtype=object) for i in range(5)
)
_NONE = 0 * _ONE


class _Lines:
    """The right sides of the four equations; where there are several, the largest counts."""

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
            value += sum((one.amount for one in terms.converting), ZERO)
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
        for one in terms.converting:
            at_price = one.amount / (1 - one.discount) * _PER_MONEY
            if one.cap is None:
                self.converting.append([at_price])
                continue
            if one.cap_shares is not None:
                base = one.cap_shares * _ONE
            else:
                base = before + gained + (_CONVERTED if one.counted.converting else _NONE)
                if one.counted.pool:
                    base = base + (_POOL if one.counted.pool_increase else terms.pool * _ONE)
            self.converting.append([one.amount / one.cap * base, at_price])


def _gain(series: Protected, new_money: Fraction) -> _Line:
    """What a series gains, as converted, when the price is below its conversion price."""
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
    """x of x = right · (x, 1), by elimination; None where it is not unique."""
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
