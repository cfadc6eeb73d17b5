"""How far other tools are off, as reported: ``data/peers.csv``."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Literal

from pydantic import Field

from engine.facts import Fact, read_facts
from engine.paths import DATA_DIR

Error = Annotated[float, Field(ge=0)]


class Peer(Fact):
    """Errors of one tool in tokens/s, as shares of what was measured."""

    name: str
    """A tool's own name; for what is none, a key of the catalogs below ``evidence.peer``."""
    kind: Literal["tool", "rule", "floor"]
    median_low: Error
    """Low and high are the bounds of what was found; equal where one figure was reported."""
    median_high: Error
    p90_low: Error
    p90_high: Error
    rows_note: Literal["expressible_half", "alike", "own_b200", "repeated"]
    """Which rows: a key of the catalogs below ``evidence.rows``."""


@cache
def peers() -> tuple[Peer, ...]:
    return read_facts(DATA_DIR / "peers.csv", Peer)
