"""Rounds published by YC and Cooley, rounds computed by hand, and properties of all rounds."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.documents import InputError
from finance.capital.antidilution import Protection
from finance.capital.conversion import Deciding
from finance.capital.exact import YC_GUIDE, Rounding, WholeShares
from finance.capital.instruments import POST_MONEY, PRE_MONEY, Counted
from finance.capital.pricing import price_round
from finance.capital.round_terms import (
    Convention,
    Converting,
    PoolBasis,
    PoolChange,
    PricedShares,
    Protected,
    RoundTerms,
)

F = Fraction
MILLION = 1_000_000


def priced(pre: object, new: object, *converting: Converting, **more: object) -> PricedShares:
    """Return terms of a round with amounts in millions, by default over 8,000,000 shares."""
    terms: dict[str, object] = {"outstanding": F(8 * MILLION)} | more
    return price_round(
        RoundTerms(
            pre_money=F(str(pre)) * MILLION, new_money=F(str(new)) * MILLION,
            converting=converting, **terms,  # type: ignore[arg-type]
        )
    )  # fmt: skip


def safe(amount: object, cap: object = None, discount: object = 0, **more: object) -> Converting:
    return Converting(
        amount=F(str(amount)) * MILLION, cap=None if cap is None else F(str(cap)) * MILLION,
        discount=F(str(discount)), **more,  # type: ignore[arg-type]
    )  # fmt: skip


def pool(basis: PoolBasis, value: object, in_pre_money: bool = True) -> PoolChange:
    return PoolChange(basis=basis, value=F(str(value)), in_pre_money=in_pre_money)


GUIDE = {"outstanding": F(9_900_000), "pool": F(100_000), "rounding": YC_GUIDE}


@pytest.mark.parametrize(
    ("pre", "new", "increase", "first", "printed"),
    [
        # Example 1: both SAFEs are post-money; B converts at its cap, then at the round's price.
        (15, 5, 1_695_000, safe("0.2", 4), (588_235, 1_176_470, "1.1144", 4_486_719, 17_946_424)),
        ("8.8", "2.2", 1_573_000, safe("0.2", 4),
         (590_334, 1_216_360, "0.6577", 3_344_990, 16_724_684)),
        # Example 2: the SAFE of A is pre-money.
        (15, 5, 1_700_000, safe("0.2", "3.8", counted=PRE_MONEY),
         (615_763, 1_179_529, "1.1115", 4_498_426, 17_993_718)),
        ("8.8", "2.2", 1_575_000, safe("0.2", "3.8", counted=PRE_MONEY),
         (609_198, 1_218_397, "0.6566", 3_350_594, 16_753_189)),
    ],
)  # fmt: skip
def test_yc_s_guide_to_the_last_share(pre, new, increase, first, printed) -> None:
    """The example is from the Post-Money SAFE User Guide, Appendix II."""
    change = pool(PoolBasis.INCREASE, increase)
    found = priced(pre, new, first, safe("0.8", 8), pool_change=change, **GUIDE)
    shares = [conversion.shares for conversion in found.conversions]
    assert (*shares, found.price, found.new_shares, found.total) == (
        *printed[:2], F(printed[2]), *printed[3:],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("convention", "price", "converted", "total"),
    [
        (Convention.PRE_MONEY, F(8), F(1_250_000, 7), F(10_000_000, 7)),
        (Convention.PERCENTAGE_OWNERSHIP, F(46, 7), F(5_000_000, 23), F(35_000_000, 23)),
        (Convention.DOLLARS_INVESTED, F(53, 7), F(10_000_000, 53), F(77_000_000, 53)),
    ],
)
def test_cooley_s_three_methods(convention, price, converted, total) -> None:
    """A SAFE of $1M at a 30% discount meets a round of $2M at $8M over 1,000,000 shares."""
    found = priced(8, 2, safe(1, discount="0.3"), outstanding=F(MILLION), convention=convention)
    assert (found.price, found.conversions[0].shares, found.total) == (price, converted, total)


def test_a_price_below_the_cap_s() -> None:
    """1M under a cap of 10M in a round of 1M at 4M: the round's price is lower, so 25%."""
    found = priced(4, 1, safe(1, 10))
    assert found.price == F("0.375")
    assert found.conversions[0].deciding is Deciding.ROUND_PRICE
    assert found.conversions[0].shares / found.total == F(1, 5)


