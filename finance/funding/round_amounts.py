"""Round amounts of money to choose from, near an amount that was computed."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_CEILING, Decimal

from finance.numbers.money import CENT, MAX_USD

_STEPS = tuple(Decimal(step) for step in ("1", "1.25", "1.5", "2", "2.5", "3", "4", "5", "6", "8"))


def amounts_around(*exact: Decimal, factor: int = 4) -> list[Decimal]:
    """Return amounts of one to three digits from 1/``factor`` to ``factor`` times the amounts.

    The amounts themselves are among them; the result is in ascending order.
    """
    low, high = min(exact) / factor, min(max(exact) * factor, Decimal(MAX_USD))
    powers = range(low.adjusted(), high.adjusted() + 1)
    found = {step.scaleb(power) for power in powers for step in _STEPS}
    kept = {amount for amount in found if low <= amount <= high and amount >= CENT}
    return sorted({amount.quantize(CENT) for amount in (*kept, *exact)})


def multiples(amount: Decimal, factors: Sequence[str]) -> tuple[Decimal, ...]:
    """Return multiples of an amount, ascending without repeats.

    The amount itself stays exact, and every other multiple is rounded up to two digits.
    """
    found = set()
    for factor in factors:
        exact = amount * Decimal(factor)
        if exact == amount:
            found.add(amount.quantize(CENT))
            continue
        step = Decimal(1).scaleb(max(exact.adjusted() - 1, -2))
        rounded = (exact / step).to_integral_value(ROUND_CEILING) * step
        found.add(min(rounded, Decimal(MAX_USD)).quantize(CENT))
    return tuple(sorted(found))
