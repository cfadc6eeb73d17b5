"""How far other tools are off, as reported: ``data/peers.csv``."""

from __future__ import annotations

from functools import cache
from typing import Literal

from engine.facts import Fact, read_facts
from engine.field_types import NonNegativeFloat
from engine.paths import DATA_DIR


class Peer(Fact):
    """Errors of one tool in tokens/s, as shares of what was measured."""

    name: str
    """A tool's own name; for what is none, a key of the catalogs below ``evidence.peer``."""
    kind: Literal["tool", "rule", "floor"]
    median_low: NonNegativeFloat
    """Low and high are the bounds of what was found; equal where one figure was reported."""
    median_high: NonNegativeFloat
    p90_low: NonNegativeFloat
    p90_high: NonNegativeFloat
    rows_note: Literal["expressible_half", "alike", "own_b200", "repeated"]
    """Which rows: a key of the catalogs below ``evidence.rows``."""


@cache
def peers() -> tuple[Peer, ...]:
    return read_facts(DATA_DIR / "peers.csv", Peer)