def test_both_denominators_move_with_the_pool() -> None:
    """T = 440M/31: only the pre-money cap counts the pool's increase."""
    found = priced(
        16, 4, safe(1, 10), safe("0.5", 5, counted=PRE_MONEY),
        pool_change=pool(PoolBasis.UNALLOCATED, "0.1"),
    )  # fmt: skip
    assert found.total == F(440_000_000, 31)
    assert found.price == F(31, 22)
    assert [conversion.shares for conversion in found.conversions] == [
        F(30_800_000, 31),
        F(29_200_000, 31),
    ]
    assert [conversion.price for conversion in found.conversions] == [F(310, 308), F(155, 292)]
    assert found.pool == F(44_000_000, 31)


def test_a_discount_beside_a_cap() -> None:
    """The count of the capped SAFE includes the shares of the discounted SAFE."""
    found = priced(12, 3, safe(1, 10), safe(1, discount="0.2"))
    assert found.total == F(2_400_000_000, 191)
    assert found.capitalization == F(1_920_000_000, 191)
    assert [conversion.deciding for conversion in found.conversions] == [
        Deciding.CAP,
        Deciding.DISCOUNT,
    ]
    assert found.conversions[0].shares == found.capitalization / 10


def test_a_tie_goes_to_the_cap() -> None:
    """80% of 1.50 equals the cap price, 9.6M ÷ 8M shares."""
    found = priced(12, 3, safe(1, "9.6", "0.2", counted=PRE_MONEY),
                   convention=Convention.PRE_MONEY)  # fmt: skip
    assert found.conversions[0].price == F("1.2")
    assert found.conversions[0].deciding is Deciding.CAP


def test_a_count_that_the_note_states() -> None:
    found = priced(12, 3, safe("0.53", 8, "0.2", cap_shares=F(8 * MILLION)),
                   convention=Convention.PRE_MONEY)  # fmt: skip
    assert found.conversions[0].price == 1
    assert found.conversions[0].shares == 530_000


def test_a_cap_that_counts_no_pool() -> None:
    outstanding_only = Counted(pool=False, pool_increase=False, converting=False)
    found = priced(20, 5, safe(1, 8, counted=outstanding_only), pool=F(2 * MILLION))
    assert found.conversions[0].price == 1


def test_a_pool_outside_the_pre_money_dilutes_the_new_money_too() -> None:
    """8M shares at 8M pre-money give 1.00 a share and 2M new shares; these 10M are 90%."""
    found = priced(8, 2, pool_change=pool(PoolBasis.UNALLOCATED, "0.1", in_pre_money=False))
    assert found.price == 1
    assert found.total == F(100_000_000, 9)
    assert found.pool == found.total / 10
    inside = priced(8, 2, pool_change=pool(PoolBasis.UNALLOCATED, "0.1"))
    assert inside.new_shares / inside.total == F(1, 5)
    assert inside.price == F(7, 8)


def test_a_target_on_the_whole_pool_counts_what_is_granted() -> None:
    """Of 8M shares 1M are granted options; T = 7M ÷ 0.7."""
    found = priced(8, 2, granted=F(MILLION), pool_change=pool(PoolBasis.WHOLE, "0.1"))
    assert found.total == 10 * MILLION
    assert found.pool == 0
    smaller = priced(8, 2, granted=F(MILLION), pool_change=pool(PoolBasis.WHOLE, "0.2"))
    assert smaller.pool + MILLION == smaller.total / 5


def test_a_target_below_the_pool_leaves_it() -> None:
    """A target below the present pool takes no options back, as in the calculator of 1984."""
    found = priced(8, 2, pool=F(2 * MILLION), pool_change=pool(PoolBasis.UNALLOCATED, "0.01"))
    assert found.pool == 2 * MILLION
    assert found.pool_increase == 0


SERIES_A = {"shares": F(2 * MILLION), "issue_price": F("2.5"), "conversion_price": F("2.5")}


