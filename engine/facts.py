"""The dated facts in ``data/``: accelerators, prices, efficiencies, coefficients of laws.

Each row carries ``source`` and ``as_of``. The tables are read once a process.
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
UNKNOWN_SLOW_GB_PER_S = 12.5

Confidence = Literal["published", "measured", "unverified", "disputed", "outlier"]
"""``unverified``: a figure in the row was not read at its source. ``disputed``: sources
disagree. ``outlier``: over four times away from the median of its group."""


class Fact(Document):
    source: Annotated[str, Field(min_length=1)]
    as_of: Annotated[str, Field(pattern=r"^\d{4}-\d{2}(-\d{2})?$")]


class Accelerator(Fact):
    """One device as its vendor describes it; peaks are dense, without sparsity."""

    accelerator: str
    """Its name in scenarios, recipes and tables of runs."""
    name: str
    vendor: str
    arch: str
    """Generation: what efficiencies are known by."""
    kind: Literal["gpu", "tpu", "asic", "cpu"]
    peak_fp32_tflops: OptionalFloatCell
    peak_bf16_tflops: OptionalFloatCell
    peak_fp16_tflops: OptionalFloatCell
    peak_fp8_tflops: OptionalFloatCell
    peak_fp4_tflops: OptionalFloatCell
    best_matmul_bf16_tflops: OptionalFloatCell
    """The fastest matmul that anyone found on it, of any size."""
    best_matmul_fp8_tflops: OptionalFloatCell
    memory_gb: float
    memory_gb_per_s: float
    devices_per_node: Annotated[int | None, EMPTY_IS_NONE]
    intra_node_gb_per_s: OptionalFloatCell
    """One direction, per device."""
    inter_node_gb_per_s: OptionalFloatCell
    tdp_w: OptionalFloatCell
    released: str
    confidence: Confidence
    notes: str

    def peak_flops_per_s(self, precision: Precision) -> float | None:
        """Dense peak in FLOP/s, or None where the device has no such units or none is known."""
        tflops = {
            "fp32": self.peak_fp32_tflops,
            "bf16": self.peak_bf16_tflops,
            "fp16": self.peak_fp16_tflops,
            "nvfp4": self.peak_fp4_tflops,
        }.get(precision, self.peak_fp8_tflops)
        return None if tflops is None else tflops * FLOPS_PER_TFLOP

    def needed_flops_per_s(self, precision: Precision) -> float:
        """As :meth:`peak_flops_per_s`; InputError where there is none."""
        peak = self.peak_flops_per_s(precision)
        if peak is None:
            having = [one for one in PRECISIONS if self.peak_flops_per_s(one) is not None]
            raise InputError(
                "layout.precision",
                precision,
                "precision_of_device",
                device=self.accelerator,
                having=", ".join(having),
            )
        return peak

    def base_flops_per_s(self, precision: Precision) -> float:
        """Peak of what stays in 16 bits where linear layers run in 8 or 4, and in ``precision``
        itself otherwise."""
        if precision in TRAINING_PRECISIONS:
            return self.needed_flops_per_s(precision)
        return self.peak_flops_per_s("bf16") or self.needed_flops_per_s("fp16")

    @property
    def fast_gb_per_s(self) -> float:
        """Of the links inside a node, one direction; as PCIe 4 where the table has none."""
        return self.intra_node_gb_per_s or UNKNOWN_FAST_GB_PER_S

    @property
    def slow_gb_per_s(self) -> float:
        """Of the links between nodes, per device; as 100 Gb/s Ethernet where there is none."""
        return self.inter_node_gb_per_s or UNKNOWN_SLOW_GB_PER_S

    @property
    def domain_size(self) -> int:
        """Devices that the fast links join: without nodes, as in a TPU pod, all of them."""
        return self.devices_per_node or 1_000_000


class CloudPrice(Fact):
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
        """Offer, terms and date in one line."""
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
    """Read and validate one table; InputError names the row and column that is wrong."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        return tuple(
            kind.parse(row, where=f"{path.name}:{number}") for number, row in enumerate(rows, 2)
        )


@cache
def accelerators() -> dict[str, Accelerator]:
    rows = read_facts(DATA_DIR / "accelerators.csv", Accelerator)
    return {row.accelerator: row for row in rows}


@cache
def cloud_prices() -> tuple[CloudPrice, ...]:
    return read_facts(DATA_DIR / "cloud_prices.csv", CloudPrice)


@cache
def loss_coefficients() -> dict[str, LossCoefficients]:
    rows = read_facts(DATA_DIR / "scaling_laws.csv", LossCoefficients)
    return {row.law: row for row in rows}


def accelerator(name: str, field: str = "accelerator") -> Accelerator:
    """The accelerator of that name.

    Raises
    ------
    InputError
        With the nearest names, if there is none.
    """
    return look_up(accelerators(), name, field)


_MAKERS_WORDS = re.compile(r"nvidia|amd|intel|google|aws|instinct|huawei|sxm\d?|hbm\d?e?|oam|mhz")


def accelerator_in_table(name: str, field: str) -> Accelerator:
    """The accelerator that a table of runs means: tables write 'H100', 'H100 SXM5 80GB',
    'TPU v5e'. Of several kinds, those without PCIe come first, and of these the largest.

    Raises
    ------
    InputError
        With the nearest names, if none begins like it.
    """
    known = accelerators()
    if name in known:
        return known[name]
    wanted = _bare(name)
    alike = [one for one in known.values() if wanted and _bare(one.accelerator) == wanted]
    if not alike and len(wanted) >= _TELLING_CHARS:
        alike = [one for one in known.values() if _bare(one.accelerator).startswith(wanted)]
    if not alike:
        return accelerator(name, field)
    return max(alike, key=lambda one: (not re.search("PCIE|NVL", one.accelerator), one.memory_gb))


_TELLING_CHARS = 4


def _bare(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", _MAKERS_WORDS.sub("", name.casefold()))


def prices_of(accelerator_name: str) -> list[CloudPrice]:
    """Prices of one accelerator, the cheapest first."""
    found = [row for row in cloud_prices() if row.accelerator == accelerator_name]
    return sorted(found, key=lambda row: row.usd_per_device_hour)


def typical_price(accelerator_name: str) -> CloudPrice | None:
    """The median of the published on-demand prices, or None where there are none."""
    prices = [
        row
        for row in prices_of(accelerator_name)
        if row.terms == "on_demand" and row.confidence == "published"
    ]
    return prices[len(prices) // 2] if prices else None


def law_coefficients(name: str, field: str = "law") -> LossCoefficients:
    """The coefficients of that name; InputError with the nearest names if there are none."""
    return look_up(loss_coefficients(), name, field)


AnyRow = TypeVar("AnyRow")


def look_up(table: dict[str, AnyRow], name: str, field: str) -> AnyRow:
    if name in table:
        return table[name]
    raise InputError(field, name, "known_name", nearest=", ".join(_nearest(name, table)))


def _nearest(name: str, known: Iterable[str]) -> list[str]:
    by_folded = {one.casefold(): one for one in known}
    close = difflib.get_close_matches(name.casefold(), by_folded, n=3, cutoff=0.3)
    return [by_folded[one] for one in close] or list(by_folded.values())[:3]
