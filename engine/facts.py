"""The dated facts in ``data/``: accelerators, cloud prices and coefficients of scaling laws.

Each row has a ``source`` and the date ``as_of``. A process reads each table once.
"""

from __future__ import annotations

import csv
import difflib
import re
from collections.abc import Iterable
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import Field

from engine.documents import Document, InputError
from engine.field_types import EMPTY_IS_NONE, OptionalFloatCell
from engine.layout import PRECISIONS, TRAINING_PRECISIONS, Precision
from engine.paths import DATA_DIR
from engine.units import FLOPS_PER_TFLOP

UNKNOWN_FAST_GB_PER_S = 31.0
"""Assumed rate inside a node in GB/s, one direction, if the table has none: PCIe 4."""
UNKNOWN_SLOW_GB_PER_S = 12.5
"""Assumed rate between nodes in GB/s per device if the table has none: 100 Gb/s Ethernet."""

Confidence = Literal["published", "measured", "unverified", "disputed", "outlier"]
"""``unverified``: a figure in the row was not read at its source. ``disputed``: sources
disagree. ``outlier``: over four times away from the median of its group."""


class Fact(Document):
    """A row of a table in ``data/``, with its source and date."""

    source: Annotated[str, Field(min_length=1)]
    as_of: Annotated[str, Field(pattern=r"^\d{4}-\d{2}(-\d{2})?$")]


class Accelerator(Fact):
    """One device as its vendor describes it. Peak rates are without sparsity."""

    accelerator: str
    """Name of the device in scenarios, recipes and tables of runs."""
    name: str
    vendor: str
    arch: str
    """Hardware generation, such as Hopper. Efficiencies are fitted by generation."""
    kind: Literal["gpu", "tpu", "asic", "cpu"]
    peak_fp32_tflops: OptionalFloatCell
    peak_bf16_tflops: OptionalFloatCell
    peak_fp16_tflops: OptionalFloatCell
    peak_fp8_tflops: OptionalFloatCell
    peak_fp4_tflops: OptionalFloatCell
    best_matmul_bf16_tflops: OptionalFloatCell
    """Rate of the fastest published matmul of any size, in TFLOP/s."""
    best_matmul_fp8_tflops: OptionalFloatCell
    memory_gb: float
    memory_gb_per_s: float
    devices_per_node: Annotated[int | None, EMPTY_IS_NONE]
    intra_node_gb_per_s: OptionalFloatCell
    """Rate per device between devices of one node, one direction."""
    inter_node_gb_per_s: OptionalFloatCell
    tdp_w: OptionalFloatCell
    released: str
    confidence: Confidence
    notes: str

    def peak_flops_per_s(self, precision: Precision) -> float | None:
        """Return the dense peak in FLOP/s, or None if the device has none or it is unknown."""
        tflops = {
            "fp32": self.peak_fp32_tflops,
            "bf16": self.peak_bf16_tflops,
            "fp16": self.peak_fp16_tflops,
            "nvfp4": self.peak_fp4_tflops,
        }.get(precision, self.peak_fp8_tflops)
        return None if tflops is None else tflops * FLOPS_PER_TFLOP

    def needed_flops_per_s(self, precision: Precision) -> float:
        """Return the dense peak in FLOP/s; raise InputError if there is none."""
        peak = self.peak_flops_per_s(precision)
        if peak is None:
            having = [name for name in PRECISIONS if self.peak_flops_per_s(name) is not None]
            raise InputError(
                "layout.precision",
                precision,
                "precision_of_device",
                device=self.accelerator,
                having=", ".join(having),
            )
        return peak

    def base_flops_per_s(self, precision: Precision) -> float:
        """Return the peak, in FLOP/s, of the operations outside the linear layers.

        They stay in 16 bits if linear layers run in 8 or 4 bits; else they run in ``precision``.
        """
        if precision in TRAINING_PRECISIONS:
            return self.needed_flops_per_s(precision)
        return self.peak_flops_per_s("bf16") or self.needed_flops_per_s("fp16")

    @property
    def fast_gb_per_s(self) -> float:
        """Rate of the links inside a node in GB/s, one direction; that of PCIe 4 if unknown."""
        return self.intra_node_gb_per_s or UNKNOWN_FAST_GB_PER_S

    @property
    def slow_gb_per_s(self) -> float:
        """Rate between nodes in GB/s per device; that of 100 Gb/s Ethernet if unknown."""
        return self.inter_node_gb_per_s or UNKNOWN_SLOW_GB_PER_S

    @property
    def domain_size(self) -> int:
        """Number of devices that the fast links join: all in a TPU pod, which has no nodes."""
        return self.devices_per_node or 1_000_000


