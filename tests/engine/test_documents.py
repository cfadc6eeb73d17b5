"""Wrong input gives one line with the field, the value and what is allowed."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.documents import MAX_DOCUMENT_BYTES, InputError, parse_toml, read_toml
from finance.company.scenario import SAMPLES_DIR, Scenario

LAPTOP = (SAMPLES_DIR / "laptop.toml").read_text("utf-8")


def refused(text: str | bytes, tmp_path: Path) -> str:
    path = tmp_path / "scenario.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InputError) as error:
        read_toml(path, Scenario)
    line = str(error.value)
    assert "\n" not in line
    return line


@pytest.mark.parametrize(
    ("old", "new", "parts"),
    [
        (
            'price_usd_per_device_hour = "0.05"',
            'price_usd_per_device_hour = "-2"',
            ("plan.cluster.price_usd_per_device_hour", "-2", "at least 0"),
        ),
        (
            '"CPU-core"',
            '"H100-80G"',
            ("plan.cluster.accelerator", "H100-80G", "nearest names are H100-80GB"),
        ),
        ("tokens = 3_072_000\n", "", ("plan.tokens", "required")),
        ("tokens = 3_072_000", "tokens = nan", ("plan.tokens", "nan", "number")),
        (
            "availability_share = 1.0",
            "availability_share = nan",
            ("plan.cluster.availability_share", "nan", "finite"),
        ),
        ('cash_usd = "24000"', 'cash_usd = "NaN"', ("company.cash_usd", "NaN", "finite")),
        ('cash_usd = "24000"', 'cash_usd = "1e18"', ("company.cash_usd", "at most 10000000000000")),
        ('cash_usd = "24000"', 'cash_usd = "0.001"', ("company.cash_usd", "2 decimal places")),
        ("n_kv_heads = 2", "n_kv_heads = 3", ("plan.shape.n_kv_heads", "3", "must divide 4")),
        ("zero_stage = 1", "zero_stage = 4", ("plan.layout.zero_stage", "4", "at most 3")),
        ('precision = "fp32"', 'precision = "bf16"', ("plan.layout.precision", "bf16", "fp32")),
        ("schema_version = 1", "schema_version = 2", ("schema_version", "2", "1")),
        ("runs = 120_000", "runs = 1.5", ("company.training.runs", "1.5", "whole number")),
        ("[company]", "[company]\nceo = 'me'", ("company.ceo", "me", "no such field")),
        ('title = "Founder · 创始人"', "title = 7", ("company.people.0.title", "7", "text")),
    ],
)
def test_one_line_names_field_value_and_limits(
    old: str, new: str, parts: tuple[str, ...], tmp_path: Path
) -> None:
    assert old in LAPTOP
    line = refused(LAPTOP.replace(old, new, 1), tmp_path)
    for part in parts:
        assert part in line


def test_a_file_of_200_mb(tmp_path: Path) -> None:
    path = tmp_path / "huge.toml"
    with path.open("wb") as file:
        file.truncate(200_000_000)  # a sparse file that must not be read to its end
    with pytest.raises(InputError, match=f"200000000 bytes .* at most {MAX_DOCUMENT_BYTES}"):
        read_toml(path, Scenario)


def test_broken_utf8_and_broken_toml(tmp_path: Path) -> None:
    assert "UTF-8" in refused(b"name = '\xff\xfe'", tmp_path)
    assert "TOML" in refused("name = ", tmp_path)
    assert "TOML" in refused(f"a = {'9' * 5000}", tmp_path)
    assert "TOML" in refused(f"a = {'[' * 5000}", tmp_path)


def test_a_missing_file() -> None:
    with pytest.raises(InputError, match="no such file"):
        read_toml(Path("/nowhere/scenario.toml"), Scenario)


@given(st.binary(max_size=2_000))
def test_no_bytes_cause_anything_but_one_line(raw: bytes) -> None:
    try:
        Scenario.parse(parse_toml(raw, "upload"))
    except InputError as error:
        lines = [str(error), error.in_language("zh_Hans")]
    else:
        lines = []
    assert all("\n" not in line for line in lines)


def test_toml_and_hash_round_trip(startup: Scenario, tmp_path: Path) -> None:
    path = tmp_path / "copy.toml"
    path.write_text(startup.to_toml(), "utf-8")
    again = read_toml(path, Scenario)
    assert again == startup
    assert again.content_hash == startup.content_hash
    assert startup.with_value("plan.tokens", 5).content_hash != startup.content_hash


def test_a_number_in_a_path_counts_in_a_list(startup: Scenario) -> None:
    changed = startup.with_value("company.people.1.people", 40)
    assert changed.company.people[1].people == 40
    assert changed.company.people[0] == startup.company.people[0]


def test_a_refused_change_leaves_the_document_alone(laptop: Scenario) -> None:
    before = laptop.content_hash
    with pytest.raises(InputError):
        laptop.with_value("plan.cluster.n_devices", 0)
    assert laptop.content_hash == before


def test_a_computed_hash_is_no_field_and_is_not_copied(startup: Scenario) -> None:
    plan = startup.plan
    before = plan.content_hash
    assert "content_hash" not in dict(plan)
    changed = plan.model_copy(update={"tokens": plan.tokens + 1})
    assert changed.content_hash != before == plan.content_hash
    assert plan == type(plan).parse(plan.model_dump(mode="json"))
