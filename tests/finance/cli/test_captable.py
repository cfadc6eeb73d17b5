"""``python -m finance captable``, and the tables that the command and the page show."""

import csv
import datetime
import io
import json
from fractions import Fraction
from pathlib import Path

import pytest
from typer.testing import CliRunner

from engine.documents import InputError, read_toml
from engine.paths import DATA_DIR
from engine.text import catalog
from finance.capital.history import Capital, history
from finance.capital.ocf.importing import read_ocf
from finance.cli.main import app
from finance.company.scenario import SAMPLES_DIR, sample_scenarios
from finance.exits.claims import Debt
from finance.funding.captable_report import EXIT_HEADERS, TABLE_HEADERS, captable_csv, exit_csv
from finance.funding.exit_table import default_exit_date, default_exit_value, exit_of, loans_on
from finance.funding.ownership import (
    POOL,
    Names,
    capital_of,
    changes,
    dilution,
    founders,
    owners,
    share_of,
    stakes,
)
from finance.funding.wording import break_text, event_text, event_title
from finance.metrics.projection import project_scenario

STARTUP, LAPTOP = (str(SAMPLES_DIR / f"{name}.toml") for name in ("startup-1b", "laptop"))
M = 1_000_000


def captable(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["captable", *arguments], catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


@pytest.fixture(scope="module")
def lab() -> Capital:
    return read_toml(DATA_DIR / "capital" / "lab.toml", Capital)


def test_each_event_has_its_table_and_the_deciding_terms() -> None:
    shown = captable(STARTUP)
    assert "Seed: $6M of new money at $24M pre-money" in shown
    assert (
        "its cap of $7,000,000 decided: $0.6289 per share; the price of Seed was $1.9904" in shown
    )
    assert "bought by pro rata right in Series A" in shown


def test_the_json_is_whole() -> None:
    found = json.loads(captable(STARTUP, "--json", "--exit", "200M", "--exit-on", "2031-09-15"))
    assert found["is_own"]
    for event in found["events"]:
        shares = [float(holder["share"]) for holder in event["holders"]]
        assert sum(shares) == pytest.approx(1 if shares else 0)
    assert found["exit"]["date"] == "2031-09-15"
    payouts = [float(holder["payout"]) for holder in found["exit"]["holders"]]
    assert sum(payouts) == pytest.approx(200 * M, abs=0.005)
    by_holder = {holder["holder"]: holder for holder in found["exit"]["holders"]}
    assert by_holder["Meridian Growth"]["moic"] == pytest.approx(2.132, abs=1e-3)
    assert len(by_holder["Meridian Growth"]["xirr"]) == 1


def test_a_scenario_without_a_cap_table_says_so() -> None:
    shown = captable(LAPTOP)
    assert "The scenario has no cap table." in shown
    found = json.loads(captable(LAPTOP, "--json"))
    assert not found["is_own"]
    after = {holder["holder"]: float(holder["share"]) for holder in found["events"][-1]["holders"]}
    assert after == pytest.approx({"Founders": 0.9, "New investors": 0.1})


def test_the_csv_and_the_package_hold_the_same(tmp_path: Path) -> None:
    captable(STARTUP, "--csv", str(tmp_path / "t.csv"), "--ocf", str(tmp_path / "ocf"))
    rows = list(csv.DictReader(io.StringIO((tmp_path / "t.csv").read_text("utf-8"))))
    last = {row["holder"]: row for row in rows if row["event"] == "Series A"}
    table = read_ocf(tmp_path / "ocf")
    assert table == sample_scenarios()["startup-1b"].company.capital_steps[-1].after
    for stake in stakes(table):
        row = last[stake.holder or "pool"]
        assert float(row["shares_after"]) == pytest.approx(float(stake.shares))
        assert float(row["share_after"]) == pytest.approx(float(stake.share))


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["--exit", "lots"], ("--exit", "lots", "count")),
        (["--exit", "20T"], ("exit_usd", "20000000000000", "10000000000000")),
        (["--exit", "1M", "--exit-on", "soon"], ("--exit-on", "soon", "date")),
        (["--exit", "1M", "--exit-on", "2020-01-01"], ("date", "2020-01-01", "2026-02-02")),
        (["--csv", "/no/such/t.csv"], ("--csv", "/no/such/t.csv", "folder")),
        (["--ocf", "/tmp/x", "--country", "Utopia"], ("--country.country", "Utopia")),
    ],
)
def test_bad_options_are_one_line(arguments: list[str], parts: tuple[str, ...]) -> None:
    result = CliRunner().invoke(app, ["captable", STARTUP, *arguments])
    assert isinstance(result.exception, InputError)
    line = str(result.exception)
    assert "\n" not in line
    assert all(part in line for part in parts), line


