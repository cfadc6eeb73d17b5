"""``python -m finance closed-form``: ruin, copulas and Brownian motions."""

import pytest

from tests.finance.cli.commands import answer, refused, run


def test_ruin() -> None:
    words = ("--cash", "12", "--drift", "-1", "--volatility", "1.5", "--months", "12")
    found = answer("closed-form", "ruin", *words)
    assert found["ruin_probability"] == pytest.approx(0.5827920479049873)
    assert "58.3%" in run("closed-form", "ruin", *words)


def test_the_copula_both_ways() -> None:
    found = answer("closed-form", "copula", "--correlation", "0.5")
    assert (found["spearman"], found["kendall"]) == pytest.approx((0.4825837395309974, 1 / 3))
    back = answer("closed-form", "copula", "--spearman", found["spearman"])
    assert back["correlation"] == pytest.approx(0.5)


def test_geometric_brownian_motion() -> None:
    words = ("--start", "7.2", "--volatility", "8%", "--years", "2")
    found = answer("closed-form", "gbm", *words)
    assert (found["mean"], found["median"]) == pytest.approx((7.2, 7.154067141929873))
    assert (found["low"], found["high"]) == pytest.approx((5.9392750557129075, 8.617327231209922))


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (
            (*("gbm", "--start", "1", "--volatility", "10"), *("--years", "100", "--drift", "10")),
            "years: e^1000 is not allowed: must be lower",
        ),
        (("copula",), "--correlation, --spearman: no value is given: exactly one"),
        (("copula", "--correlation", "2"), "correlation: 2 is not allowed: must lie between -1"),
        (("copula", "--correlation", "half"), "--correlation: half is not allowed: must be a num"),
        (
            ("gbm", "--start", "1", "--volatility", "8%", "--years", "-1"),
            "years: -1 is not allowed: must lie between 0",
        ),
        (
            ("ruin", "--cash", "1M", "--drift", "-1K", "--volatility", "-2", "--months", "3"),
            "volatility_usd: -2 is not allowed: must lie between 0",
        ),
    ],
)
def test_bad_input_ends_with_one_line(words: tuple[str, ...], line: str) -> None:
    assert refused("closed-form", *words).startswith(line)
