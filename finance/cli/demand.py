"""``python -m finance demand``: adoption curves, retention, and the value of a customer."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Annotated, Any

import typer

from engine import quantities
from engine.cli.terminal import new_app, text
from engine.documents import InputError
from finance.cli.values import (
    Figure,
    Json,
    Table,
    amount,
    print_columns,
    print_figures,
    read_table,
    share,
    whole,
)
from finance.demand import customers
from finance.numbers import checks
from finance.numbers.ratios import ratio

MAX_AHEAD = 1_200
"""Maximum number of periods that a fit is continued for."""


class Model(StrEnum):
    """Adoption curves that can be fitted."""

    BASS = "bass"
    LOGISTIC = "logistic"


class Method(StrEnum):
    """Ways to fit Bass's model."""

    INCREMENTS = "increments"
    DENSITY = "density"
    REGRESSION = "regression"


def add_to(app: typer.Typer) -> None:
    """Add the group of commands ``demand``."""
    group = new_app(text("finance_help.demand"))
    group.command("fit", help=text("finance_help.demand_fit"))(fit_adoption)
    group.command("retention", help=text("finance_help.demand_retention"))(fit_retention)
    group.command("value", help=text("finance_help.demand_value"))(customer_value)
    app.add_typer(group, name="demand")


def fit_adoption(
    adoption: Annotated[
        Path, typer.Argument(metavar="ADOPTION.csv", help=text("finance_help.adoption"))
    ],
    model: Annotated[str, typer.Option(help=text("finance_help.model"))] = "bass",
    method: Annotated[str, typer.Option(help=text("finance_help.method"))] = "increments",
    ahead: Annotated[str, typer.Option(help=text("finance_help.ahead"))] = "0",
    as_json: Json = False,
) -> None:
    """Fit an adoption curve to the adopters of periods 1, 2, …."""
    chosen = Model(_choice("--model", model, Model))
    chosen_method = Method(_choice("--method", method, Method))
    n_ahead = whole("--ahead", ahead)
    checks.within("--ahead", n_ahead, 0, MAX_AHEAD)
    adopters = _adopters(read_table(adoption, any_of=("adopters", "adopted")))
    n_all = len(adopters) + n_ahead
    if chosen is Model.BASS:
        figures, fitted = _fit_bass(adopters, chosen_method, n_all)
    else:
        figures, fitted = _fit_logistic(adopters, n_all)
    print_figures(
        figures,
        as_json=as_json,
        model=chosen.value,
        method=chosen_method.value if chosen is Model.BASS else None,
        adopters=adopters,
        fitted=fitted,
    )
    if not as_json:
        observed: list[float | str] = [*adopters, *["–"] * n_ahead]
        rows = list(zip(map(str, range(1, n_all + 1)), observed, fitted, strict=True))
        print_columns(("period", "adopters", "fitted"), rows)


def _choice(field: str, typed: str, choices: type[StrEnum]) -> str:
    if typed not in set(choices):
        raise InputError(field, typed, "enum", limit=", ".join(choices))
    return typed


def _adopters(table: Table) -> list[float]:
    """Return the adopters of each period, from their own column or from running totals."""
    if "adopters" in table.header:
        return table.numbers("adopters")
    adopted = table.numbers("adopted")
    for (line, _), (before, after) in zip(table.rows[1:], pairwise(adopted), strict=True):
        checks.at_least(table.place(line, "adopted"), after, before)
    return [after - before for before, after in pairwise([0.0, *adopted])]


def _fit_bass(
    adopters: Sequence[float], method: Method, n_periods: int
) -> tuple[list[Figure], list[float]]:
    # Imported here, as below: SciPy takes longer to load than most commands of finance to run.
    from finance.demand.bass import Form, fit_least_squares, fit_regression

    periods = [float(period) for period in range(n_periods + 1)]
    if method is Method.REGRESSION:
        fit = fit_regression(adopters)
        peak, fitted = fit.model.recursion_peak, fit.model.recursion(n_periods).tolist()
    else:
        fit = fit_least_squares(adopters, form=Form(method.value))
        peak = fit.model.peak
        if method is Method.DENSITY:
            fitted = fit.model.adoption_rate(periods[1:]).tolist()
        else:
            adopted = (fit.model.m * fit.model.adopted_share(periods)).tolist()
            fitted = [after - before for before, after in pairwise(adopted)]
    figures = [
        Figure("p", fit.model.p),
        Figure("q", fit.model.q),
        Figure("m", fit.model.m, quantities.count),
        Figure("residual_se", fit.residual_se),
        Figure("peak_period", peak.time),
        Figure("peak_adopters", peak.rate, quantities.count),
        Figure("adopted_share_before_peak", peak.adopted_share, quantities.share),
    ]
    return figures, fitted


