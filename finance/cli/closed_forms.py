"""``python -m finance closed-form``: exact answers that simulations are checked against."""

from __future__ import annotations

from typing import Annotated

import typer

from engine import quantities
from engine.cli.terminal import new_app, text
from engine.documents import InputError
from finance.cli.values import Figure, Json, amount, number, print_figures, share


def add_to(app: typer.Typer) -> None:
    """Add the group of commands ``closed-form``."""
    group = new_app(text("finance_help.closed_form"))
    group.command("ruin", help=text("finance_help.ruin"))(ruin)
    group.command("copula", help=text("finance_help.copula"))(copula)
    group.command("gbm", help=text("finance_help.gbm"))(gbm)
    app.add_typer(group, name="closed-form")


def ruin(
    cash: Annotated[str, typer.Option(help=text("finance_help.ruin_cash"))],
    drift: Annotated[str, typer.Option(help=text("finance_help.ruin_drift"))],
    volatility: Annotated[str, typer.Option(help=text("finance_help.ruin_volatility"))],
    months: Annotated[str, typer.Option(help=text("finance_help.ruin_months"))],
    as_json: Json = False,
) -> None:
    """Print the chance that cash, as a Brownian motion, reaches zero within some months."""
    # Imported here, as below: SciPy takes longer to load than most commands of finance to run.
    from finance.risk.closed_forms import ruin_probability

    chance = ruin_probability(
        amount("--cash", cash),
        amount("--drift", drift),
        amount("--volatility", volatility),
        number("--months", months),
    )
    print_figures([Figure("ruin_probability", chance, quantities.share)], as_json=as_json)


def copula(
    correlation: Annotated[str, typer.Option(help=text("finance_help.correlation"))] = "",
    spearman: Annotated[str, typer.Option(help=text("finance_help.spearman"))] = "",
    as_json: Json = False,
) -> None:
    """Print the rank correlations of a Gaussian copula from its ρ, or ρ from Spearman's."""
    from finance.risk.closed_forms import correlation_of, kendall_of, spearman_of

    if bool(correlation) == bool(spearman):
        given = f"{correlation}, {spearman}" if correlation else "—"
        raise InputError("--correlation, --spearman", given, "one_of_two")
    rho = (
        number("--correlation", correlation)
        if correlation
        else correlation_of(number("--spearman", spearman))
    )
    print_figures(
        [
            Figure("correlation", rho),
            Figure("spearman", spearman_of(rho)),
            Figure("kendall", kendall_of(rho)),
        ],
        as_json=as_json,
    )


def gbm(
    start: Annotated[str, typer.Option(help=text("finance_help.gbm_start"))],
    volatility: Annotated[str, typer.Option(help=text("finance_help.gbm_volatility"))],
    years: Annotated[str, typer.Option(help=text("finance_help.gbm_years"))],
    drift: Annotated[str, typer.Option(help=text("finance_help.gbm_drift"))] = "0",
    chance: Annotated[str, typer.Option(help=text("finance_help.gbm_chance"))] = "5%",
    as_json: Json = False,
) -> None:
    """Print mean, median and quantiles of a geometric Brownian motion."""
    from finance.risk.closed_forms import gbm_mean, gbm_quantile

    first, mu = number("--start", start), share("--drift", drift)
    sigma, span = share("--volatility", volatility), number("--years", years)
    tail = share("--chance", chance)
    print_figures(
        [
            Figure("mean", gbm_mean(first, mu, span)),
            Figure("median", gbm_quantile(first, mu, sigma, span, 0.5)),
            Figure("low", gbm_quantile(first, mu, sigma, span, tail)),
            Figure("high", gbm_quantile(first, mu, sigma, span, 1 - tail)),
        ],
        as_json=as_json,
        chance=tail,
    )
