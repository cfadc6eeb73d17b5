"""The answer to "rent or buy?" as text: the same sentence wherever it is shown."""

from __future__ import annotations

from engine import quantities
from engine.costs.rent_or_buy import Reference, RentOrBuy
from engine.facts import accelerator
from engine.text import Catalog
from engine.units import HOURS_PER_YEAR


def rent_or_buy_sentence(text: Catalog, answer: RentOrBuy) -> str:
    """Return the answer with its reference, its break-even use and its cost per hour."""
    language, share = text.language, answer.break_even_share
    parts = {
        "name": accelerator(answer.accelerator).name,
        "reference": reference_text(text, answer.reference),
        "used": quantities.share(answer.owned.utilisation_share, language),
        "own": quantities.usd(answer.own_usd_per_hour, language),
    }
    if share is None:
        return text("rent_or_buy.never", **parts)
    parts["share"] = quantities.share(share, language)
    parts["hours"] = quantities.number(round(share * HOURS_PER_YEAR), language, digits=4)
    if answer.payback_months is None:
        return text("rent_or_buy.no_payback", **parts)
    return text(
        "rent_or_buy.answer",
        months=quantities.months(answer.payback_months, language),
        **parts,
    )


def reference_text(text: Catalog, reference: Reference) -> str:
    """Return the reference price with its source: "$3.44 an hour (the plan's price; …)"."""
    language = text.language
    return text(
        f"rent_or_buy.reference_{reference.basis}",
        price=quantities.usd(reference.usd_per_device_hour, language),
        source=reference.source,
        n=reference.offers,
        low="–" if reference.lowest_usd is None else quantities.usd(reference.lowest_usd, language),
        high="–"
        if reference.highest_usd is None
        else quantities.usd(reference.highest_usd, language),
    )
