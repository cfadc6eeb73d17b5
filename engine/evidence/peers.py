"""Reported errors of other tools: ``data/peers.csv``."""

from __future__ import annotations

from functools import cache
from typing import Literal

from engine.facts import Fact, read_facts
from engine.field_types import NonNegativeFloat
from engine.paths import DATA_DIR


class Peer(Fact):
    """Errors of one tool in tokens/s, as shares of what was measured."""

    name: str
    """Name of the tool."""
    median_low: NonNegativeFloat
    """Lower bound of the reported medians; equal to the upper bound where a single figure was
    reported."""
    median_high: NonNegativeFloat
    p90_low: NonNegativeFloat
    p90_high: NonNegativeFloat
    rows_note: Literal["expressible_half", "alike", "own_b200"]
    """Rows that the errors are from: a key of the catalogs below ``evidence.rows``."""


@cache
def peers() -> tuple[Peer, ...]:
    """Return all rows of ``data/peers.csv``."""
    return read_facts(DATA_DIR / "peers.csv", Peer)
