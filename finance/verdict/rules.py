"""Rules by which a plan is judged, with their sources; ``data/verdict_rules.csv`` has them."""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from typing import Literal

from engine.facts import Fact, look_up, read_facts
from engine.paths import DATA_DIR


class Rule(Fact):
    """Limit that a check compares a figure with."""

    rule: str
    value: Decimal
    unit: str
    basis: Literal["published", "definition", "judgement"]
    """Whether the limit follows from a publication, from the meaning of the figure, or is a
    judgement of this project."""


@cache
def rules() -> dict[str, Rule]:
    """Return all rules by name."""
    return {row.rule: row for row in read_facts(DATA_DIR / "verdict_rules.csv", Rule)}


def rule(name: str) -> Rule:
    """Return the rule of that name."""
    return look_up(rules(), name, "rule")
