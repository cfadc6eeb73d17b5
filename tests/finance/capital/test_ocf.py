"""The Open Cap Table Format: reading of a foreign package, and round trips of own packages."""

from __future__ import annotations

import datetime
import json
import re
import shutil
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.documents import InputError, read_toml
from engine.paths import DATA_DIR
from finance.capital.antidilution import Protection
from finance.capital.history import Capital, history
from finance.capital.instruments import Counted, Note, OptionGrant, Safe, Warrant
from finance.capital.interest import Accrual, DayCount
from finance.capital.ocf.exporting import Issuer, ocf_files, ocf_zip, write_ocf
from finance.capital.ocf.importing import read_ocf
from finance.capital.ocf.package import MANIFEST, stock_outstanding
from finance.capital.roles import HolderRole
from finance.capital.table import COMMON, CapTable, Decided, Holding, StockClass, Term
from finance.capital.vesting import Acceleration, Vesting

F = Fraction
D = Decimal
SAMPLE = Path(__file__).parent / "sample_ocf"
ISSUER = Issuer(legal_name="Sample", formation_date=datetime.date(2024, 1, 1), country="US")
NOW = datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC)
day = datetime.date.fromisoformat


def written(table: CapTable) -> dict[str, Any]:
    """Return the JSON of every written file by its name."""
    return {name: json.loads(raw) for name, raw in ocf_files(table, ISSUER, NOW).items()}


def read_back(table: CapTable) -> CapTable:
    with TemporaryDirectory() as folder:
        write_ocf(ocf_files(table, ISSUER, NOW), Path(folder))
        return read_ocf(Path(folder))


@pytest.mark.parametrize(
    ("on", "common", "seed"),
    [
        ("2024-01-01", 5_000_000, 0),
        ("2024-03-01", 5_000_000, 0),  # a transfer
        ("2024-06-01", 4_700_000, 0),  # 300,000 bought back
        ("2024-09-01", 4_700_000, 1_100_000),
        ("2024-09-05", 4_700_000, 1_000_000),  # one issuance retracted
        ("2025-06-01", 9_400_000, 1_000_000),  # two for one
        ("2025-12-31", 9_412_000, 1_000_000),  # an exercise
    ],
)
def test_stock_outstanding_by_class(on: str, common: int, seed: int) -> None:
    assert stock_outstanding(SAMPLE, day(on)) == {"common": common, "seed": seed}


def test_another_program_s_package() -> None:
    table = read_ocf(SAMPLE)
    assert table.date == day("2025-12-31")
    common, seed = table.classes
    assert not common.preferred
    assert (seed.issue_price, seed.conversion_price) == (F("1.5"), F("0.75"))
    assert (seed.participating, seed.participation_cap) == (True, 2)
    assert seed.seniority > common.seniority
    held = {
        holding.name: (holding.holder, holding.shares, holding.paid) for holding in table.holdings
    }
    assert held["CS-1"] == ("Ida Example", 6_000_000, D("300.00"))
    assert held["CS-4"] == ("Omar Example", 2_400_000, D("120.00"))
    assert held["CS-5"] == ("Eve Engineer", 12_000, D("4800.00"))
    (grant,) = table.grants
    assert (grant.shares, grant.exercised, grant.exercise_price) == (84_000, 12_000, F("0.2"))
    assert grant.vesting == Vesting(start=day("2024-10-01"), months=48, cliff_months=12)
    assert grant.exercisable(day("2025-12-31")) == 96_000 * 14 // 48 - 12_000
    (warrant,) = table.warrants
    assert (warrant.shares, warrant.stock_class) == (20_000, "Series Seed")
    (safe,) = table.safes
    assert (safe.holder, safe.cap, safe.discount) == ("angel-2", 9_000_000, D("0.15"))
    assert (safe.counted.converting, safe.counted.pool_increase) == (False, True)
    (note,) = table.notes
    assert (note.currency, note.rate, note.maturity) == ("EUR", D("0.07"), None)
    assert table.pool == 600_000 - 84_000 - 12_000