@pytest.mark.parametrize("in_pre_money", [True, False])
def test_a_full_ratchet_in_a_down_round(in_pre_money: bool) -> None:
    """2M preferred at 2.50 among 10M shares; 4M come in at 6M pre-money.

    In the pre-money the count is 8M + 5M ÷ P, so P = (6M − 5M) ÷ 8M = 0.125. Outside of it P is
    0.60, and the 2M become 5M ÷ 0.60.
    """
    series = Protected(**SERIES_A, protection=Protection.FULL_RATCHET, outstanding=F(0))
    found = priced(
        6, 4, outstanding=F(10 * MILLION), protected=(series,),
        adjustments_in_pre_money=in_pre_money,
    )  # fmt: skip
    price = F("0.125") if in_pre_money else F("0.6")
    assert found.price == price
    assert found.conversion_prices == (price,)
    assert found.adjustment_shares == F(5 * MILLION) / price - 2 * MILLION
    assert found.new_shares == F(4 * MILLION) / price
    # In the pre-money, new money has exactly its 40%.
    assert (found.new_shares / found.total == F(2, 5)) is in_pre_money


def test_a_weighted_average_in_a_down_round() -> None:
    """CP2 = (10M·2.5 + 4M) ÷ (10M + C), and C depends on CP2: both hold at the solution."""
    series = Protected(**SERIES_A, protection=Protection.BROAD_BASED,
                       outstanding=F(10 * MILLION))  # fmt: skip
    found = priced(6, 4, outstanding=F(10 * MILLION), protected=(series,))
    after = F(29 * MILLION) / (10 * MILLION + found.new_shares)
    assert found.conversion_prices == (after,)
    gained = F(5 * MILLION) / after - 2 * MILLION
    assert found.adjustment_shares == gained
    assert found.price * (10 * MILLION + gained) == 6 * MILLION


def test_an_up_round_adjusts_nothing() -> None:
    series = Protected(**SERIES_A, protection=Protection.FULL_RATCHET, outstanding=F(0))
    found = priced(60, 4, outstanding=F(10 * MILLION), protected=(series,))
    assert found.adjustment_shares == 0
    assert found.conversion_prices == (F("2.5"),)


@pytest.mark.parametrize(
    ("round_", "field", "rule"),
    [
        (lambda: priced(12, 3, safe(5, 10), safe(4, 8)), "cap", "sells_all"),
        (lambda: priced(1, 9, pool_change=pool(PoolBasis.UNALLOCATED, "0.2")),
         "pre_money", "round_unsolvable"),
        (lambda: priced(2, 1, safe(3, discount="0.5")), "pre_money", "round_unsolvable"),
        (lambda: priced("0.00001", 1, rounding=Rounding(price_decimals=4)),
         "rounding.price_decimals", "rounds_to_zero"),
    ],
)  # fmt: skip
def test_rounds_that_cannot_be(round_, field: str, rule: str) -> None:
    with pytest.raises(InputError) as error:
        round_()
    assert (error.value.field, error.value.rule) == (field, rule)
    assert "\n" not in str(error.value)


amounts = st.integers(10_000, 2_000_000).map(F)
converting = st.builds(
    Converting,
    amount=amounts,
    cap=st.none() | st.integers(20_000_000, 200_000_000).map(F),
    discount=st.sampled_from([F(0), F(1, 10), F(1, 4)]),
    counted=st.builds(Counted, pool=st.booleans(), pool_increase=st.booleans(),
                      converting=st.booleans()),
    cap_shares=st.none() | st.integers(1_000_000, 20_000_000).map(F),
)  # fmt: skip
protected = st.builds(
    Protected,
    shares=st.integers(100_000, 2_000_000).map(F),
    issue_price=st.just(F(3)),
    conversion_price=st.sampled_from([F(1, 2), F(2), F(3)]),
    protection=st.sampled_from([Protection.BROAD_BASED, Protection.FULL_RATCHET]),
    outstanding=st.just(F(10_000_000)),
)
roundings = st.builds(
    Rounding,
    price_decimals=st.none() | st.integers(4, 8),
    converted=st.sampled_from(WholeShares),
    sold=st.sampled_from(WholeShares),
)
rounds = st.builds(
    RoundTerms,
    pre_money=st.integers(30_000_000, 300_000_000).map(F),
    new_money=st.integers(1_000_000, 10_000_000).map(F),
    outstanding=st.integers(30_000_000, 60_000_000).map(F),
    granted=st.integers(0, 1_000_000).map(F),
    pool=st.integers(0, 3_000_000).map(F),
    pool_change=st.none()
    | st.builds(
        PoolChange,
        basis=st.sampled_from([PoolBasis.UNALLOCATED, PoolBasis.WHOLE]),
        value=st.sampled_from([F(1, 100), F(1, 10), F(1, 5)]),
        in_pre_money=st.booleans(),
    )
    | st.builds(PoolChange, basis=st.just(PoolBasis.INCREASE),
                value=st.integers(1, 2_000_000).map(F)),
    convention=st.sampled_from(Convention),
    converting=st.lists(converting, max_size=4).map(tuple),
    protected=st.lists(protected, max_size=2).map(tuple),
    adjustments_in_pre_money=st.booleans(),
    rounding=roundings,
)  # fmt: skip


