"""Numbers of a company, one for all trials or one for each.

Everything that computes a company takes its numbers through here: as the document says, or as they
were drawn, by the dotted path of the field that they stand for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from engine.document_paths import value_at
from engine.documents import Document, InputError
from finance.books.cents import AnyScalar, Floats


@dataclass(frozen=True, slots=True)
class Trials:
    """How often a company is run at once, and what differs between the runs.

    ``drawn`` has arrays of shape (n,), or (n, months) for what moves from month to month, by paths
    such as ``revenue.churn_share_per_month`` or ``revenue_lines.0.price_per_year``.
    """

    n: int = 1
    drawn: Mapping[str, Floats] = field(default_factory=dict)
    _used_paths: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        for path, values in self.drawn.items():
            if values.ndim not in (1, 2) or values.shape[0] != self.n:
                raise InputError(path, str(values.shape), "one_for_each_trial", n=self.n)

    def numbers_of(self, document: Document, path: str = "", usd_per_unit: float = 1.0) -> Numbers:
        """The numbers of a document that stands at ``path`` in the company."""
        return Numbers(document, path, self, usd_per_unit)

    def drawn_values(self, path: str) -> Floats | None:
        """What was drawn for a field. Shape (n, 1) or (n, months)."""
        self._used_paths.add(path)
        values = self.drawn.get(path)
        return values if values is None or values.ndim == 2 else values[:, np.newaxis]

    def check_all_draws_were_used(self) -> None:
        """After a run: refuse draws that nothing depended on, such as a misspelt path."""
        for path in self.drawn:
            if path not in self._used_paths:
                raise InputError("drawn", path, "number_of_company")


@dataclass(frozen=True, slots=True)
class Numbers:
    """The numbers of one document of a company."""

    document: Document
    path: str
    trials: Trials
    usd_per_unit: float
    """What one unit of the document's currency is worth."""

    def __call__(self, name: str) -> Floats:
        """A field, dotted where it lies deeper. Shape (1, 1), or (trials, 1 or months) if drawn."""
        drawn = self.trials.drawn_values(f"{self.path}.{name}" if self.path else name)
        if drawn is not None:
            return drawn
        return np.array([[float(value_at(self.document, name))]])

    def fixed(self, name: str) -> Floats:
        """As a call, for what cannot move from month to month. Shape (1 or trials, 1)."""
        numbers = self(name)
        if numbers.shape[1] != 1:
            raise InputError(f"{self.path}.{name}", str(numbers.shape), "no_months")
        return numbers

    def usd(self, name: str) -> Floats:
        """As a call, for an amount in the document's currency."""
        return self(name) * self.usd_per_unit


def one_trial(values: npt.NDArray[AnyScalar], trial: int) -> npt.NDArray[AnyScalar]:
    """The months of one trial, of values that may be the same for all."""
    row: npt.NDArray[AnyScalar] = values[trial if values.shape[0] > 1 else 0]
    return row