def test_it_goes_on_from_there() -> None:
    """A SAFE of the package converts in a later round, at its pre-money cap."""
    table = read_ocf(SAMPLE).changed(rates={"EUR": D("1.1")})
    deal = {"kind": "priced_round", "date": "2026-03-01", "series": "Series A",
            "pre_money": 30_000_000, "new_money": 10_000_000, "lead": "Fund",
            "convention": "percentage_ownership"}  # fmt: skip
    (step,) = history(Capital.parse({"opening": table, "events": [deal]}))
    assert step.after.ownership()["Fund"] == pytest.approx(0.25, abs=1e-9)
    stock = next(holding for holding in step.after.holdings if holding.name == "SAFE-1")
    assert stock.term.decided is Decided.CAP


def test_another_program_s_package_survives_a_round_trip() -> None:
    table = read_ocf(SAMPLE)
    assert sum(holding.shares for holding in table.holdings) == 10_412_000
    assert read_back(table) == table


def test_the_sample_lab_survives_a_round_trip() -> None:
    for step in history(read_toml(DATA_DIR / "capital" / "lab.toml", Capital)):
        assert read_back(step.after) == step.after


def test_a_zip_is_as_good_as_a_folder(tmp_path: Path) -> None:
    table = read_ocf(SAMPLE)
    package = tmp_path / "table.zip"
    package.write_bytes(ocf_zip(ocf_files(table, ISSUER, NOW)))
    assert read_ocf(package) == table


def test_roles_are_relationships(tmp_path: Path) -> None:
    """A round trip keeps the roles that are marked, also of a holder without a security yet."""
    roles = {
        "Ida Example": HolderRole.FOUNDER,
        "Example Fund I": HolderRole.INVESTOR,
        "Adviser to come": HolderRole.ADVISER,
    }
    table = read_ocf(SAMPLE).changed(roles=roles)
    files = ocf_files(table, ISSUER, NOW)
    stakeholders = json.loads(files["Stakeholders.ocf.json"])["items"]
    written_roles = {
        item["id"]: item["current_relationship"]
        for item in stakeholders
        if "current_relationship" in item
    }
    assert written_roles == {
        "Ida Example": "FOUNDER", "Example Fund I": "INVESTOR", "Adviser to come": "ADVISOR",
    }  # fmt: skip
    write_ocf(files, tmp_path)
    assert read_ocf(tmp_path) == table


@pytest.mark.parametrize(
    ("stated", "role"),
    [
        ({"current_relationship": "EXECUTIVE"}, HolderRole.EMPLOYEE),
        ({"current_relationship": "CONSULTANT"}, HolderRole.ADVISER),
        ({"current_relationships": ["BOARD_MEMBER", "FOUNDER"]}, HolderRole.FOUNDER),
        ({"current_relationships": ["NEW_WORD"]}, None),
        ({}, None),
    ],
)
def test_relationships_of_other_programs(
    tmp_path: Path, stated: dict[str, Any], role: HolderRole | None
) -> None:
    folder = _broken(tmp_path, "Stakeholders.ocf.json", lambda f: f["items"][0].update(stated))
    first = json.loads((SAMPLE / "Stakeholders.ocf.json").read_text("utf-8"))["items"][0]
    assert read_ocf(folder).roles.get(first["name"]["legal_name"]) == role


def test_what_another_program_changed_counts(tmp_path: Path) -> None:
    """A comment counts only while its object is unchanged."""
    write_ocf(ocf_files(read_ocf(SAMPLE), ISSUER, NOW), tmp_path)
    path = tmp_path / "Transactions.ocf.json"
    file = json.loads(path.read_text("utf-8"))
    stock = next(item for item in file["items"] if item["security_id"] == "CS-1")
    stock["quantity"] = "7000000"
    path.write_text(json.dumps(file), "utf-8")
    held = {holding.name: holding.shares for holding in read_ocf(tmp_path).holdings}
    assert held["CS-1"] == 7_000_000


