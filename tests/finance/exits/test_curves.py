"""Published break points, and straight lines between break points."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given

from finance.exits.claims import Common, Debt, Option, Preferred, Stack
from finance.exits.curves import break_points, payouts_up_to
from finance.exits.waterfall import payouts
from tests.finance.exits.stacks import exit_values, stacks

F = Fraction
M = 1_000_000


def test_break_points_of_a_published_example() -> None:
    """A third bought for 5M USD with a 2x preference and a 4x cap: 10M, 40M, 60M (plnmw.com)."""
    investor = Preferred(
        id="investor", shares=F(1), invested_usd=F(5 * M), multiple=F(2), cap_multiple=F(4),
        participating=True,
    )  # fmt: skip
    points = break_points(Stack((investor, Common(id="others", shares=F(2)))))
    assert [(point.exit_usd, point.what.value) for point in points] == [
        (10 * M, "paid"), (10 * M, "participates"), (40 * M, "capped"), (60 * M, "converts"),
    ]  # fmt: skip


def test_break_points_name_who_and_what() -> None:
    stack = Stack(
        (
            Debt(id="loan", claim_usd=F(10)),
            Preferred(id="a", shares=F(5), invested_usd=F(20)),
            Option(id="options", shares=F(5), strike_usd=F(1)),
            Common(id="founders", shares=F(10)),
        )
    )
    assert [
        (point.exit_usd, point.claim_id, point.what.value) for point in break_points(stack)
    ] == [
        (10, "loan", "paid"),
        (30, "a", "paid"),
        (40, "options", "exercises"),  # 1 a share for 10 shares
        (85, "a", "converts"),  # 4 a share: 10 + 20 + 40, and 15 to the options
    ]
    assert [corner.exit_usd for corner in payouts_up_to(stack, F(50))] == [0, 10, 30, 40, 50]


@given(stacks(with_discounts=True), exit_values, exit_values)
def test_between_break_points_payouts_are_straight_lines(stack, highest, exit_usd) -> None:
    corners = payouts_up_to(stack, highest)
    values = [float(corner.exit_usd) for corner in corners]
    for between in (min(float(exit_usd), float(highest)), float(highest) / 3):
        exact = payouts(stack, F(between)).usd
        for name, usd in exact.items():
            drawn = np.interp(between, values, [float(corner.usd[name]) for corner in corners])
            assert drawn == pytest.approx(float(usd), abs=1e-9)
    assert corners[-1].exit_usd == highest
