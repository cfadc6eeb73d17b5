"""The cap table and a sale as tables for the terminal, as CSV and as JSON."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

from engine import quantities
from engine.reports.forecast_tables import Rows
from engine.text import Catalog, catalog
from finance.capital.history import Step
from finance.funding.exit_table import HolderPayout
from finance.funding.ownership import POOL, Stake, changes, dilution, stakes
from finance.funding.wording import (
    choices_text,
    event_title,
    holder_text,
    money_text,
    multiple_text,
    rate_text,
    terms_text,
)

_SHARE_PLACES = Decimal(1).scaleb(-10)
TABLE_HEADERS = (
    *("date", "event", "kind", "planned", "holder"),
    *("shares_before", "share_before", "shares_after", "share_after", "decided_by"),
)
EXIT_HEADERS = (
    *("holder", "payout", "paid_in", "received", "moic", "xirr", "all_rates", "choices"),
    "decided_by",
)


def change_rows(text: Catalog, step: Step) -> Rows:
    """Return all holders before and after an event, with the term that decided their shares."""
    names = ("holder", "before", "after", "shares", "decided")
    head = [text(f"funding.column.{name}") for name in names]
    rows = [
        [
            holder_text(text, change.holder),
            _part(change.before, text.language),
            _part(change.after, text.language),
            "" if change.after is None else _whole(change.after.shares, text.language),
            ""
            if change.after is None
            else terms_text(text, change.after.terms, step.after.currency),
        ]
        for change in changes(step)
    ]
    return head, rows


def exit_rows(text: Catalog, payouts: Iterable[HolderPayout], currency: str) -> Rows:
    """Return the payout, returns, choices and deciding terms of each holder at an exit."""
    names = ("holder", "payout", "moic", "xirr", "choice", "decided")
    head = [text(f"funding.column.{name}") for name in names]
    rows = [
        [
            payout.holder,
            money_text(payout.usd, currency, text.language),
            multiple_text(payout.result, text.language),
            rate_text(text, payout.result),
            choices_text(text, payout.choices),
            terms_text(text, payout.terms, currency),
        ]
        for payout in payouts
    ]
    return head, rows


def captable_csv(steps: Sequence[Step]) -> str:
    """Return all holders before and after every event as CSV, in English in every language."""
    text = catalog("en")
    return _csv(
        TABLE_HEADERS,
        (
            [
                step.event.date.isoformat(),
                event_title(text, step.event),
                step.event.kind,
                str(step.event.planned).lower(),
                change.holder or "pool",
                *(_number(value) for value in _shares(change.before)),
                *(_number(value) for value in _shares(change.after)),
                ""
                if change.after is None
                else terms_text(text, change.after.terms, step.after.currency),
            ]
            for step in steps
            for change in changes(step)
        ),
    )


def exit_csv(payouts: Iterable[HolderPayout], currency: str) -> str:
    """Return the payout of each holder at one exit value as CSV, in English in every language."""
    text = catalog("en")
    return _csv(
        EXIT_HEADERS,
        (
            [
                payout.holder,
                f"{float(payout.usd):.2f}",
                f"{payout.result.paid:.2f}",
                f"{payout.result.received:.2f}",
                "" if payout.result.moic is None else repr(payout.result.moic),
                "" if payout.result.rates.usual is None else repr(payout.result.rates.usual),
                " ".join(map(repr, payout.result.rates.all)),
                " ".join(payout.choices),
                terms_text(text, payout.terms, currency),
            ]
            for payout in payouts
        ),
    )


def captable_json(steps: Sequence[Step]) -> list[dict[str, Any]]:
    """Return each event with the table after it, for JSON; numbers are decimals in text."""
    text = catalog("en")
    return [
        {
            "date": step.event.date.isoformat(),
            "kind": step.event.kind,
            "name": event_title(text, step.event),
            "planned": step.event.planned,
            "price": None if step.priced is None else _number(step.priced.price),
            "dilution": _dilution(step),
            "fully_diluted_shares": _number(step.after.fully_diluted),
            "holders": [
                {
                    "holder": None if stake.holder == POOL else stake.holder,
                    "shares": _number(stake.shares),
                    "share": _number(stake.share),
                    "decided_by": [
                        terms_text(text, [term], step.after.currency) for term in stake.terms
                    ],
                }
                for stake in stakes(step.after)
            ],
        }
        for step in steps
    ]


def exit_json(payouts: Iterable[HolderPayout]) -> list[dict[str, Any]]:
    """Return the payout of each holder at an exit, for JSON.

    ``xirr`` lists every rate that solves the equation; it is empty if there is none.
    """
    return [
        {
            "holder": payout.holder,
            "payout": f"{float(payout.usd):.2f}",
            "paid_in": f"{payout.result.paid:.2f}",
            "moic": payout.result.moic,
            "xirr": list(payout.result.rates.all),
            "choices": list(payout.choices),
        }
        for payout in payouts
    ]


def _dilution(step: Step) -> dict[str, str] | None:
    found = dilution(step)
    if found is None:
        return None
    parts = ("new_money", "converted", "pool", "adjustments", "total")
    return {name: _number(getattr(found, name)) for name in parts}


def _shares(stake: Stake | None) -> tuple[Fraction, Fraction]:
    return (Fraction(0), Fraction(0)) if stake is None else (stake.shares, stake.share)


def _part(stake: Stake | None, language: str) -> str:
    return "–" if stake is None else quantities.share(float(stake.share), language)


def _whole(shares: Fraction, language: str) -> str:
    return quantities.number(round(shares), language, digits=16)


def _number(exact: Fraction) -> str:
    """Return a number to ten decimals, without trailing zeros."""
    decimal = (Decimal(exact.numerator) / exact.denominator).quantize(_SHARE_PLACES)
    return f"{decimal:f}".rstrip("0").rstrip(".")


def _csv(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)
    return file.getvalue()
