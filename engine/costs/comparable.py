"""Comparable offers: a commitment or spot price against the same provider's on-demand price.

Providers differ by more than their terms do, so that the price of a commitment says little beside
the on-demand price of another provider. A ratio within one provider says what the terms are worth.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from engine.costs.buying import Terms
from engine.facts import CloudPrice, accelerator, cloud_prices


@dataclass(frozen=True, slots=True, kw_only=True)
class TermsRatio:
    """Price with some terms ÷ on-demand price of the same provider for the same accelerator."""

    terms: Terms
    value: float
    """The (lower) median of the offers."""
    low: float
    high: float
    offers: int
    """Number of offers with an on-demand price of the same provider."""
    of_other_devices: bool
    """Whether no such offer is known for the accelerator itself, so that those for other
    accelerators of its kind are used."""
    source: str
    """Provider, instance and date of the median offer."""


def terms_ratio(accelerator_name: str, terms: Terms) -> TermsRatio | None:
    """Return the price of ``terms`` relative to on demand, or None if no offer is known.

    Raises
    ------
    InputError
        If the accelerator is unknown.
    """
    device = accelerator(accelerator_name)
    own = _pairs(terms, [accelerator_name])
    if own:
        return _ratio(terms, own, of_other_devices=False)
    kind = {row.accelerator for row in cloud_prices()}
    others = _pairs(terms, [name for name in kind if accelerator(name).kind == device.kind])
    return _ratio(terms, others, of_other_devices=True) if others else None


def _ratio(
    terms: Terms, pairs: list[tuple[float, CloudPrice]], *, of_other_devices: bool
) -> TermsRatio:
    pairs.sort(key=lambda pair: pair[0])
    value, row = pairs[(len(pairs) - 1) // 2]
    return TermsRatio(
        terms=terms,
        value=value,
        low=pairs[0][0],
        high=pairs[-1][0],
        offers=len(pairs),
        of_other_devices=of_other_devices,
        source=f"{row.provider} {row.instance} ({row.as_of})",
    )


def _pairs(terms: Terms, names: Iterable[str]) -> list[tuple[float, CloudPrice]]:
    """Return (ratio, offer) of each published offer whose provider has an on-demand price."""
    found = []
    for name in sorted(names):
        rows = [
            row
            for row in cloud_prices()
            if row.accelerator == name and row.confidence == "published"
        ]
        for row in rows:
            if row.terms == terms and (on_demand := _on_demand(row, rows)):
                found.append((float(row.usd_per_device_hour / on_demand), row))
    return found


def _on_demand(offer: CloudPrice, rows: Iterable[CloudPrice]) -> Decimal | None:
    """Return the on-demand price of the offer's provider, of the same instance if there is one."""
    same = [row for row in rows if row.terms == "on_demand" and row.provider == offer.provider]
    for column in ("instance", "region"):
        closer = [row for row in same if getattr(row, column) == getattr(offer, column)]
        same = closer or same
    prices = sorted(row.usd_per_device_hour for row in same)
    return prices[(len(prices) - 1) // 2] if prices else None
