"""SAFEs and notes that have not converted before the sale, computed by hand."""

from fractions import Fraction

import pytest

from engine.documents import InputError
from finance.exits.claims import Common, Rank, Stack
from finance.exits.convertibles import CapCounts, Unconverted, claims_of
from finance.exits.waterfall import payouts

F = Fraction
M = 1_000_000


def test_a_post_money_cap_buys_its_share_of_everything() -> None:
    """1M at 10M post-money is a tenth of the company with any other conversions."""
    safes = [
        Unconverted(id="first", amount_usd=F(M), cap_usd=F(10 * M)),
        Unconverted(id="second", amount_usd=F(2 * M), cap_usd=F(10 * M)),
    ]
    claims = claims_of(safes, F(7 * M))
    assert [claim.shares for claim in claims] == [M, 2 * M]
    stack = Stack((*claims, Common(id="founders", shares=F(7 * M))))
    assert payouts(stack, F(50 * M)).usd == {"first": 5 * M, "second": 10 * M, "founders": 35 * M}
    assert payouts(stack, F(6 * M)).usd == {"first": M, "second": 2 * M, "founders": 3 * M}


def test_a_pre_money_cap_counts_no_convertibles() -> None:
    """1M at 10M pre-money, 10M shares: 1 USD a share; the post-money SAFE gets a tenth of all."""
    claims = claims_of(
        [
            Unconverted(
                id="old", amount_usd=F(M), cap_usd=F(10 * M), cap_counts=CapCounts.PRE_MONEY
            ),
            Unconverted(id="new", amount_usd=F(M), cap_usd=F(10 * M)),
        ],
        F(10 * M),
    )
    assert [claim.shares for claim in claims] == [M, F(11 * M, 9)]


def test_a_stated_share_count_stands() -> None:
    """1M at a cap of 10M over 5M shares: 2 USD a share."""
    claims = claims_of(
        [
            Unconverted(
                id="note", amount_usd=F(M), cap_usd=F(10 * M), cap_shares=F(5 * M), rank=Rank.DEBT
            ),
            Unconverted(id="safe", amount_usd=F(M), cap_usd=F(10 * M)),
        ],
        F(10 * M),
    )
    assert [claim.shares for claim in claims] == [M // 2, F(21 * M, 18)]


def test_cap_or_discount_or_cash() -> None:
    """A note of 100 has a cap at 1 USD a share, a discount of 20%, or a payout of twice 100."""
    terms = {"amount_usd": F(100), "cap_usd": F(900), "discount": F(1, 5), "rank": Rank.DEBT}
    (plain,) = claims_of([Unconverted(id="n", cap_counts=CapCounts.PRE_MONEY, **terms)], F(900))
    assert (plain.cash_usd, plain.discounted_usd, plain.shares) == (100, 125, 100)
    doubled = Unconverted(id="n", cash_usd=F(200), **terms)
    (claim,) = claims_of([doubled], F(900))
    assert (claim.cash_usd, claim.discounted_usd) == (200, 200)
    (uncapped,) = claims_of([Unconverted(id="mfn", amount_usd=F(100))], F(900))
    assert (uncapped.shares, uncapped.discounted_usd) == (0, 100)


def test_caps_that_leave_nothing_are_refused() -> None:
    whole = Unconverted(id="safe", amount_usd=F(M), cap_usd=F(M))
    with pytest.raises(InputError) as refused:
        claims_of([whole], F(1))
    assert str(refused.value) == "caps: 100% is not allowed: must be below 100%"
    with pytest.raises(InputError, match=r"safe.cap_usd: 0 .* above 0"):
        Unconverted(id="safe", amount_usd=F(1), cap_usd=F(0))
