"""``python -m finance returns``: rates of return, present values and multiples."""

from pathlib import Path

import pytest

from tests.finance.cli.commands import answer, refused, run

DATED = "date,amount\n2015-06-11,-1000\n2015-07-21,-9000\n2018-06-10,20000\n2015-10-17,-3000\n"
PERIODIC = "amount\n-1000\n100\n250\n500\n500\n"


@pytest.fixture
def flows(tmp_path: Path) -> Path:
    return tmp_path / "flows.csv"


def test_dated_payments(flows: Path) -> None:
    flows.write_text(DATED)
    found = answer("returns", flows, "--rate", "10%", "--value-held", "6.5K")
    assert found["rate_of_return"] == pytest.approx(0.16353715844)
    assert found["all_rates_of_return"] == [pytest.approx(0.16353715844)]
    assert found["present_value"] == pytest.approx(2218.42566365675)
    assert found["future_value"] == pytest.approx(2218.42566365675 * 1.1 ** (1095 / 365))
    multiples = (found["dpi"], found["rvpi"], found["tvpi"])
    assert multiples == pytest.approx((20 / 13, 0.5, 20 / 13 + 0.5))


def test_payments_one_period_apart(flows: Path) -> None:
    flows.write_text(PERIODIC)
    found = answer("returns", flows, "--rate", "10%", "--reinvest-rate", "10%")
    assert found["modified_rate_of_return"] == pytest.approx(0.10401626745)
    later = answer("returns", flows, "--rate", "10%", "--first-period", "1")
    assert later["present_value"] == pytest.approx(found["present_value"] / 1.1)
    assert "TVPI" in run("returns", flows)


def test_all_rates_are_listed(flows: Path) -> None:
    flows.write_text("amount\n-5\n10.5\n1\n-8\n1\n")
    found = answer("returns", flows)
    assert found["rate_of_return"] == pytest.approx(0.08859833852)
    assert found["all_rates_of_return"] == pytest.approx([-0.8702012, 0.0885983, 0.7095595])
    assert "8.86%" in run("returns", flows).splitlines()[-1]


@pytest.mark.parametrize(
    ("content", "words", "line"),
    [
        ("date,amount\nsoon,5\n", (), "flows.csv:2.date: soon is not allowed: must be a date such"),
        (
            DATED,
            ("--reinvest-rate", "5%"),
            "--reinvest-rate: 5% is not allowed: it is only for payments",
        ),
        (PERIODIC, ("--reinvest-rate", "5%"), "--rate: no value is given: this field is required"),
        (PERIODIC, ("--rate", "-100%"), "rate: -1 is not allowed: must be above -1"),
        (PERIODIC, ("--rate", "ten"), "--rate: ten is not allowed: must be a number"),
        (PERIODIC, ("--first-period", "2"), "--first-period: 2 is not allowed: must lie between"),
        (PERIODIC, ("--value-held", "-1"), "value_held: -1 is not allowed: must lie between 0"),
    ],
)
def test_bad_input_ends_with_one_line(
    flows: Path, content: str, words: tuple[str, ...], line: str
) -> None:
    flows.write_text(content)
    assert refused("returns", flows, *words).startswith(line)
