"""The history of a company computed by hand, and properties of all histories."""

from __future__ import annotations

import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.documents import InputError, read_toml
from engine.paths import DATA_DIR
from finance.capital.exact import EXACT, FINE, YC_GUIDE
from finance.capital.history import Capital, Step, history, table_on
from finance.capital.table import CapTable, Decided

F = Fraction
D = Decimal
DAYS = [f"202{5 + i // 12}-{i % 12 + 1:02d}-01" for i in range(60)]


def company(*events: dict[str, Any], **opening: Any) -> tuple[Step, ...]:
    """Return a history with events a month apart, after an issue of 8,000,000 founders' shares."""
    founders = {"kind": "stock_issue", "name": "CS-1", "holder": "Founders",
                "shares": 8_000_000, "price": "0.0001"}  # fmt: skip
    dated = [{"date": when} | event for when, event in zip(DAYS, (founders, *events), strict=False)]
    return history(Capital.parse({"opening": {"date": DAYS[0]} | opening, "events": dated}))


def safe(name: str, amount: int, **terms: Any) -> dict[str, Any]:
    return {"kind": "safe", "name": name, "holder": f"of {name}", "amount": amount} | terms


def note(name: str, amount: int, **terms: Any) -> dict[str, Any]:
    counted = {"pool": True, "pool_increase": False, "converting": False}
    return {"kind": "note", "name": name, "holder": f"of {name}", "amount": amount,
            "rate": "0.06", "maturity": "2029-01-01", "counted": counted} | terms  # fmt: skip


def deal(series: str, pre: int, new: int, **terms: Any) -> dict[str, Any]:
    return {"kind": "priced_round", "series": series, "pre_money": pre, "new_money": new,
            "lead": f"Lead {series}", "convention": "percentage_ownership",
            "rounding": EXACT} | terms  # fmt: skip


SAFE = safe("S", 1_000_000, cap=10_000_000)
ROUND_A = deal("A", 12_000_000, 3_000_000)


def held(table: CapTable, name: str) -> Any:
    return next(holding for holding in table.holdings if holding.name == name)


def test_a_safe_then_a_round() -> None:
    """The shares are 72%, 8% and 20%, and the series of the SAFE has its own price."""
    table = company(SAFE, ROUND_A)[-1].after
    assert table.ownership() == {"Founders": F(72, 100), "of S": F(8, 100), "Lead A": F(20, 100)}
    stock = held(table, "S")
    assert (stock.stock_class, stock.paid) == ("A-1", D("1000000.00"))
    assert stock.term.decided is Decided.CAP
    assert (stock.term.price, stock.term.round_price) == (F("1.125"), F("1.35"))
    shadow = table.stock_class("A-1")
    assert shadow.issue_price == F("1.125")  # the preference is the amount paid
    assert shadow.seniority == table.stock_class("A").seniority == 1
    assert table.safes == ()


def test_all_into_the_new_series() -> None:
    table = company(SAFE, ROUND_A | {"converted_into": "new_series"})[-1].after
    assert held(table, "S").stock_class == "A"
    assert [known.name for known in table.classes] == ["Common", "A"]