def test_comments_of_others_are_left_alone(tmp_path: Path) -> None:
    write_ocf(ocf_files(read_ocf(SAMPLE), ISSUER, NOW), tmp_path)
    for path in tmp_path.glob("*.json"):
        text = re.sub(r'"flopledger .*"', '"flopledger {not ours"', path.read_text("utf-8"))
        path.write_text(text, "utf-8")
    again = read_ocf(tmp_path)
    assert again.shares_by_holder() == read_ocf(SAMPLE).shares_by_holder()
    assert again.pool == read_ocf(SAMPLE).pool


# What the schemas of OCF 1.2 require of the objects that we write.
REQUIRED = {
    "STAKEHOLDER": {"id", "name", "stakeholder_type"},
    "STOCK_CLASS": {"id", "name", "class_type", "default_id_prefix", "votes_per_share",
                    "initial_shares_authorized", "seniority"},
    "STOCK_PLAN": {"id", "plan_name", "initial_shares_reserved", "stock_class_ids"},
    "VESTING_TERMS": {"id", "name", "description", "allocation_type", "vesting_conditions"},
    "TX_VESTING_START": {"id", "date", "security_id", "vesting_condition_id"},
    "TX_EQUITY_COMPENSATION_EXERCISE": {"id", "date", "security_id", "quantity",
                                        "resulting_security_ids"},
}  # fmt: skip
ISSUANCE = {"id", "date", "security_id", "custom_id", "stakeholder_id", "security_law_exemptions"}
REQUIRED |= {
    "TX_STOCK_ISSUANCE": ISSUANCE
    | {"stock_class_id", "share_price", "quantity", "stock_legend_ids"},
    "TX_EQUITY_COMPENSATION_ISSUANCE": ISSUANCE
    | {"compensation_type", "quantity", "exercise_price", "expiration_date",
       "termination_exercise_windows"},
    "TX_WARRANT_ISSUANCE": ISSUANCE | {"exercise_triggers", "purchase_price"},
    "TX_CONVERTIBLE_ISSUANCE": ISSUANCE
    | {"convertible_type", "investment_amount", "conversion_triggers", "seniority"},
}  # fmt: skip
NUMERIC = re.compile(r"[+-]?[0-9]+(\.[0-9]{1,10})?")
NUMBERS = {"amount", "quantity", "numerator", "denominator", "seniority", "votes_per_share",
           "initial_shares_reserved", "liquidation_preference_multiple",
           "participation_cap_multiple", "converts_to_quantity"}  # fmt: skip


def check_ocf(files: dict[str, Any]) -> set[str]:
    """Assert the shape of every object, and return the types of objects."""
    seen = set()
    for name, file in files.items():
        if name == MANIFEST:
            continue
        for item in file["items"]:
            kind = item["object_type"]
            seen.add(kind)
            assert REQUIRED[kind] <= item.keys(), kind
            _check_numbers(item)
    return seen


def _check_numbers(value: Any) -> None:
    if isinstance(value, list):
        for entry in value:
            _check_numbers(entry)
    elif isinstance(value, dict):
        for key, entry in value.items():
            if key in NUMBERS and not isinstance(entry, int):
                assert NUMERIC.fullmatch(entry), (key, entry)
            _check_numbers(entry)


def test_what_we_write_has_the_shape_of_ocf() -> None:
    files = written(read_ocf(SAMPLE))
    assert check_ocf(files) == set(REQUIRED)
    manifest = files[MANIFEST]
    assert manifest["as_of"] == "2025-12-31"
    assert manifest["issuer"]["country_of_formation"] == "US"


def _broken(tmp_path: Path, name: str, change: Any) -> Path:
    folder = tmp_path / "package"
    shutil.copytree(SAMPLE, folder)
    path = folder / name
    file = json.loads(path.read_text("utf-8"))
    change(file)
    path.write_text(json.dumps(file), "utf-8")
    return folder


