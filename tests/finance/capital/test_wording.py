"""Sentences about the deciding term, in both languages."""

from decimal import Decimal
from fractions import Fraction

import pytest

from engine.text import LANGUAGES, catalog
from finance.capital.table import Decided, Term
from finance.capital.wording import term_text

FULL = {
    "price": Fraction("1.0618"),
    "round_price": Fraction("1.8289"),
    "cap": Decimal(12_500_000),
    "discount": Decimal("0.2"),
    "in_round": "Series A",
}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("decided", Decided)
def test_every_term_has_words(decided: Decided, language: str) -> None:
    said = term_text(catalog(language), Term(decided=decided, of="X-1", **FULL), "USD")
    assert "1.0618" in said
    assert "{" not in said


def test_what_decided_is_named() -> None:
    en, zh = catalog("en"), catalog("zh_Hans")
    cap = Term(decided=Decided.CAP, **FULL)
    assert term_text(en, cap, "USD") == (
        "its cap of $12,500,000 decided: $1.0618 per share; the price of Series A was $1.8289"
    )
    assert term_text(zh, cap, "CNY").startswith("由估值上限 ¥12,500,000 决定：每股 ¥1.0618")
    taken = Term(decided=Decided.DISCOUNT, of="SAFE-2", **FULL)
    assert term_text(en, taken, "USD").startswith(
        "most favoured nation, on the terms of SAFE-2: its discount of 20% decided"
    )
    alone = Term(decided=Decided.CAP, cap=Decimal(5_000_000), price=Fraction(1, 2))
    assert term_text(en, alone, "EUR") == "its cap of €5,000,000 decided: €0.50 per share"
    free = Term(decided=Decided.ISSUED, price=Fraction(0))
    assert term_text(en, free, "USD") == "issued for nothing"