def test_a_down_round_adjusts_series_against_their_own_prices() -> None:
    """Seed at 1.50 has a full ratchet, A at 2.50 a broad-based average; 4M are sold at 1.25.

    8M common, 2M seed, 2M A and 2M granted options: A counts 14M, so CP2 is 20/9; the
    ratchet's is 1.25. The round is priced before the adjustments: 18.75M ÷ 15M shares.
    """
    steps = company(
        {"kind": "pool_increase", "shares": 3_000_000},
        {"kind": "option_grant", "name": "O", "holder": "Staff", "shares": 2_000_000,
         "exercise_price": 1},
        deal("A", 32_500_000, 5_000_000, protection="broad_based"),
        deal("Seed", 22_500_000, 3_000_000, protection="full_ratchet"),
        deal("B", 18_750_000, 5_000_000, adjustments_in_pre_money=False),
        classes=[{"name": "Common", "preferred": False}],
    )  # fmt: skip
    # The order of rounds differs from the textbook's, so the textbook's table is the start.
    before = steps[-1].before
    classes = tuple(
        known.model_copy(update={"issue_price": price, "conversion_price": price})
        if (price := {"A": F("2.5"), "Seed": F("1.5")}.get(known.name)) else known
        for known in before.classes
    )  # fmt: skip
    holdings = tuple(
        holding if holding.stock_class == "Common"
        else holding.model_copy(update={"shares": F(2_000_000)}) for holding in before.holdings
    )  # fmt: skip
    table = before.changed(classes=classes, holdings=holdings)
    assert table.fully_diluted == 15_000_000
    (step,) = history(Capital(opening=table, events=(steps[-1].event,)))
    after = step.after
    assert held(after, "B: Lead B").shares == 4_000_000
    assert after.stock_class("A").conversion_price == F(20, 9)
    assert after.stock_class("Seed").conversion_price == F("1.25")
    assert after.fully_diluted == 19_650_000
    assert after.stock_class("A").issue_price == F("2.5")  # the preference does not change
    term = after.stock_class("Seed").conversion_term
    assert term is not None
    assert (term.decided, term.in_round) == (Decided.FULL_RATCHET, "B")
    assert after.stock_class("B").seniority > after.stock_class("A").seniority


def test_cheap_stock_triggers_unless_it_is_exempted() -> None:
    cheap = {"kind": "stock_issue", "name": "CS-2", "holder": "Cloud", "shares": 1_000_000,
             "price": "0.10"}  # fmt: skip
    exempted = company(ROUND_A, cheap | {"exempted": True})[-1].after
    assert exempted.stock_class("A").common_per_share == 1
    tested = company(ROUND_A, cheap)[-1].after
    # A = 10M: (10M × 1.5 + 0.1M) ÷ 11M.
    assert tested.stock_class("A").conversion_price == F(15_100_000, 11_000_000)


def test_an_mfn_takes_the_whole_of_a_later_safe() -> None:
    later = safe("L", 1_000_000, discount="0.2")
    mfn = safe("M", 500_000, mfn=True)
    election = {"kind": "mfn_election", "safe": "M", "of": "L"}
    amended = company(mfn, later, election, ROUND_A)[-1].after
    # A million at 20% gives 1/12, so half a million gives 1/24.
    assert amended.ownership()["of M"] == F(1, 24)
    term = held(amended, "M").term
    assert (term.decided, term.of) == (Decided.DISCOUNT, "L")
    plain = company(mfn, later, ROUND_A)[-1].after
    assert plain.ownership()["of M"] == F(1, 30)
    assert held(plain, "M").term.decided is Decided.ROUND_PRICE


def test_a_note_converts_with_its_interest_when_the_round_is_large_enough() -> None:
    """Interest of 6% runs for 181 of 365 days, from February to August."""
    bridge = note("N", 500_000, cap=8_000_000, discount="0.2", cap_shares=8_000_000,
                  qualified_amount=1_000_000)  # fmt: skip
    august = {"date": "2025-08-01"}
    table = company(bridge, ROUND_A | august)[-1].after
    claim = F(500_000) * (1 + F("0.06") * F(181, 365))
    assert held(table, "N").shares == claim  # at 1.00 a share
    small = company(bridge, deal("A", 12_000_000, 900_000) | august)[-1].after
    assert [note.name for note in small.notes] == ["N"]
    paid_back = company(bridge, {"kind": "repayment", "of": "N"})[-1].after
    assert paid_back.notes == ()


def test_a_conversion_outside_a_round() -> None:
    """The SAFE converts into a tenth of the company at its cap, or at an agreed price."""
    by_cap = company(SAFE, {"kind": "stated_conversion", "of": "S"})[-1].after
    assert by_cap.ownership()["of S"] == F(1, 10)
    assert held(by_cap, "S").term.decided is Decided.CAP
    agreed = company(SAFE, {"kind": "stated_conversion", "of": "S", "price": 2})[-1].after
    assert held(agreed, "S").shares == 500_000


