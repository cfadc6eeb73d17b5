"""Unit factors agree with each other, and no module defines them a second time."""

import ast
from pathlib import Path

from engine import units
from engine.paths import PROJECT_DIR

_PACKAGES = ("engine", "finance", "pages")


def test_factors_of_time_agree() -> None:
    assert units.SECONDS_PER_DAY == units.SECONDS_PER_HOUR * units.HOURS_PER_DAY
    assert units.MINUTES_PER_HOUR * 60 == units.SECONDS_PER_HOUR
    assert units.HOURS_PER_YEAR == 8_766
    assert units.HOURS_PER_MONTH == 730.5
    assert units.HOURS_PER_MONTH * units.MONTHS_PER_YEAR == units.HOURS_PER_YEAR


def test_no_other_module_defines_a_factor_again() -> None:
    names = {name for name in vars(units) if name.isupper()}
    names |= {"GB", "GIB", "MILLION"}
    again = [
        f"{path.relative_to(PROJECT_DIR)}: {name}"
        for package in _PACKAGES
        for path in (PROJECT_DIR / package).rglob("*.py")
        if path != Path(units.__file__)
        for name in _assigned(path) & names
    ]
    assert again == []


def _assigned(path: Path) -> set[str]:
    """Return the names that a module assigns at its top level."""
    return {
        target.id
        for statement in ast.parse(path.read_text("utf-8")).body
        if isinstance(statement, ast.Assign | ast.AnnAssign)
        for target in (
            statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        )
        if isinstance(target, ast.Name)
    }