@given(terms=rounds)
def test_shares_add_up_to_the_last_one(terms: RoundTerms) -> None:
    found = price_round(terms)
    converted = sum(conversion.shares for conversion in found.conversions)
    parts = terms.outstanding + found.adjustment_shares + found.pool + converted + found.new_shares
    assert parts == found.total
    assert found.pool >= terms.pool
    assert len(found.conversions) == len(terms.converting)


@given(terms=rounds)
def test_the_price_keeps_what_the_convention_promises(terms: RoundTerms) -> None:
    terms = _exact(terms)
    found = price_round(terms)
    converted = sum((conversion.shares for conversion in found.conversions), F(0))
    counted = terms.outstanding + terms.pool
    if terms.pool_change is None or terms.pool_change.in_pre_money:
        counted += found.pool_increase
    if terms.adjustments_in_pre_money:
        counted += found.adjustment_shares
    if terms.convention is not Convention.PRE_MONEY:
        counted += converted
    value = terms.pre_money
    if terms.convention is Convention.DOLLARS_INVESTED:
        value += sum(security.amount for security in terms.converting)
    assert found.price * counted == value
    assert found.price * found.new_shares == terms.new_money


@given(terms=rounds)
def test_everyone_converts_at_the_best_of_their_terms(terms: RoundTerms) -> None:
    terms = _exact(terms)
    found = price_round(terms)
    before = terms.outstanding + (found.adjustment_shares if terms.adjustments_in_pre_money else 0)
    for security, done in zip(terms.converting, found.conversions, strict=True):
        offers = {Deciding.DISCOUNT if security.discount else Deciding.ROUND_PRICE:
                  security.amount / found.price / (1 - security.discount)}  # fmt: skip
        if security.cap is not None:
            count = before
            count += (
                found.pool if security.counted.pool_increase else terms.pool
            ) * security.counted.pool
            if security.counted.converting:
                count += sum(other.shares for other in found.conversions)
            offers[Deciding.CAP] = security.amount / security.cap * (security.cap_shares or count)
        assert done.shares == max(offers.values())
        assert done.shares == offers[done.deciding]
        assert done.price * done.shares == security.amount


@given(terms=rounds)
def test_protected_series_end_where_their_formula_says(terms: RoundTerms) -> None:
    terms = _exact(terms)
    found = price_round(terms)
    for series, after in zip(terms.protected, found.conversion_prices, strict=True):
        if series.protection is Protection.FULL_RATCHET:
            assert after == min(series.conversion_price, found.price)
        else:
            assert min(series.conversion_price, found.price) <= after <= series.conversion_price
    assert found.adjustment_shares >= 0


@given(
    parts=st.lists(st.integers(1, 20), min_size=1, max_size=4),
    pre=st.integers(200_000_000, 900_000_000),
)
def test_post_money_safes_do_not_dilute_each_other(parts: list[int], pre: int) -> None:
    """Each SAFE gets amount ÷ cap of the company before new money, with any other conversions."""
    found = price_round(
        RoundTerms(
            pre_money=F(pre), new_money=F(10_000_000), outstanding=F(8_000_000),
            converting=tuple(
                Converting(amount=F(part * 100_000), cap=F(10_000_000), counted=POST_MONEY)
                for part in parts
            ),
        )
    )  # fmt: skip
    assert [conversion.shares / found.capitalization for conversion in found.conversions] == [
        F(part, 100) for part in parts
    ]


def _exact(terms: RoundTerms) -> RoundTerms:
    fields = {name: getattr(terms, name) for name in terms.__slots__}
    return RoundTerms(**fields | {"rounding": Rounding()})