def test_pro_rata_within_the_round_by_the_guide() -> None:
    """Investor B of YC's first example buys 448,671 of 4,486,719 shares and has 1,625,141."""
    steps = company(
        {"kind": "pool_increase", "shares": 100_000},
        {"kind": "stock_issue", "name": "CS-2", "holder": "Team", "shares": 1_900_000,
         "price": 0},
        safe("A", 200_000, cap=4_000_000),
        safe("B", 800_000, cap=8_000_000, pro_rata_right=True),
        deal("X", 15_000_000, 5_000_000, pro_rata=["of B"],
             pool={"basis": "increase", "value": 1_695_000}, rounding=YC_GUIDE),
    )  # fmt: skip
    table = steps[-1].after
    shares = table.shares_by_holder()
    assert shares["of B"] == 1_625_141
    assert shares["of B"] - held(table, "B").shares == 448_671
    assert table.fully_diluted == 17_946_424
    assert table.pool == 1_795_000
    paid = [holding.paid for holding in table.holdings if holding.stock_class == "X"]
    assert sum(paid) == 5_000_000
    assert held(table, "X pro rata: of B").term.decided is Decided.PRO_RATA


def test_options_and_warrants() -> None:
    vesting = {"start": DAYS[0], "months": 48, "cliff_months": 12}
    grant = {"kind": "option_grant", "name": "O", "holder": "Eve", "shares": 48_000,
             "exercise_price": "0.50", "vesting": vesting}  # fmt: skip
    warrant = {"kind": "warrant", "name": "W", "holder": "Lender", "shares": 10_000,
               "exercise_price": "1.25", "expires": "2030-01-01"}  # fmt: skip
    steps = company(
        {"kind": "pool_increase", "shares": 100_000},
        grant,
        warrant,
        {"kind": "exercise", "of": "O", "shares": 13_000, "name": "CS-2", "date": "2026-02-01"},
        {"kind": "lapse", "of": "O", "shares": 35_000, "date": "2026-03-01"},
        {"kind": "exercise", "of": "W", "shares": 10_000, "name": "CS-3", "date": "2026-04-01"},
    )  # fmt: skip
    assert [step.after.pool for step in steps[1:3]] == [100_000, 52_000]
    assert steps[3].after.fully_diluted == 8_110_000
    last = steps[-1].after
    assert (last.grants, last.warrants, last.pool) == ((), (), 87_000)
    assert held(last, "CS-2").paid == D("6500.00")
    assert held(last, "CS-3").paid == D("12500.00")
    assert last.fully_diluted == 8_000_000 + 13_000 + 87_000 + 10_000


def test_a_secondary_moves_stock_and_no_money_of_the_company() -> None:
    sale = {"kind": "transfer", "of": "CS-1", "shares": 2_000_000, "to": "Fund",
            "price": "1.50", "name": "CS-1b"}  # fmt: skip
    table = company(sale)[-1].after
    assert table.ownership() == {"Founders": F(3, 4), "Fund": F(1, 4)}
    assert [holding.paid for holding in table.holdings] == [D("600.00"), D("3000000.00")]


def test_a_split_changes_nobody_s_share() -> None:
    bridge = note("N", 500_000, cap=8_000_000, cap_shares=8_000_000)
    before, after = (
        company(*events)[-1].after
        for events in ((SAFE, ROUND_A, bridge), (SAFE, ROUND_A, bridge,
                                                 {"kind": "split", "ratio": 10}))
    )  # fmt: skip
    assert after.fully_diluted == 10 * before.fully_diluted
    assert after.ownership() == before.ownership()
    assert after.stock_class("A").issue_price == before.stock_class("A").issue_price / 10
    assert after.notes[0].cap_shares == 80_000_000


def test_a_tranche_at_the_round_s_price() -> None:
    second = {"kind": "tranche", "series": "A", "holder": "Lead A", "amount": 1_500_000,
              "milestone": "revenue", "name": "A second"}  # fmt: skip
    table = company(ROUND_A, second)[-1].after
    assert held(table, "A second").shares == 1_000_000
    assert table.stock_class("A").common_per_share == 1


def test_other_currencies_at_the_table_s_rate() -> None:
    rates = {"EUR": "1.25"}
    euros = safe("S", 800_000, cap=8_000_000, currency="EUR")
    table = company(euros, ROUND_A, rates=rates)[-1].after
    assert table.ownership()["of S"] == F(8, 100)
    assert held(table, "S").paid == D("1000000.00")


