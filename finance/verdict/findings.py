"""A finding of a check: which question, its status, its figures, and its mend."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from finance.verdict.mends import Mend


class Status(StrEnum):
    """Result of a check."""

    OK = "ok"
    CAUTION = "caution"
    FAILS = "fails"


class CheckName(StrEnum):
    """Question of a check."""

    FITS = "fits"
    """Whether the model fits in the memory of its devices."""
    CASH_BEFORE_ROUND = "cash_before_round"
    """Whether cash is left when the next planned round closes."""
    CASH_AFTER_ROUND = "cash_after_round"
    """Whether the cash lasts after the last planned round."""
    MARGIN = "margin"
    """Whether paid inference earns more than it costs."""
    BURN = "burn"
    """Burn for each USD of new recurring revenue."""
    DILUTION = "dilution"
    """Share of the company that the next round sells."""
    FORECAST = "forecast"
    """Whether a run has tested the compute forecast."""
    COVERAGE = "coverage"
    """Whether the listed training data covers the tokens of the plan."""
    CAPACITY = "capacity"
    """Whether contracts cover the devices that serving needs at its peak."""
    EARLY_EVENTS = "early_events"
    """Planned money that is dated before the plan begins."""
    BATCH = "batch"
    """Whether the global batch is small enough for each token to count."""
    SIZE = "size"
    """Whether runs on that number of devices were measured, and how often they fail."""
    RUN_DIFFERS = "run_differs"
    """Training runs that differ from the plan."""
    COVENANTS = "covenants"
    """Breaches of loan covenants."""


@dataclass(frozen=True, slots=True)
class Check:
    """A checked figure."""

    name: CheckName
    status: Status
    case: str
    """Key of the sentence below the check's name in the catalogs."""
    params: dict[str, object]
    """Values for the placeholders of that sentence; a name's ending tells its unit."""
    rules: tuple[str, ...] = ()
    """Names of the rules that the figure was compared with."""
    mend: Mend | None = None