def _fit_logistic(adopters: Sequence[float], n_periods: int) -> tuple[list[Figure], list[float]]:
    from finance.demand.logistic import fit

    model = fit(list(accumulate(adopters)))
    adopted = model.adopted([float(period) for period in range(n_periods + 1)]).tolist()
    figures = [
        Figure("rate", model.rate),
        Figure("middle", model.middle),
        Figure("m", model.m, quantities.count),
        Figure("takeover_periods", model.takeover_time if model.rate else None),
    ]
    return figures, [after - before for before, after in pairwise(adopted)]


def fit_retention(
    cohorts: Annotated[
        Path, typer.Argument(metavar="COHORTS.csv", help=text("finance_help.cohorts"))
    ],
    changing: Annotated[bool, typer.Option(help=text("finance_help.changing"))] = False,
    discount_rate: Annotated[str, typer.Option(help=text("finance_help.discount_rate"))] = "1%",
    due_renewal: Annotated[str, typer.Option(help=text("finance_help.due_renewal"))] = "0",
    as_json: Json = False,
) -> None:
    """Fit the retention of each cohort of a table."""
    from finance.demand.retention import fit

    rate, due = share("--discount-rate", discount_rate), whole("--due-renewal", due_renewal)
    answers: list[dict[str, Any]] = []
    for cohort, left in _cohorts(read_table(cohorts, any_of=("customers",))).items():
        found = fit(left, changing=changing)
        model, renewals = found.model, range(len(left))
        periods = None if changing else model.expected_periods()
        answers.append(
            {
                "cohort": cohort,
                "alpha": model.alpha,
                "beta": model.beta,
                "c": model.c,
                "neg_log_likelihood": found.neg_log_likelihood,
                "expected_periods": periods if periods != float("inf") else None,
                "discounted_periods": model.discounted_periods(rate, due_renewal=due),
                "survival": model.survival(renewals).tolist(),
                "renewal_rate": model.renewal_rate(renewals[1:]).tolist(),
            }
        )
    if as_json:
        print_figures([], as_json=True, discount_rate=rate, due_renewal=due, cohorts=answers)
        return
    keys = ("cohort", "alpha", "beta", "c", "expected_periods", "discounted_periods")
    print_columns(
        keys, [["–" if answer[key] is None else answer[key] for key in keys] for answer in answers]
    )


def _cohorts(table: Table) -> dict[str, list[float]]:
    """Return the customers left in each cohort, in the order of the rows."""
    found: dict[str, list[float]] = {}
    for (_, row), left in zip(table.rows, table.numbers("customers"), strict=True):
        found.setdefault(row.get("cohort", ""), []).append(left)
    return found


def customer_value(
    revenue: Annotated[str, typer.Option(help=text("finance_help.revenue"))],
    margin: Annotated[str, typer.Option(help=text("finance_help.margin"))],
    churn: Annotated[str, typer.Option(help=text("finance_help.churn"))],
    expansion: Annotated[str, typer.Option(help=text("finance_help.expansion"))] = "",
    discount_rate: Annotated[str, typer.Option(help=text("finance_help.discount_rate"))] = "1%",
    acquisition: Annotated[str, typer.Option(help=text("finance_help.acquisition"))] = "",
    as_json: Json = False,
) -> None:
    """Print the lifetime value of a customer, and the time to earn back the cost of winning it."""
    earned, kept, gone = (
        amount("--revenue", revenue), share("--margin", margin), share("--churn", churn),
    )  # fmt: skip
    checks.within("--margin", kept, -1, 1)
    checks.within("--churn", gone, 0, 1)
    checks.amount("--revenue", earned)
    grows = amount("--expansion", expansion) if expansion else None
    rate = share("--discount-rate", discount_rate)
    value = customers.lifetime_value(earned, kept, gone, expansion_usd=grows)
    figures = [
        Figure("lifetime_periods", customers.lifetime(gone)),
        Figure("lifetime_value_usd", value, quantities.usd),
        Figure(
            "discounted_lifetime_value_usd",
            customers.discounted_lifetime_value(earned, kept, gone, rate),
            quantities.usd,
        ),
    ]
    if acquisition:
        cost = amount("--acquisition", acquisition)
        figures += [
            Figure("payback_periods", customers.payback_periods(cost, earned, kept)),
            Figure("lifetime_value_to_cost", None if value is None else ratio(value, cost)),
        ]
    print_figures(figures, as_json=as_json)