class CloudPrice(Fact):
    """One published offer of a cloud provider."""

    provider: str
    instance: str
    accelerator: str
    devices: int
    region: str
    terms: Literal["on_demand", "spot", "commitment_1y", "commitment_3y"]
    usd_per_device_hour: Decimal
    confidence: Confidence

    @property
    def citation(self) -> str:
        """One line with the offer, its terms and its date."""
        offer = f"{self.provider} {self.instance}".strip()
        return f"{offer}, {self.terms.replace('_', ' ')} ({self.as_of})"


class LossCoefficients(Fact):
    """One published fit of L(N, D) = E + A/N^α + B/D^β, in nats per token."""

    law: str
    label: str
    parameters_counted: Literal["total", "non_embedding"]
    A: float
    B: float
    E: float
    alpha: float
    beta: float
    min_parameters: float
    max_parameters: float
    min_tokens: float
    max_tokens: float


AnyFact = TypeVar("AnyFact", bound=Fact)


def read_facts(path: Path, kind: type[AnyFact]) -> tuple[AnyFact, ...]:
    """Read and validate one table; an InputError names the wrong row and column."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        return tuple(
            kind.parse(row, where=f"{path.name}:{number}") for number, row in enumerate(rows, 2)
        )


@cache
def accelerators() -> dict[str, Accelerator]:
    """Return all accelerators by name."""
    rows = read_facts(DATA_DIR / "accelerators.csv", Accelerator)
    return {row.accelerator: row for row in rows}


@cache
def cloud_prices() -> tuple[CloudPrice, ...]:
    """Return all published cloud prices."""
    return read_facts(DATA_DIR / "cloud_prices.csv", CloudPrice)


@cache
def loss_coefficients() -> dict[str, LossCoefficients]:
    """Return the published coefficients of loss laws, by the name of the law."""
    rows = read_facts(DATA_DIR / "scaling_laws.csv", LossCoefficients)
    return {row.law: row for row in rows}


def accelerator(name: str, field: str = "accelerator") -> Accelerator:
    """Return the accelerator of that name.

    Raises
    ------
    InputError
        If there is none. The error lists the nearest names.
    """
    return look_up(accelerators(), name, field)


_VENDOR_WORDS = re.compile(r"nvidia|amd|intel|google|aws|instinct|huawei|sxm\d?|hbm\d?e?|oam|mhz")


def accelerator_in_table(name: str, field: str) -> Accelerator:
    """Return the accelerator for a loose name in a table: 'H100', 'H100 SXM5 80GB', 'TPU v5e'.

    If several match, parts without PCIe are preferred, and among those the largest memory.

    Raises
    ------
    InputError
        If no name begins with the given one. The error lists the nearest names.
    """
    table = accelerators()
    if name in table:
        return table[name]
    wanted = _normalised(name)
    alike = [row for row in table.values() if wanted and _normalised(row.accelerator) == wanted]
    if not alike and len(wanted) >= _LEAST_PREFIX_CHARS:
        alike = [row for row in table.values() if _normalised(row.accelerator).startswith(wanted)]
    if not alike:
        return accelerator(name, field)
    return max(alike, key=lambda row: (not re.search("PCIE|NVL", row.accelerator), row.memory_gb))


_LEAST_PREFIX_CHARS = 4


def _normalised(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", _VENDOR_WORDS.sub("", name.casefold()))


def prices_of(accelerator_name: str) -> list[CloudPrice]:
    """Return the prices of one accelerator, the cheapest first."""
    found = [row for row in cloud_prices() if row.accelerator == accelerator_name]
    return sorted(found, key=lambda row: row.usd_per_device_hour)


def typical_price(accelerator_name: str) -> CloudPrice | None:
    """Return the median of the published on-demand prices, or None if there is none."""
    prices = [
        row
        for row in prices_of(accelerator_name)
        if row.terms == "on_demand" and row.confidence == "published"
    ]
    return prices[len(prices) // 2] if prices else None


def law_coefficients(name: str, field: str = "law") -> LossCoefficients:
    """Return the coefficients of a law; an InputError lists the nearest names if it is unknown."""
    return look_up(loss_coefficients(), name, field)


AnyRow = TypeVar("AnyRow")


def look_up(table: dict[str, AnyRow], name: str, field: str) -> AnyRow:
    """Return the row of that name; an InputError lists the nearest names if there is none."""
    if name in table:
        return table[name]
    raise InputError(field, name, "known_name", nearest=", ".join(_nearest(name, table)))


def _nearest(name: str, names: Iterable[str]) -> list[str]:
    by_folded = {candidate.casefold(): candidate for candidate in names}
    close = difflib.get_close_matches(name.casefold(), by_folded, n=3, cutoff=0.3)
    return [by_folded[folded] for folded in close] or list(by_folded.values())[:3]
