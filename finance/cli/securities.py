"""``python -m finance safe``, ``pro-rata`` and ``ocf``: arithmetic of single securities."""

from __future__ import annotations

import datetime
from fractions import Fraction
from pathlib import Path
from typing import Annotated

import typer

from engine import quantities
from engine.cli.terminal import text
from engine.documents import InputError
from finance.capital.conversion import (
    break_even_pre_money,
    conversion_price,
    simplified_cap_price,
)
from finance.capital.ocf.package import stock_outstanding
from finance.capital.prorata import pro_rata_budget, pro_rata_on_top, sold_by_all
from finance.cli.values import Figure, Json, amount, exact_share, print_columns, print_figures
from finance.numbers import checks


def add_to(app: typer.Typer) -> None:
    """Add the commands ``safe``, ``pro-rata`` and ``ocf``."""
    app.command("safe", help=text("finance_help.safe"))(safe)
    app.command("pro-rata", help=text("finance_help.pro_rata"))(pro_rata)
    app.command("ocf", help=text("finance_help.ocf"))(ocf)


def safe(
    raised: Annotated[str, typer.Option("--amount", help=text("finance_help.safe_amount"))],
    cap: Annotated[str, typer.Option(help=text("finance_help.safe_cap"))],
    discount: Annotated[str, typer.Option(help=text("finance_help.safe_discount"))] = "0",
    pre_money: Annotated[str, typer.Option(help=text("finance_help.safe_pre_money"))] = "",
    as_json: Json = False,
) -> None:
    """Print the share that post-money SAFEs sell, and where cap and discount are equal."""
    amounts, caps = (_amounts("--amount", raised), _amounts("--cap", cap))
    if len(caps) == 1:
        caps *= len(amounts)
    if len(caps) != len(amounts):
        raise InputError("--cap", cap, "as_many", n=len(amounts))
    off = exact_share("--discount", discount)
    if off == 1:
        raise InputError("--discount", discount, "less_than", limit=1)
    figures = [Figure("sold_share", float(sold_by_all(amounts, caps)), quantities.share)]
    more = {}
    lowest = min(caps)
    if off:
        equal = float(break_even_pre_money(lowest, off))
        figures.append(Figure("break_even_pre_money_usd", equal, quantities.usd))
    if pre_money:
        (valued,) = _amounts("--pre-money", pre_money)
        round_price = Fraction(1)
        decided = conversion_price(
            round_price, off, simplified_cap_price(lowest, valued, round_price)
        )
        figures.append(Figure("price_to_round_price", float(decided.price), quantities.share))
        more = {"decided_by": decided.deciding.value}
    print_figures(figures, as_json=as_json, **more)
    if more and not as_json:
        print(text(f"finance_figure.by_{more['decided_by']}"))


def _amounts(field: str, typed: str) -> list[Fraction]:
    """Read positive amounts that are separated by commas, such as ``500K,1M``."""
    found = [Fraction(repr(amount(field, part))) for part in typed.split(",")]
    for value in found:
        checks.above(field, value, 0)
        checks.amount(field, value)
    return found


def pro_rata(
    new: Annotated[str, typer.Option(help=text("finance_help.new_investors"))],
    with_right: Annotated[str, typer.Option(help=text("finance_help.with_right"))],
    safes: Annotated[str, typer.Option(help=text("finance_help.safes_share"))] = "",
    pool: Annotated[str, typer.Option(help=text("finance_help.pool_share"))] = "0",
    total_round: Annotated[str, typer.Option(help=text("finance_help.total_round"))] = "",
    as_json: Json = False,
) -> None:
    """Print the dilution of a round with pro rata rights on top of the new investors."""
    investors, right = exact_share("--new", new), exact_share("--with-right", with_right)
    if right == 1:
        raise InputError("--with-right", with_right, "less_than", limit=1)
    held = exact_share("--safes", safes) if safes else right
    found = pro_rata_on_top(investors, right, held, exact_share("--pool", pool))
    checks.within("--new", found.dilution, 0, 1)
    figures = [
        Figure("pro_rata_share", float(found.allocation), quantities.share),
        Figure("round_dilution", float(found.dilution), quantities.share),
        Figure("safes_after_share", float(found.safes_after), quantities.share),
    ]
    if total_round:
        whole_round = exact_share("--total-round", total_round)
        checks.within("--total-round", whole_round, investors or Fraction(1, 10**6), 1)
        budget = float(pro_rata_budget(investors, whole_round))
        figures.append(Figure("most_with_right_share", budget, quantities.share))
    print_figures(figures, as_json=as_json)


def ocf(
    package: Annotated[Path, typer.Argument(metavar="PACKAGE", help=text("finance_help.package"))],
    on: Annotated[str, typer.Option(help=text("finance_help.on"))],
    as_json: Json = False,
) -> None:
    """Print the shares outstanding of each class of an Open Cap Table package on a day."""
    try:
        day = datetime.date.fromisoformat(on)
    except ValueError:
        raise InputError("--on", on, "date") from None
    outstanding = {name: float(shares) for name, shares in stock_outstanding(package, day).items()}
    if as_json:
        print_figures([], as_json=True, date=day.isoformat(), outstanding=outstanding)
    else:
        print_columns(("stock_class", "shares"), list(outstanding.items()))