def test_the_table_of_a_day() -> None:
    capital = read_toml(DATA_DIR / "capital" / "lab.toml", Capital)
    steps = history(capital)
    assert table_on(capital, steps, datetime.date(2024, 1, 1)) == capital.opening
    assert table_on(capital, steps, datetime.date(2026, 6, 30)) == steps[-3].after
    assert table_on(capital, steps, datetime.date(2099, 1, 1)) == steps[-1].after


def test_the_sample_s_round() -> None:
    """Post-money SAFEs sell 4% and 8%; the pool is a tenth, new money a quarter."""
    steps = history(read_toml(DATA_DIR / "capital" / "lab.toml", Capital))
    a = next(step for step in steps if step.priced is not None)
    assert a.priced is not None
    parts = [
        float(conversion.shares / a.priced.capitalization) for conversion in a.priced.conversions
    ]
    assert parts[:2] == pytest.approx([0.04, 0.08], abs=1e-6)
    assert float(a.after.pool / a.after.fully_diluted) == pytest.approx(0.1, abs=1e-5)
    assert float(a.priced.new_shares / a.priced.total) == pytest.approx(0.25, abs=1e-4)
    # The note's 20% discount gives a lower price than its cap.
    assert held(a.after, "NOTE-1").term.decided is Decided.DISCOUNT
    for step in steps:
        assert sum(step.after.ownership().values()) + step.after.pool / (
            step.after.fully_diluted
        ) == 1  # fmt: skip


@pytest.mark.parametrize(
    ("events", "field", "rule"),
    [
        ([safe("S", 1, cap=10_000_000, shares=-5)], "events.1.shares", "unknown_field"),
        ([{"kind": "pool_increase", "shares": -5}], "events.1.shares",
         "greater_than"),
        ([safe("S", 5_000_000, cap=5_000_000)], "events.1.cap", "above_raised"),
        ([safe("S", 10**18)], "events.1.amount", "less_than_equal"),
        ([{"kind": "pool_increase", "shares": 10**18}], "events.1.shares",
         "less_than_equal"),
        ([ROUND_A | {"pool": {"basis": "unallocated", "value": "1.2"}}],
         "events.1.pool.value", "less_than"),
        ([{"kind": "merger"}], "events.1.kind", "union_tag_invalid"),
        ([SAFE | {"date": "2024-12-31"}], "events.1.date", "not_before"),
        ([note("N", 100, maturity="2025-01-31")], "events.1.maturity", "later_than"),
        ([safe("S", 100_000), {"kind": "stated_conversion", "of": "S"}], "events.2.price",
         "conversion_price"),
        ([SAFE | {"currency": "EUR"}], "events.1.currency", "rate_needed"),
        ([ROUND_A | {"currency": "CNY"}], "events.1.currency", "rate_needed"),
        ([safe("S", 9_000_000, cap=10_000_000), safe("T", 2_000_000, cap=10_000_000), ROUND_A],
         "events.3.cap", "sells_all"),
        ([safe("S", 20_000_000), ROUND_A], "events.2.pre_money", "round_unsolvable"),
        ([SAFE, SAFE], "events.2.name", "no_repeats"),
        ([{"kind": "exercise", "of": "nothing", "shares": 1, "name": "x"}], "events.1.of",
         "known_security"),
        ([{"kind": "transfer", "of": "CS-1", "shares": 9_000_000, "to": "x", "price": 1,
           "name": "y"}], "events.1.shares", "more_than_held"),
        ([{"kind": "option_grant", "name": "O", "holder": "x", "shares": 1,
           "exercise_price": 1}], "events.1.shares", "more_than_pool"),
        ([safe("M", 100, mfn=True), {"kind": "mfn_election", "safe": "M", "of": "M"}],
         "events.2.of", "later_safe"),
        ([SAFE, {"kind": "mfn_election", "safe": "S", "of": "S"}], "events.2.safe", "open_mfn"),
        ([ROUND_A | {"others": [{"holder": "x", "amount": 4_000_000}]}], "events.1.others",
         "within_new_money"),
        ([ROUND_A | {"pro_rata": ["Founders"]}], "events.1.pro_rata", "pro_rata_holder"),
        ([{"kind": "tranche", "series": "B", "holder": "x", "amount": 1, "name": "y"}],
         "events.1.series", "known_class"),
        ([{"kind": "tranche", "series": "Common", "holder": "x", "amount": 1, "name": "y"}],
         "events.1.series", "priced_series"),
    ],
)  # fmt: skip
def test_what_cannot_happen_in_one_line(events, field: str, rule: str) -> None:
    with pytest.raises(InputError) as error:
        company(*events)
    assert error.value.rule == rule
    assert error.value.field.endswith(field.removeprefix("events."))
    for language in ("en", "zh_Hans"):
        assert len(error.value.in_language(language).splitlines()) == 1


