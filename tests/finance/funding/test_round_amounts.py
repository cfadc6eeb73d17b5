"""Round amounts to choose from."""

from decimal import Decimal

from finance.funding.round_amounts import amounts_around, multiples
from finance.numbers.money import MAX_USD


def test_amounts_around_one_that_was_computed() -> None:
    found = amounts_around(Decimal(2_560_000))
    assert Decimal(2_560_000) in found
    assert found == sorted(set(found))
    assert found[0] == Decimal(800_000)
    assert found[-1] == Decimal(10_000_000)
    assert {Decimal(1_250_000), Decimal(5_000_000)} < set(found)


def test_amounts_are_whole_cents_within_what_the_books_allow() -> None:
    assert all(amount >= Decimal("0.01") for amount in amounts_around(Decimal("0.02")))
    assert max(amounts_around(Decimal(MAX_USD))) == MAX_USD


def test_multiples_round_up_to_two_digits_but_the_amount_stays() -> None:
    assert multiples(Decimal(2_560_000), ("0.5", "1", "2")) == (
        Decimal(1_300_000), Decimal(2_560_000), Decimal(5_200_000),
    )  # fmt: skip
    assert multiples(Decimal("0.01"), ("0.5", "1")) == (Decimal("0.01"),)