def test_a_round_gives_away_what_it_adds(lab: Capital) -> None:
    """Holders before the round keep 1 less the parts, which are shares of the company after it."""
    steps = history(lab)
    for step in steps:
        found = dilution(step)
        if found is None:
            continue
        assert found.new_money == pytest.approx(0.25, abs=1e-4)  # 8 of 32, 30 of 120 million
        for holder in founders(lab, steps):
            before, after = (share_of(table, {holder}) for table in (step.before, step.after))
            assert float(after) == pytest.approx(float(before * (1 - found.total)))
    assert sum(dilution(step) is not None for step in steps) == 2


def test_changes_name_everybody_once_and_sum_to_one(lab: Capital) -> None:
    steps = history(lab)
    for step in steps:
        rows = changes(step)
        assert len({change.holder for change in rows}) == len(rows)
        for side in ("before", "after"):
            parts = [getattr(change, side).share for change in rows if getattr(change, side)]
            assert sum(parts) == (1 if parts else 0)
    holders = owners(lab, steps)
    assert holders[-1] == POOL
    assert {"Ada", "Lin", "Angel", "Growth fund"} < set(holders)


def test_founders_are_those_of_the_first_day(lab: Capital) -> None:
    assert founders(lab, history(lab)) == {"Ada", "Lin"}


def test_debt_is_paid_first_and_the_rest_sums_to_the_exit(lab: Capital) -> None:
    sold = exit_of(
        lab, history(lab), default_exit_date(lab), [Debt(id="Bank", claim_usd=Fraction(M))]
    )
    by_holder = {payout.holder: payout for payout in sold.at(Fraction(50 * M))}
    assert by_holder["Bank"].usd == M
    assert sum(payout.usd for payout in by_holder.values()) == 50 * M
    assert by_holder["Growth fund"].choices == ("preference",)
    assert by_holder["Angel"].terms[0].decided == "cap"
    assert sold.at(Fraction(M // 2))[0].usd == M // 2


def test_lines_are_straight_between_breaks(lab: Capital) -> None:
    """Half-way between two neighbouring corners every payout is the mean of both."""
    sold = exit_of(lab, history(lab), default_exit_date(lab))
    values, lines = sold.lines(Fraction(300 * M))
    assert (values[0], values[-1]) == (0, 300 * M)
    assert {float(point.exit_usd) for point in sold.breaks(Fraction(300 * M))} <= set(values)
    middle = (values[3] + values[4]) / 2
    for payout in sold.at(Fraction(middle)):
        mean = (lines[payout.holder][3] + lines[payout.holder][4]) / 2
        assert float(payout.usd) == pytest.approx(mean, abs=0.02)


def test_the_books_say_what_lenders_are_owed() -> None:
    """The sample's loan of 1.5 million starts in month 18 and is owed in full at first."""
    books = project_scenario(sample_scenarios()["startup-1b"]).books
    assert loans_on(books, datetime.date(2026, 1, 1), "Bank") == ()
    assert loans_on(books, datetime.date(2027, 5, 1), "Bank") == ()
    (debt,) = loans_on(books, datetime.date(2028, 7, 20), "Bank")
    assert (debt.id, debt.claim_usd) == ("Bank", 1_500_000)


def test_where_an_exit_begins() -> None:
    company = sample_scenarios()["startup-1b"].company
    assert default_exit_value(company.capital_steps) == 2 * 105 * M
    assert default_exit_date(company.capital) == datetime.date(2031, 9, 15)
    leap = Capital.parse({"opening": {"date": "2028-02-29"}})
    assert default_exit_date(leap) == datetime.date(2030, 2, 28)
    assert default_exit_value(()) == 10 * M


def test_a_round_of_nothing_is_no_round() -> None:
    company = (
        sample_scenarios()["laptop"].with_value("company.equity_round.amount_usd", "0").company
    )
    (only,) = capital_of(company, Names()).events
    assert only.kind == "stock_issue"


def test_csv_headers_stay_english(lab: Capital) -> None:
    steps = history(lab)
    assert captable_csv(steps).splitlines()[0] == ",".join(TABLE_HEADERS)
    sold = exit_of(lab, steps, default_exit_date(lab))
    lines = exit_csv(sold.at(Fraction(90 * M)), "USD").splitlines()
    assert lines[0] == ",".join(EXIT_HEADERS)
    assert len(lines) == 1 + len(sold.at(Fraction(90 * M)))


@pytest.mark.parametrize("language", ["en", "zh_Hans"])
def test_every_event_and_break_has_words(lab: Capital, language: str) -> None:
    text, steps = catalog(language), history(lab)
    for step in steps:
        assert event_title(text, step.event)
        assert "{" not in event_text(text, step.event, "USD")
    assert "most favoured nation" in event_text(catalog("en"), steps[3].event, "USD")
    assert "EUR 400K" in event_text(catalog("en"), steps[7].event, "USD")
    sold = exit_of(lab, steps, default_exit_date(lab))
    assert all(break_text(text, point, sold.sold) for point in sold.breaks(Fraction(500 * M)))
