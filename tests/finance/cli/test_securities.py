"""``python -m finance safe``, ``pro-rata`` and ``ocf``: arithmetic of single securities."""

from pathlib import Path

import pytest

from tests.finance.cli.commands import answer, refused, run

PACKAGE = Path(__file__).parents[1] / "capital" / "sample_ocf"


def test_several_safes_sell_the_sum_of_their_parts() -> None:
    found = answer("safe", "--amount", "200K,800K", "--cap", "4M,8M")
    assert found == {"sold_share": pytest.approx(0.15)}


def test_cap_and_discount_are_equal_at_the_break_even() -> None:
    words = ("safe", "--amount", "1M", "--cap", "8M", "--discount", "20%", "--pre-money")
    found = answer(*words, "10M")
    assert found["break_even_pre_money_usd"] == pytest.approx(10_000_000)
    assert found["price_to_round_price"] == pytest.approx(0.8)
    assert answer(*words, "9M")["decided_by"] == "discount"
    assert answer(*words, "11M")["decided_by"] == "cap"
    assert "The cap decides." in run(*words, "11M")


def test_pro_rata_on_top_of_the_round() -> None:
    """Holders of a tenth buy a tenth of the whole round: 0.2 ÷ 0.9 − 0.2."""
    words = ("--new", "20%", "--with-right", "10%", "--safes", "15%", "--pool", "5%")
    found = answer("pro-rata", *words, "--total-round", "25%")
    assert found["pro_rata_share"] == pytest.approx(0.2 / 0.9 - 0.2)
    assert found["round_dilution"] == pytest.approx(0.2 / 0.9 + 0.05)
    assert found["safes_after_share"] == pytest.approx(0.15 * (0.95 - 0.2 / 0.9))
    assert found["most_with_right_share"] == pytest.approx(0.2)
    assert "dilution by the round" in run("pro-rata", *words)


def test_shares_outstanding_of_a_package() -> None:
    found = answer("ocf", PACKAGE, "--on", "2026-01-01")
    assert found["date"] == "2026-01-01"
    assert sum(found["outstanding"].values()) > 0
    assert all(name in run("ocf", PACKAGE, "--on", "2026-01-01") for name in found["outstanding"])


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("safe", "--amount", "1M", "--cap", "1M"), "cap: 100.0% is not allowed: the post-money"),
        (("safe", "--amount", "1M", "--cap", "0"), "--cap: 0 is not allowed: must be above 0"),
        (("safe", "--amount", "1,2,3", "--cap", "8,9"), "--cap: 8,9 is not allowed: must be one"),
        (
            ("safe", "--amount", "1M", "--cap", "8M", "--discount", "100%"),
            "--discount: 100% is not allowed: must be below 1",
        ),
        (("pro-rata", "--new", "20", "--with-right", "0"), "--new: 20 is not allowed: must lie"),
        (("pro-rata", "--new", "1", "--with-right", "0.5"), "--new: 2 is not allowed: must lie"),
        (("pro-rata", "--new", "1e-9", "--with-right", "0"), "--new: 1e-9 is not allowed: must be"),
        (("ocf", PACKAGE, "--on", "today"), "--on: today is not allowed: must be a date such"),
        (
            ("ocf", "absent", "--on", "2026-01-01"),
            "file: Manifest.ocf.json cannot be read: there is no",
        ),
    ],
)
def test_bad_input_ends_with_one_line(words: tuple[object, ...], line: str) -> None:
    assert refused(*words).startswith(line)
