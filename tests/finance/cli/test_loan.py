"""``python -m finance loan``: level loans and lenders' ratios."""

import pytest

from tests.finance.cli.commands import answer, refused, run

LOAN = ("loan", "--rate", "0.625%", "--amount", "200K", "--periods", "180")


def test_the_payment() -> None:
    assert answer(*LOAN)["payment_usd"] == pytest.approx(1854.0247200054619)


def test_each_of_the_three_follows_from_the_other_two() -> None:
    paid = answer(*LOAN, "--balloon", "50K")["payment_usd"]
    rest = ("--rate", "0.625%", "--balloon", "50K", "--payment", paid)
    assert answer("loan", *rest, "--periods", 180)["amount_usd"] == pytest.approx(200_000)
    assert answer("loan", *rest, "--amount", 200_000)["periods"] == pytest.approx(180)


def test_interest_and_principal_in_a_span() -> None:
    words = ("--rate", "0.75%", "--amount", "125000", "--periods", "360")
    found = answer("loan", *words, "--first", "13", "--last", "24")
    assert found["principal_in_span_usd"] == pytest.approx(934.1071234)
    assert found["interest_in_span_usd"] + found["principal_in_span_usd"] == pytest.approx(
        12 * found["payment_usd"]
    )


@pytest.mark.parametrize("at_start", [(), ("--at-start",)])
def test_the_schedule_ends_with_the_balloon(at_start: tuple[str, ...]) -> None:
    found = answer(*LOAN, "--balloon", "50K", "--schedule", *at_start)
    rows = found["schedule"]
    assert rows[-1]["balance_usd"] == pytest.approx(50_000)
    for row in rows:
        paid = row["interest_usd"] + row["principal_usd"]
        assert paid == pytest.approx(found["payment_usd"])
    assert "balance" in run(*LOAN, "--schedule")


def test_ratios_of_lenders() -> None:
    found = answer(
        *LOAN, "--cash", "3708.05", "--pledged", "400K", "--coverage", "5%", "--exercise-price", "2"
    )
    assert found["service_cover"] == pytest.approx(2, rel=1e-5)
    assert found["loan_to_value"] == pytest.approx(0.5)
    assert found["warrant_shares"] == pytest.approx(5_000)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (LOAN[:5], "--amount, --periods, --payment: --amount is not allowed: exactly two of them"),
        (
            (*LOAN, "--payment", "1"),
            "--amount, --periods, --payment: --amount, --periods, --payment",
        ),
        ((*LOAN[:5], "--payment", "100"), "--payment: 100 is not allowed: must be more than the"),
        ((*LOAN[:5], "--periods", "-3"), "--periods: -3 is not allowed: must be above 0"),
        ((*LOAN[:5], "--periods", "0.5"), "periods: 0.5 is not allowed: must lie between 1"),
        ((*LOAN, "--first", "9", "--last", "8"), "last: 8 is not allowed: must lie between 9"),
        ((*LOAN, "--first", "9", "--balloon", "5"), "--first: 9 is not allowed: it requires whole"),
        ((*LOAN, "--balloon", "-5"), "--balloon: -5 is not allowed: must lie between 0"),
        (
            (*LOAN, "--coverage", "5%"),
            "--exercise-price: no value is given: this field",
        ),
        (("loan", "--rate", "x", *LOAN[3:]), "--rate: x is not allowed: must be a number"),
    ],
)
def test_bad_input_ends_with_one_line(words: tuple[str, ...], line: str) -> None:
    assert refused(*words).startswith(line)