@pytest.mark.parametrize(
    ("name", "change", "field", "rule"),
    [
        (MANIFEST, lambda f: f.pop("as_of"), "Manifest.as_of", "missing"),
        (MANIFEST, lambda f: f["transactions_files"][0].update(filepath="../../x"), "file",
         "file_missing"),
        ("StockClasses.ocf.json", lambda f: f["items"][0].update(class_type="ODD"),
         "STOCK_CLASS common.class_type", "literal_error"),
        ("Transactions.ocf.json", lambda f: f["items"][0].update(quantity="-5"),
         "tx-CS-1.quantity", "greater_than_equal"),
        ("Transactions.ocf.json", lambda f: f["items"][0].update(quantity="1e18"),
         "tx-CS-1.quantity", "less_than_equal"),
        ("Transactions.ocf.json", lambda f: f["items"][0].update(stock_class_id="none"),
         "stock_class", "known_class"),
        ("Transactions.ocf.json", lambda f: f["items"][5].update(quantity="9000000"),
         "sec-CS-4.quantity", "less_than_equal"),
        ("Transactions.ocf.json",
         lambda f: f["items"][0]["share_price"].update(currency="GBP"), "currency",
         "rate_needed"),
        ("Transactions.ocf.json",
         lambda f: f["items"][15]["conversion_triggers"][0]["conversion_right"][
             "conversion_mechanism"].update(type="CUSTOM_CONVERSION"),
         "sec-SAFE-1.conversion_mechanism", "ocf_mechanism"),
        ("VestingTerms.ocf.json",
         lambda f: f["items"][0]["vesting_conditions"][1]["trigger"]["period"].update(
             type="DAYS"), "vesting_terms.four-years", "ocf_vesting"),
    ],
)  # fmt: skip
def test_packages_that_cannot_be(tmp_path: Path, name, change, field: str, rule: str) -> None:
    with pytest.raises(InputError) as error:
        read_ocf(_broken(tmp_path, name, change))
    assert (error.value.field, error.value.rule) == (field, rule)


def test_files_that_are_no_package(tmp_path: Path) -> None:
    (tmp_path / MANIFEST).write_text("{", "utf-8")
    with pytest.raises(InputError, match="must be JSON"):
        read_ocf(tmp_path)
    (tmp_path / MANIFEST).write_text("[]", "utf-8")
    with pytest.raises(InputError, match="Open Cap Table Format"):
        read_ocf(tmp_path)
    other = tmp_path / "table.zip"
    other.write_bytes(b"no zip")
    with pytest.raises(InputError, match="Open Cap Table Format"):
        read_ocf(other)


names = st.sampled_from(["Ada", "Lin", "Fund I", "Fund II", "员工"])
days = st.dates(datetime.date(2024, 1, 1), datetime.date(2026, 1, 1))
shares = st.fractions(F(1, 1000), 10**8, max_denominator=1000)
prices = st.fractions(F(1, 900), 1000, max_denominator=997)
money = st.decimals(1, 10**7, places=2)
counts = st.builds(Counted, pool=st.booleans(), pool_increase=st.booleans(),
                   converting=st.booleans())  # fmt: skip
