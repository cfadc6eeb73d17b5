"""All rates at which a series of payments is worth nothing, not just one of them.

With u = ln(1 + rate) the present value is a sum of exponentials, Σ amount × exp(−u × years). Such
a sum has at most as many zeros as its amounts, in order of time, change sign (Descartes' rule of
signs, for exponentials: Pólya and Szegő, Problems and Theorems in Analysis II, part V, no. 77).
Between two zeros of its derivative it has at most one (Rolle), and its derivative, multiplied by
exp(u × the first time), is such a sum with one term fewer. So zeros are found from the last terms
back, each between two neighbours of the step before.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_TOUCHES = 1e-12
"""A value this small beside its terms is zero: there the sum touches the axis."""
_SAME_ROOT = 1e-7


def zeros(years: Floats, amounts: Floats, low: float, high: float) -> list[float]:
    """All u from ``low`` to ``high`` at which Σ amounts × exp(−u × years) is 0, in order.

    ``years`` rise strictly and no amount is 0.
    """
    sums = [_Sum(np.log(np.abs(amounts)), np.sign(amounts), years)]
    while sums[-1].sign_changes > 1:
        sums.append(sums[-1].derivative())
    found: list[float] = []
    for one in reversed(sums):
        found = one.zeros_between([low, *found, high])
    return found


class _Sum:
    """Σ sign × exp(log − u × years), with logs for amounts that a float could not hold."""

    def __init__(self, logs: Floats, signs: Floats, years: Floats) -> None:
        self.logs, self.signs, self.years = logs, signs, years

    @property
    def sign_changes(self) -> int:
        return int(np.count_nonzero(self.signs[1:] != self.signs[:-1]))

    def derivative(self) -> _Sum:
        """Up to its sign and a factor without zeros."""
        years = self.years[1:]
        return _Sum(self.logs[1:] + np.log(years - self.years[0]), self.signs[1:], years)

    def __call__(self, u: float) -> float:
        """The sum over its largest term: only its zeros and signs are asked for."""
        exponents = self.logs - u * self.years
        return float(self.signs @ np.exp(exponents - exponents.max()))

    def zeros_between(self, points: Sequence[float]) -> list[float]:
        """The zeros in each of the intervals, at most one in each, and at the points between."""
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
