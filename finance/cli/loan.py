"""``python -m finance loan``: level payments, and the ratios that lenders watch."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from engine import quantities
from engine.cli.terminal import text
from engine.documents import InputError
from finance.cli.values import Figure, Json, amount, print_columns, print_figures, share, whole
from finance.numbers import checks
from finance.treasury import loan_ratios

MAX_SCHEDULE_PERIODS = 1_200


def add_to(app: typer.Typer) -> None:
    """Add the command ``loan``."""
    app.command("loan", help=text("finance_help.loan"))(loan)


def loan(
    rate: Annotated[str, typer.Option(help=text("finance_help.loan_rate"))],
    borrowed: Annotated[str, typer.Option("--amount", help=text("finance_help.borrowed"))] = "",
    periods: Annotated[str, typer.Option(help=text("finance_help.periods"))] = "",
    payment: Annotated[str, typer.Option(help=text("finance_help.payment"))] = "",
    balloon: Annotated[str, typer.Option(help=text("finance_help.balloon"))] = "0",
    at_start: Annotated[bool, typer.Option(help=text("finance_help.at_start"))] = False,
    first: Annotated[str, typer.Option(help=text("finance_help.first"))] = "",
    last: Annotated[str, typer.Option(help=text("finance_help.last"))] = "",
    cash: Annotated[str, typer.Option(help=text("finance_help.cash"))] = "",
    pledged: Annotated[str, typer.Option(help=text("finance_help.pledged"))] = "",
    coverage: Annotated[str, typer.Option(help=text("finance_help.coverage"))] = "",
    exercise_price: Annotated[str, typer.Option(help=text("finance_help.exercise_price"))] = "",
    schedule: Annotated[bool, typer.Option(help=text("finance_help.schedule"))] = False,
    as_json: Json = False,
) -> None:
    """Solve a loan from two of amount, periods and payment."""
    per_period = share("--rate", rate)
    left = amount("--balloon", balloon)
    checks.amount("--balloon", left)
    sum_usd, n_periods, paid_usd = _solved(
        per_period, borrowed, periods, payment, left, at_start=at_start
    )
    figures = [
        Figure("amount_usd", sum_usd, quantities.usd),
        Figure("periods", n_periods),
        Figure("payment_usd", paid_usd, quantities.usd),
    ]
    if first or last:
        figures += _span(per_period, sum_usd, n_periods, first, last, left, at_start=at_start)
    if cash:
        interest = -loan_ratios.interest_part(
            per_period, 1, n_periods, sum_usd, -left, at_start=at_start
        )
        cover = loan_ratios.service_cover(amount("--cash", cash), interest, paid_usd - interest)
        figures.append(Figure("service_cover", cover))
    if pledged:
        value = loan_ratios.loan_to_value([sum_usd], amount("--pledged", pledged))
        figures.append(Figure("loan_to_value", value, quantities.share))
    if coverage:
        if not exercise_price:
            raise InputError("--exercise-price", "—", "missing")
        shares = loan_ratios.coverage_shares(
            sum_usd, share("--coverage", coverage), amount("--exercise-price", exercise_price)
        )
        figures.append(Figure("warrant_shares", shares, quantities.count))
    rows = _schedule(per_period, sum_usd, n_periods, paid_usd, left, at_start) if schedule else []
    more: dict[str, Any] = {"schedule": rows} if schedule else {}
    print_figures(figures, as_json=as_json, **more)
    if schedule and not as_json:
        keys = ("period", "interest_usd", "principal_usd", "balance_usd")
        print_columns(keys, [[str(row["period"]), *(row[key] for key in keys[1:])] for row in rows])


def _solved(
    rate: float, borrowed: str, periods: str, payment: str, balloon: float, *, at_start: bool
) -> tuple[float, float, float]:
    """Return amount, periods and payment, all positive."""
    given = [name for name, typed in _named(borrowed, periods, payment) if typed]
    if len(given) != 2:
        raise InputError("--amount, --periods, --payment", ", ".join(given) or "—", "two_of_three")
    if not payment:
        sum_usd, n_periods = _positive("--amount", borrowed), _positive("--periods", periods)
        paid = loan_ratios.payment(rate, n_periods, sum_usd, -balloon, at_start=at_start)
        return sum_usd, n_periods, -paid
    paid_usd = _positive("--payment", payment)
    if not borrowed:
        n_periods = _positive("--periods", periods)
        worth = loan_ratios.present_value(rate, n_periods, -paid_usd, -balloon, at_start=at_start)
        return worth, n_periods, paid_usd
    sum_usd = _positive("--amount", borrowed)
    needed = loan_ratios.periods_needed(rate, -paid_usd, sum_usd, -balloon, at_start=at_start)
    if needed is None:
        raise InputError("--payment", payment, "repays_loan")
    return sum_usd, needed, paid_usd


def _named(borrowed: str, periods: str, payment: str) -> tuple[tuple[str, str], ...]:
    return (("--amount", borrowed), ("--periods", periods), ("--payment", payment))


def _positive(field: str, typed: str) -> float:
    value = amount(field, typed)
    checks.above(field, value, 0)
    checks.amount(field, value)
    return value


def _span(
    rate: float, sum_usd: float, periods: float, first: str, last: str, balloon: float, *,
    at_start: bool,
) -> list[Figure]:  # fmt: skip
    """Return interest and principal in the payments ``first`` to ``last``, both counted."""
    if balloon or not periods.is_integer():
        raise InputError("--first", first or last, "level_loan")
    begin = whole("--first", first) if first else 1
    end = whole("--last", last) if last else int(periods)
    span = (rate, int(periods), sum_usd, begin, end)
    interest = -loan_ratios.cumulative_interest(*span, at_start=at_start)
    principal = -loan_ratios.cumulative_principal(*span, at_start=at_start)
    return [
        Figure("interest_in_span_usd", interest, quantities.usd),
        Figure("principal_in_span_usd", principal, quantities.usd),
    ]


def _schedule(
    rate: float, sum_usd: float, periods: float, paid_usd: float, balloon: float, at_start: bool
) -> list[dict[str, float]]:
    """Return interest, principal and the balance after each whole period."""
    checks.within("--periods", periods, 1, MAX_SCHEDULE_PERIODS)
    rows = []
    for period in range(1, int(periods) + 1):
        terms = (rate, period, periods, sum_usd, -balloon)
        balance = -loan_ratios.future_value(rate, period, -paid_usd, sum_usd, at_start=at_start)
        rows.append(
            {
                "period": period,
                "interest_usd": -loan_ratios.interest_part(*terms, at_start=at_start) or 0.0,
                "principal_usd": -loan_ratios.principal_part(*terms, at_start=at_start),
                "balance_usd": balance or 0.0,
            }
        )
    return rows
