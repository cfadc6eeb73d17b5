"""All rates at which the present value of a series of payments is 0.

With u = ln(1 + rate) the present value is a sum of exponentials, Σ amount × exp(−u × years). Such
a sum has at most as many zeros as its amounts, in order of time, change sign (Descartes' rule of
signs, for exponentials: Pólya and Szegő, Problems and Theorems in Analysis II, part V, no. 77).
Between two zeros of its derivative it has at most one (Rolle), and its derivative, multiplied by
exp(u × the first time), is such a sum with one term fewer. So zeros are found from the sum with
the fewest terms upward, each between two neighbouring zeros of the sum before.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_TOUCHES = 1e-12
"""Values up to this fraction of the largest term count as 0: the sum touches the axis."""
_SAME_ROOT = 1e-7
"""Largest distance of two zeros that count as one zero."""


def zeros(years: Floats, amounts: Floats, low: float, high: float) -> list[float]:
    """Return all u from ``low`` to ``high`` at which Σ amounts × exp(−u × years) is 0, in order.

    ``years`` must rise strictly, and no amount may be 0.
    """
    sums = [_Sum(np.log(np.abs(amounts)), np.sign(amounts), years)]
    while sums[-1].sign_changes > 1:
        sums.append(sums[-1].derivative())
    found: list[float] = []
    for terms in reversed(sums):
        found = terms.zeros_between([low, *found, high])
    return found


class _Sum:
    """Σ sign × exp(log − u × years); logarithms hold amounts beyond the range of floats."""

    def __init__(self, logs: Floats, signs: Floats, years: Floats) -> None:
        self.logs, self.signs, self.years = logs, signs, years

    @property
    def sign_changes(self) -> int:
        """Number of sign changes in the order of time."""
        return int(np.count_nonzero(self.signs[1:] != self.signs[:-1]))

    def derivative(self) -> _Sum:
        """Return the derivative, up to its sign and a factor without zeros."""
        years = self.years[1:]
        return _Sum(self.logs[1:] + np.log(years - self.years[0]), self.signs[1:], years)

    def __call__(self, u: float) -> float:
        """Return the sum ÷ its largest term, which has the same zeros and signs."""
        exponents = self.logs - u * self.years
        return float(self.signs @ np.exp(exponents - exponents.max()))

    def zeros_between(self, points: Sequence[float]) -> list[float]:
        """Return the zeros at the inner points and inside the intervals, at most one in each."""
        if self.sign_changes == 0:
            return []
        from scipy.optimize import brentq  # takes longer to load than most commands to run

        found = [at for at in points[1:-1] if abs(self(at)) < _TOUCHES]
        for low, high in pairwise(points):
            if self(low) * self(high) < 0:
                found.append(float(brentq(self, low, high, xtol=1e-15, rtol=1e-14)))
        found.sort()
        apart = [later - earlier > _SAME_ROOT for earlier, later in pairwise(found)]
        return [at for at, kept in zip(found, [True, *apart], strict=False) if kept]
