"""The cap table and a sale as tables: for the terminal, for CSV, for programs."""

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
    """Everybody before and after one event, with what decided it."""
    names = ("holder", "before", "after", "shares", "decided")
    head = [text(f"funding.column.{name}") for name in names]
    rows = [
        [
            holder_text(text, one.holder),
            _part(one.before, text.language),
            _part(one.after, text.language),
            "" if one.after is None else _whole(one.after.shares, text.language),
            "" if one.after is None else terms_text(text, one.after.terms, step.after.currency),
        ]
        for one in changes(step)
    ]
    return head, rows


def exit_rows(text: Catalog, got: Iterable[HolderPayout], currency: str) -> Rows:
    """Who gets what, with what it returned and what each holder does."""
    names = ("holder", "payout", "moic", "xirr", "choice", "decided")
    head = [text(f"funding.column.{name}") for name in names]
    rows = [
        [
            one.holder,
            money_text(one.usd, currency, text.language),
            multiple_text(one.result, text.language),
            rate_text(text, one.result),
            choices_text(text, one.choices),
            terms_text(text, one.terms, currency),
        ]
        for one in got
    ]
    return head, rows


def captable_csv(steps: Sequence[Step]) -> str:
    """Every holder before and after every event; headers and words are English and stay so."""
    text = catalog("en")
    return _csv(
        TABLE_HEADERS,
        (
            [
                step.event.date.isoformat(),
                event_title(text, step.event),
                step.event.kind,
                str(step.event.planned).lower(),
                one.holder or "pool",
                *(_number(value) for value in _shares(one.before)),
                *(_number(value) for value in _shares(one.after)),
                "" if one.after is None else terms_text(text, one.after.terms, step.after.currency),
            ]
            for step in steps
            for one in changes(step)
        ),
    )


def exit_csv(got: Iterable[HolderPayout], currency: str) -> str:
    """Who gets what at one exit value; headers and words are English and stay so."""
    text = catalog("en")
    return _csv(
        EXIT_HEADERS,
        (
            [
                one.holder,
                f"{float(one.usd):.2f}",
                f"{one.result.paid:.2f}",
                f"{one.result.received:.2f}",
                "" if one.result.moic is None else repr(one.result.moic),
                "" if one.result.rates.usual is None else repr(one.result.rates.usual),
                " ".join(map(repr, one.result.rates.all)),
                " ".join(one.choices),
                terms_text(text, one.terms, currency),
            ]
            for one in got
        ),
    )


def captable_json(steps: Sequence[Step]) -> list[dict[str, Any]]:
    """Each event with the table after it, for programs; numbers are decimals in text."""
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
                    "holder": None if one.holder == POOL else one.holder,
                    "shares": _number(one.shares),
                    "share": _number(one.share),
                    "decided_by": [
                        terms_text(text, [term], step.after.currency) for term in one.terms
                    ],
                }
                for one in stakes(step.after)
            ],
        }
        for step in steps
    ]


def exit_json(got: Iterable[HolderPayout]) -> list[dict[str, Any]]:
    """Who gets what, for programs. ``xirr`` has every rate that solves it; [] says none does."""
    return [
        {
            "holder": one.holder,
            "payout": f"{float(one.usd):.2f}",
            "paid_in": f"{one.result.paid:.2f}",
            "moic": one.result.moic,
            "xirr": list(one.result.rates.all),
            "choices": list(one.choices),
        }
        for one in got
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
    """To ten decimals, without trailing zeros."""
    decimal = (Decimal(exact.numerator) / exact.denominator).quantize(_SHARE_PLACES)
    return f"{decimal:f}".rstrip("0").rstrip(".")


def _csv(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)
    return file.getvalue()