vestings = st.builds(
    Vesting, start=days, months=st.sampled_from([12, 36, 48]),
    cliff_months=st.sampled_from([0, 6, 12]), every_months=st.sampled_from([1, 3, 6]),
    acceleration=st.sampled_from(Acceleration), accelerated_share=st.just(D("0.5")),
)  # fmt: skip
classes = st.tuples(
    st.just(StockClass(name=COMMON, preferred=False)),
    st.builds(
        StockClass, name=st.just("Seed"), issue_price=st.just(F("1.5")),
        conversion_price=prices, seniority=st.integers(0, 9),
        liquidation_multiple=st.sampled_from([D(1), D("1.5")]), participating=st.booleans(),
        participation_cap=st.none() | st.just(D(3)), protection=st.sampled_from(Protection),
        pro_rata_right=st.booleans(),
        conversion_term=st.none() | st.just(Term(decided=Decided.FULL_RATCHET, price=F(1, 3))),
    ),
)  # fmt: skip
own_name = st.uuids().map(lambda uuid: uuid.hex)
holdings = st.builds(
    Holding, name=own_name, holder=names, stock_class=st.sampled_from([COMMON, "Seed"]),
    shares=shares, paid=st.decimals(0, 10**7, places=2), date=days,
    term=st.builds(Term, decided=st.sampled_from(Decided), price=prices),
    vesting=st.none() | vestings,
)  # fmt: skip
grants = st.builds(
    OptionGrant, name=own_name, holder=names, date=days, shares=shares,
    exercised=st.sampled_from([F(0), F(7, 3)]), exercise_price=prices,
    vesting=st.none() | vestings,
)  # fmt: skip
warrants = st.builds(
    Warrant, name=own_name, holder=names, date=days, shares=shares, exercise_price=prices,
    stock_class=st.sampled_from([COMMON, "Seed"]), expires=st.none(),
)  # fmt: skip
safes = st.builds(
    Safe, name=own_name, holder=names, date=days, amount=money,
    cap=st.none() | st.just(D(20_000_000)), discount=st.sampled_from([D(0), D("0.125")]),
    counted=counts, mfn=st.booleans(), pro_rata_right=st.booleans(),
)  # fmt: skip
notes = st.builds(
    Note, name=own_name, holder=names, date=days, amount=money, counted=counts,
    cap_shares=st.none() | shares, rate=st.sampled_from([D(0), D("0.0825")]),
    accrual=st.sampled_from(Accrual), periods_per_year=st.sampled_from([1, 4]),
    day_count=st.sampled_from(DayCount), maturity=st.just(datetime.date(2030, 1, 1)),
    qualified_amount=st.just(D("1000000.00")), repayment_multiple=st.just(D(2)),
)  # fmt: skip
tables = st.builds(
    CapTable, date=st.just(datetime.date(2026, 6, 1)), currency=st.sampled_from(["USD", "CNY"]),
    rates=st.just({"EUR": D("1.1")}), classes=classes,
    holdings=st.lists(holdings, max_size=4).map(tuple),
    grants=st.lists(grants, max_size=2).map(tuple),
    warrants=st.lists(warrants, max_size=2).map(tuple),
    safes=st.lists(safes, max_size=2).map(tuple), notes=st.lists(notes, max_size=2).map(tuple),
    pool=st.fractions(0, 10**6, max_denominator=7),
)  # fmt: skip


@settings(max_examples=60)
@given(table=tables)
def test_a_round_trip_changes_nothing(table: CapTable) -> None:
    assert read_back(table) == table
    check_ocf(written(table))


@settings(max_examples=40)
@given(table=tables)
def test_plain_ocf_alone_keeps_who_owns_what(table: CapTable) -> None:
    """A reader without the comments gets shares to ten decimals, prices and the terms of OCF."""
    files = ocf_files(table, ISSUER, NOW)
    bare = {name: re.sub(rb'"flopledger .*"', b'"-"', raw) for name, raw in files.items()}
    with TemporaryDirectory() as folder:
        write_ocf(bare, Path(folder))
        again = read_ocf(Path(folder))
    assert again.date == table.date
    before, after = table.shares_by_holder(), again.shares_by_holder()
    assert before.keys() == after.keys()
    for holder, number in before.items():
        assert float(after[holder]) == pytest.approx(float(number), rel=1e-6)
    assert float(again.pool) == pytest.approx(float(table.pool), abs=1e-8)
    for safe, read in zip(table.safes, again.safes, strict=True):
        assert (safe.amount, safe.cap, safe.discount) == (read.amount, read.cap, read.discount)
        assert (safe.counted, safe.mfn) == (read.counted, read.mfn)
    for note, read in zip(table.notes, again.notes, strict=True):
        assert (note.amount, note.cap, note.rate) == (read.amount, read.cap, read.rate)
    for stock, same in zip(table.holdings, again.holdings, strict=True):
        assert (stock.name, stock.date) == (same.name, same.date)