def test_an_error_names_the_event_and_its_day() -> None:
    pool = {"kind": "pool_increase", "shares": 580_000}
    grant = {
        "kind": "option_grant", "name": "OPT-2", "holder": "x", "shares": 600_000,
        "exercise_price": 1,
    }  # fmt: skip
    with pytest.raises(InputError) as refused:
        company(pool, grant)
    error = refused.value
    assert error.params["entry"] == "OPT-2"
    assert error.params["entry_date"] == DAYS[2]
    assert (error.value, error.params["limit"]) == ("600,000", "580,000")
    with pytest.raises(InputError) as refused:
        company({"kind": "repayment", "of": "N"})
    assert refused.value.params["entry"] == "repayment"


def test_fractions_do_not_grow_for_ever() -> None:
    many = [deal(f"R{i}", 10_000_019 + 7 * i, 1_000_003, protection="broad_based")
            for i in range(12)]  # fmt: skip
    with pytest.raises(InputError, match="choose a rounding"):
        company(*many)


def test_a_round_needs_stock_before_it() -> None:
    with pytest.raises(InputError, match="stock must exist before a priced round"):
        history(Capital.parse({"opening": {"date": DAYS[0]}, "events": [
            ROUND_A | {"date": DAYS[1]}]}))  # fmt: skip


def test_bad_events_leave_the_document_as_it_was() -> None:
    capital = read_toml(DATA_DIR / "capital" / "lab.toml", Capital)
    before = capital.content_hash
    with pytest.raises(InputError):
        capital.with_value("opening", {"date": "2026-01-01"})
    assert capital.content_hash == before


rounds = st.lists(
    st.tuples(st.integers(9_000_000, 40_000_000), st.integers(200_000, 1_000_000),
              st.sampled_from(["none", "broad_based", "narrow_based", "full_ratchet"]),
              st.booleans()),
    min_size=1, max_size=4,
)  # fmt: skip


@settings(max_examples=50)
@given(rounds=rounds, amount=st.integers(10_000, 900_000))
def test_every_table_adds_up(rounds, amount: int) -> None:
    events: list[dict[str, Any]] = [
        {"kind": "pool_increase", "shares": 500_000},
        {"kind": "warrant", "name": "W", "holder": "Lender", "shares": 50_000,
         "exercise_price": 1},
    ]  # fmt: skip
    for i, (pre, new, protection, rounded) in enumerate(rounds):
        events.append(safe(f"S{i}", amount, cap=25_000_000, discount="0.1"))
        events.append(
            deal(f"R{i}", pre, new, protection=protection,
                 rounding=YC_GUIDE if rounded else FINE,
                 pool={"basis": "unallocated", "value": "0.05"})
        )  # fmt: skip
    for step in company(*events):
        table = step.after
        parts = table.ownership()
        assert sum(parts.values(), table.pool / table.fully_diluted) == 1
        assert sum(table.shares_by_holder().values(), table.pool) == table.fully_diluted
        assert table.common + table.preferred == table.as_converted(table.holdings)
        if step.priced is not None:
            assert step.priced.total == table.fully_diluted
            bought = [
                holding for holding in table.holdings if holding.stock_class == step.event.series
            ]
            assert sum(holding.paid for holding in bought) == step.event.new_money
            shares = sum(holding.shares for holding in bought)
            assert shares == step.priced.new_shares
