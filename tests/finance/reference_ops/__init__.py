"""Public function for each kind of reference case.

An op takes the ``inputs`` of a case and returns figures by the names that the cases use. It only
renames, so that the tests call the functions that the app calls. An optional input that a case
leaves out has the default of the function.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tests.finance.reference_ops import capital, debt, demand, exits, metrics, returns, risk

Op = Callable[[Mapping[str, Any]], Mapping[str, Any]]

OPS: dict[str, Op] = {
    **capital.OPS,
    **debt.OPS,
    **demand.OPS,
    **exits.OPS,
    **metrics.OPS,
    **returns.OPS,
    **risk.OPS,
}
