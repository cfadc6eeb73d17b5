"""SAFEs, notes, priced rounds, anti-dilution, vesting and cap tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

OPS: dict[str, Callable[[Mapping[str, Any]], Mapping[str, Any]]] = {}
