"""Retention of customers whose chances of leaving differ.

Each customer has a chance of leaving at a renewal. The chances have a beta distribution with
parameters α and β over customers, so that customers who are likely to leave do so first. A
constant chance gives the shifted beta-geometric model (sBG; P. S. Fader and B. G. S. Hardie, "How
to project customer retention", Journal of Interactive Marketing 21, 2007). A chance that changes
with tenure, by an exponent c, gives the beta-discrete-Weibull model (BdW; Fader, Hardie, Liu,
Davin and Steenburgh, "How to project customer retention revisited", 2018). c = 1 is the sBG; with
c < 1 the chance of leaving falls with tenure.

Time counts renewals; before the first one S(0) = 1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from engine.documents import InputError
from finance.numbers import checks

Floats = npt.NDArray[np.float64]

MAX_PARAMETER = 1e6
LOWEST_DISCOUNT = 1e-4
_NEGLIGIBLE = 40.0
"""Periods discounted by more than e^−40 are left out of sums."""


def survival(
    alpha: npt.ArrayLike, beta: npt.ArrayLike, c: npt.ArrayLike, renewals: npt.ArrayLike
) -> Floats:
    """Return S(t) = B(α, β + t^c) ÷ B(α, β), the share left after t renewals.

    All arguments may be arrays.
    """
    from scipy.special import betaln  # takes longer to load than most commands to run

    alpha, beta = np.asarray(alpha, np.float64), np.asarray(beta, np.float64)
    tenure = np.asarray(renewals, np.float64) ** np.asarray(c, np.float64)
    return np.asarray(np.exp(betaln(alpha, beta + tenure) - betaln(alpha, beta)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """The sBG model, or the BdW model if ``c`` is not 1.

    Raises
    ------
    InputError
        If a parameter is not above 0.
    """

    alpha: float
    beta: float
    c: float = 1.0

    def __post_init__(self) -> None:
        for field in ("alpha", "beta", "c"):
            value = getattr(self, field)
            checks.above(field, value, 0)
            checks.within(field, value, 0, MAX_PARAMETER)

    def survival(self, renewals: npt.ArrayLike) -> Floats:
        """Return S(t), the share of customers left after t renewals."""
        return survival(self.alpha, self.beta, self.c, renewals)

    def renewal_rate(self, renewal: npt.ArrayLike) -> Floats:
        """Return the share of remaining customers that renew, S(t) ÷ S(t − 1) for t = 1, 2, ….

        For the sBG it is (β + t − 1) ÷ (α + β + t − 1), which rises with t.
        """
        at = np.asarray(renewal, np.float64)
        return np.asarray(self.survival(at) / self.survival(at - 1))

    def expected_periods(self) -> float:
        """Return the mean number of periods that a new customer pays for: Σ S(t) from t = 0.

        For the sBG it is (α + β − 1) ÷ (α − 1), and infinite if α ≤ 1; discounted periods are
        finite then.

        Raises
        ------
        InputError
            For the BdW, whose sum has no closed form.
        """
        if self.c != 1:
            raise InputError("c", str(self.c), "equal", to=1)
        return (self.alpha + self.beta - 1) / (self.alpha - 1) if self.alpha > 1 else math.inf

    def discounted_periods(self, discount_rate: float, *, due_renewal: int = 0) -> float:
        """Return the periods still to be paid for, discounted by ``discount_rate`` per period.

        With ``due_renewal`` 0 the customer is new and pays now. With ``due_renewal`` n from 1
        the n-th renewal is due: the result is the discounted expected residual lifetime,
        Σ S(t) ÷ S(n − 1) ÷ (1 + d)^(t − n) from t = n (Fader and Hardie, "Customer-base
        valuation in a contractual setting", Marketing Science 29, 2010).
        """
        checks.within("discount_rate", discount_rate, LOWEST_DISCOUNT, 100)
        checks.within("due_renewal", due_renewal, 0, 100_000)
        ahead = np.arange(math.ceil(_NEGLIGIBLE / math.log1p(discount_rate)))
        stays = self.survival(due_renewal + ahead) / self.survival(max(0, due_renewal - 1))
        return float(stays @ (1 + discount_rate) ** -ahead.astype(np.float64))


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionFit:
    """A fitted model and its likelihood."""

    model: Retention
    neg_log_likelihood: float
    """−ln L of a cohort whose size is the first number given."""


def fit(customers: Sequence[float], *, changing: bool = False) -> RetentionFit:
    """Fit the parameters by maximum likelihood to the customers of a cohort.

    −ln L = −Σ (N(t−1) − N(t))·ln(S(t−1) − S(t)) − N(T)·ln S(T), Fader and Hardie 2007,
    appendix B.

    Parameters
    ----------
    customers
        N(0), N(1), …: customers left after 0, 1, … renewals, as counts or percentages.
    changing
        Whether the chance of leaving may change with tenure (BdW).

    Raises
    ------
    InputError
        If there are too few points, if they rise, if no customer leaves, or if no parameters fit.
    """
    left = np.asarray(customers, np.float64)
    _check_cohort(left, least=4 if changing else 3)
    share = left / left[0]
    n = 3 if changing else 2
    found = [_fit_from(np.log([*start, 1.0][:n]), share) for start in _STARTS]
    fits = [fit for fit in found if fit is not None]
    if not fits:
        raise InputError("customers", f"{len(left)} points", "no_fit")
    loss, model = min(fits, key=lambda fit: fit[0])
    return RetentionFit(model=model, neg_log_likelihood=loss * float(left[0]))


_LOG_BOUND = math.log(MAX_PARAMETER) - 1e-9
"""Largest absolute logarithm of a parameter in a fit."""

_STARTS = ((1.0, 1.0), (0.5, 2.0), (5.0, 20.0))
"""Values of α and β from which fits start."""


def _fit_from(start: Floats, share: Floats) -> tuple[float, Retention] | None:
    """Return loss and model from one start; None without a finite loss."""
    try:
        with np.errstate(all="ignore"):  # a search may pass parameters without a finite loss
            logs = _minimum(share, start)
            loss = _loss(logs, share)[0]
    except ValueError:  # the logarithm of a survival that is 0
        return None
    return (loss, _model(logs)) if math.isfinite(loss) else None


def _minimum(share: Floats, start: Floats) -> Floats:
    """Return the logarithms of the parameters at a minimum of the loss.

    A simplex search from ``start`` is followed by a search for a slope of 0. If all customers
    have the same chance of leaving there is no such point: α and β grow together, and the
    simplex result has the same survival.
    """
    from scipy.optimize import minimize, root  # takes longer to load than most commands to run

    bounds = [(-_LOG_BOUND, _LOG_BOUND)] * len(start)
    rough = minimize(
        lambda logs: _loss(logs, share)[0], start, method="Nelder-Mead", bounds=bounds,
        options={"xatol": 1e-4, "fatol": 1e-12},
    )  # fmt: skip
    exact = root(lambda logs: _loss(logs, share)[1], rough.x, tol=1e-13)
    better = exact.success and np.abs(exact.x - rough.x).max() < 0.1
    return np.asarray(exact.x if better else rough.x)


def _model(logs: Floats) -> Retention:
    values = np.exp(np.clip(logs, -_LOG_BOUND, _LOG_BOUND)).tolist()
    return Retention(**dict(zip(("alpha", "beta", "c"), values, strict=False)))


def _loss(logs: Floats, share: Floats) -> tuple[float, Floats]:
    """Return −ln L for one customer, and its slope in the logarithms of the parameters."""
    from scipy.special import digamma  # takes longer to load than most commands to run

    model = _model(logs)
    a, b = model.alpha, model.beta
    t = np.arange(len(share), dtype=np.float64)
    tenure = t**model.c
    survival = model.survival(t)
    leaves = survival[:-1] - survival[1:]
    lost = share[:-1] - share[1:]
    loss = -(lost @ np.log(leaves)) - share[-1] * math.log(survival[-1])
    # Derivatives of ln S in ln α, ln β and ln c follow from
    # d ln B(x, y) = (ψ(x) − ψ(x + y)) dx + (ψ(y) − ψ(x + y)) dy.
    longer, stays = digamma(a + b + tenure), digamma(b + tenure)
    by_tenure = tenure * np.log(np.maximum(t, 1)) * (stays - longer)
    slopes = np.stack(
        [
            a * (digamma(a + b) - longer),
            b * (stays - longer - digamma(b) + digamma(a + b)),
            model.c * by_tenure,
        ]
    )[: len(logs)]
    steps = slopes * survival
    by_leaving = (steps[:, :-1] - steps[:, 1:]) / leaves
    return float(loss), -(by_leaving @ lost) - share[-1] * slopes[:, -1]


def _check_cohort(left: Floats, least: int) -> None:
    if len(left) < least:
        raise InputError("customers", f"{len(left)} points", "too_short", limit=least)
    for count in left:
        checks.amount("customers", float(count))
    for before, after in pairwise(left.tolist()):
        checks.within("customers", after, 0, before)
    if left[-1] == left[0]:
        raise InputError("customers", f"{left[0]:g}", "someone_leaves")
