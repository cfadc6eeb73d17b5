"""Numbers of a company, either the same for all trials or drawn for each trial.

All computations of a company read their numbers through this module. A number is either the value
in the document or a draw for the dotted path of its field.
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
    """Number of trials that are computed at once, and the numbers that differ between them."""

    n: int = 1
    drawn: Mapping[str, Floats] = field(default_factory=dict)
    """Draws by path, such as ``company.revenue.churn_share_per_month`` or
    ``company.revenue_lines.0.price_per_year``. Shapes (n,), or (n, months) for numbers that change
    from month to month."""
    _used_paths: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        for path, values in self.drawn.items():
            if values.ndim not in (1, 2) or values.shape[0] != self.n:
                raise InputError(path, str(values.shape), "one_for_each_trial", n=self.n)

    def numbers_of(self, document: Document, path: str = "", usd_per_unit: float = 1.0) -> Numbers:
        """Return the numbers of a document that has the path ``path`` in the scenario."""
        return Numbers(document, path, self, usd_per_unit)

    def drawn_values(self, path: str) -> Floats | None:
        """Return the draws for a field, None if there are none. Shape (n, 1) or (n, months)."""
        self._used_paths.add(path)
        values = self.drawn.get(path)
        return values if values is None or values.ndim == 2 else values[:, np.newaxis]

    @property
    def used_paths(self) -> frozenset[str]:
        """Paths of the numbers that runs have read."""
        return frozenset(self._used_paths)

    def check_all_draws_were_used(self) -> None:
        """Raise ``InputError`` if a run has not read some draws, such as those of a misspelt path.

        Call this after the run.
        """
        for path in self.drawn:
            if path not in self._used_paths:
                raise InputError("drawn", path, "number_of_company")


@dataclass(frozen=True, slots=True)
class Numbers:
    """Numbers of one document of a company."""

    document: Document
    path: str
    trials: Trials
    usd_per_unit: float
    """Value of one unit of the document's currency, in USD."""

    def __call__(self, name: str) -> Floats:
        """Return the number of a field, which may be a dotted path inside the document.

        The shape is (1, 1), or (trials, 1 or months) if the field was drawn.
        """
        drawn = self.trials.drawn_values(f"{self.path}.{name}" if self.path else name)
        if drawn is not None:
            return drawn
        return np.array([[float(value_at(self.document, name))]])

    def fixed(self, name: str) -> Floats:
        """Return the number of a field that cannot change from month to month.

        The shape is (1 or trials, 1).

        Raises
        ------
        InputError
            If the field was drawn month by month.
        """
        numbers = self(name)
        if numbers.shape[1] != 1:
            raise InputError(f"{self.path}.{name}", str(numbers.shape), "no_months")
        return numbers

    def usd(self, name: str) -> Floats:
        """Return an amount in USD; the field is in the document's currency."""
        return self(name) * self.usd_per_unit


def one_trial(values: npt.NDArray[AnyScalar], trial: int) -> npt.NDArray[AnyScalar]:
    """Return the months of one trial; ``values`` may have a single row for all trials."""
    row: npt.NDArray[AnyScalar] = values[trial if values.shape[0] > 1 else 0]
    return row
